#include "runtime/calendar.h"

#include <string>

#include "core/limit/limit_names.h"
#include "runtime/clock.h"

#if defined(LLMQ_HAVE_CALENDAR)
#include <date/tz.h>

#include <exception>
#endif

namespace llmq::runtime {
namespace {

constexpr int64_t kMsPerSecond = 1000;
constexpr int64_t kSecondsPerMinute = 60;
constexpr int64_t kSecondsPerHour = 3600;
constexpr int64_t kSecondsPerDay = 86'400;

bool is_utc(std::string_view zone) { return zone.empty() || zone == "UTC" || zone == "Etc/UTC"; }

int64_t floor_to(int64_t value, int64_t step) {
  const int64_t over = value % step;
  return value - over - (over < 0 ? step : 0);
}

// 0 for windows whose lengths differ.
int64_t length_of(core::Calendar calendar) {
  switch (calendar) {
    case core::Calendar::kMinute:
      return kSecondsPerMinute;
    case core::Calendar::kHour:
      return kSecondsPerHour;
    case core::Calendar::kDay:
      return kSecondsPerDay;
    default:
      return 0;
  }
}

CalendarWindow fixed_window(int64_t length, int64_t at) {
  const int64_t start = floor_to(at, length);
  return {start * kMsPerSecond, (start + length) * kMsPerSecond,
          (start + 2 * length) * kMsPerSecond};
}

#if defined(LLMQ_HAVE_CALENDAR)

using date::days;
using date::local_days;
using date::sys_seconds;
using std::chrono::seconds;

// Minutes and hours: the moments at which the zone's own clocks show a whole one. Where clocks
// change in between, the window is cut short or drawn out.
class ClockWindows {
 public:
  ClockWindows(const date::time_zone& zone, int64_t length) : zone_(zone), length_(length) {}

  CalendarWindow at(sys_seconds time) const {
    const sys_seconds end = after(time);
    return {begin(time).time_since_epoch().count() * kMsPerSecond,
            end.time_since_epoch().count() * kMsPerSecond,
            after(end).time_since_epoch().count() * kMsPerSecond};
  }

 private:
  // How long ago the clocks, as they are set then, showed a whole one.
  seconds past(sys_seconds time, seconds offset) const {
    const int64_t local = (time.time_since_epoch() + offset).count();
    return seconds(local - floor_to(local, length_));
  }

  sys_seconds begin(sys_seconds time) const {
    while (true) {
      const date::sys_info info = zone_.get_info(time);
      const sys_seconds whole = time - past(time, info.offset);
      if (whole >= info.begin) return whole;
      time = info.begin - seconds(1);
    }
  }

  sys_seconds after(sys_seconds time) const {
    while (true) {
      const date::sys_info info = zone_.get_info(time);
      const sys_seconds whole = time - past(time, info.offset) + seconds(length_);
      if (whole < info.end) return whole;
      time = info.end;
      if (past(time, zone_.get_info(time).offset) == seconds(0)) return time;
    }
  }

  const date::time_zone& zone_;
  int64_t length_;
};

// Days, weeks and months: from the first moment of a date to that of another.
class DateWindows {
 public:
  DateWindows(const date::time_zone* zone, core::Calendar calendar)
      : zone_(zone), calendar_(calendar) {}

  CalendarWindow at(sys_seconds time) const {
    local_days first = first_of(date_at(time));
    // The date may have begun, and clocks been set back to the one before.
    while (start_of(following(first)) <= time) first = following(first);
    const sys_seconds start = start_of(first);
    const sys_seconds end = next_start(first, time);
    const sys_seconds next_end = next_start(first, end);
    return {start.time_since_epoch().count() * kMsPerSecond,
            end.time_since_epoch().count() * kMsPerSecond,
            next_end.time_since_epoch().count() * kMsPerSecond};
  }

 private:
  local_days date_at(sys_seconds time) const {
    if (zone_ == nullptr) return local_days(date::floor<days>(time).time_since_epoch());
    return date::floor<days>(zone_->to_local(time));
  }

  // Where the clocks skip midnight, the moment at which they do.
  sys_seconds start_of(local_days date) const {
    if (zone_ == nullptr) return sys_seconds(seconds(date.time_since_epoch()));
    return zone_->to_sys(date::local_seconds(date), date::choose::earliest);
  }

  local_days first_of(local_days date) const {
    if (calendar_ == core::Calendar::kWeek) {
      return date - (date::weekday(date) - date::Monday);
    }
    if (calendar_ == core::Calendar::kMonth) {
      const date::year_month_day parts(date);
      return local_days(parts.year() / parts.month() / 1);
    }
    return date;
  }

  local_days following(local_days first) const {
    if (calendar_ == core::Calendar::kWeek) return first + days(7);
    if (calendar_ == core::Calendar::kMonth) {
      return local_days(date::year_month_day(first) + date::months(1));
    }
    return first + days(1);
  }

  // The first one of those behind `date` that starts after `time`: a zone that moves across the
  // date line has a date of no length.
  sys_seconds next_start(local_days& date, sys_seconds time) const {
    do date = following(date);
    while (start_of(date) <= time);
    return start_of(date);
  }

  const date::time_zone* zone_;  // nullptr: UTC
  core::Calendar calendar_;
};

core::Result<CalendarWindow> window_in(core::Calendar calendar, std::string_view zone, int64_t at) {
  const sys_seconds time{seconds(at)};
  if (is_utc(zone)) return DateWindows(nullptr, calendar).at(time);
  try {
    const date::time_zone& found = *date::locate_zone(std::string(zone));
    if (calendar == core::Calendar::kMinute || calendar == core::Calendar::kHour) {
      return ClockWindows(found, length_of(calendar)).at(time);
    }
    return DateWindows(&found, calendar).at(time);
  } catch (const std::exception&) {
    return core::Error{core::Status::kInvalidValue,
                       "the system's database knows no time zone \"" + std::string(zone) +
                           "\"; an example of one is Europe/Berlin",
                       "time_zone"};
  }
}

#else

core::Result<CalendarWindow> window_in(core::Calendar calendar, std::string_view zone, int64_t) {
  return core::Error{core::Status::kUnsupported,
                     "this build (LLMQ_CALENDAR=OFF) knows minutes, hours and days of UTC, not a " +
                         std::string(core::calendar_name(calendar)) + " of " +
                         (is_utc(zone) ? "UTC" : std::string(zone)),
                     is_utc(zone) ? "calendar" : "time_zone"};
}

#endif

core::Result<core::Done> named(const std::string& owner, core::Result<core::Done> checked) {
  if (checked) return checked;
  core::Error error = checked.error();
  error.key.insert(0, owner);
  error.message = error.key + ": " + error.message;
  return error;
}

}  // namespace

core::Result<CalendarWindow> calendar_window(core::Calendar calendar, std::string_view zone,
                                             int64_t wall_unix_ms) {
  const int64_t at = floor_to(wall_unix_ms, kMsPerSecond) / kMsPerSecond;
  if (const int64_t length = length_of(calendar); length > 0 && is_utc(zone)) {
    return fixed_window(length, at);
  }
  return window_in(calendar, zone, at);
}

core::Result<core::Done> check_calendars(const std::vector<core::LimitSpec>& limits,
                                         std::string_view zone) {
  for (const core::LimitSpec& limit : limits) {
    if (limit.calendar == core::Calendar::kNone) continue;
    auto window = calendar_window(limit.calendar, zone, wall_unix_ms());
    if (window) continue;
    window.error().message = "limit " + core::limit_name(limit) + ": " + window.error().message;
    return window.error();
  }
  // A zone that no limit uses yet may be used after a live change.
  const auto day = calendar_window(core::Calendar::kDay, zone, wall_unix_ms());
  if (!day && day.error().code == core::Status::kInvalidValue) return day.error();
  return core::Done{};
}

core::Result<core::Done> check_calendars(const config::ModelConfig& model) {
  for (const std::vector<core::LimitSpec>* limits : {&model.limits, &model.tenant_limits}) {
    auto checked = check_calendars(*limits, model.time_zone);
    if (!checked) return named("model." + model.name + ".", checked);
  }
  for (const config::DeploymentConfig& one : model.deployments) {
    auto checked = check_calendars(one.limits, model.time_zone);
    if (!checked) return named(one.key_prefix(), checked);
  }
  return core::Done{};
}

core::Result<core::Done> check_calendars(const config::PoolConfig& pool) {
  return named("pool." + pool.name + ".", check_calendars(pool.limits, pool.time_zone));
}

}  // namespace llmq::runtime
