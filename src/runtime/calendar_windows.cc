#include "runtime/calendar_windows.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace llmq::runtime {
namespace {

// The wall clock may wander that far before every window is looked at.
constexpr int64_t kNoticedNs = 500'000'000;

constexpr core::TimeNs kAtOnce{std::numeric_limits<int64_t>::min()};

}  // namespace

void CalendarWindows::add(core::ModelIndex model, core::DeploymentIndex deployment, uint32_t index,
                          const core::Limit* limit, core::Calendar calendar) {
  const bool known = std::any_of(all_.begin(), all_.end(), [&](const One& other) {
    if (limit != nullptr) return other.limit == limit;
    return other.limit == nullptr && other.model == model && other.track.calendar() == calendar;
  });
  if (calendar == core::Calendar::kNone || known) return;
  all_.push_back(
      One{model, deployment, index, limit, WindowTrack(calendar, zone_of_(model, limit))});
  due_ = kAtOnce;
}

void CalendarWindows::open(core::ModelIndex index) {
  core::Model* const model = engine_.model(index);
  if (model == nullptr) return;
  for (const auto& deployment : model->deployments) {
    if (deployment == nullptr) continue;
    const std::vector<core::Limit*>& limits = deployment->limiter.limits();
    for (size_t i = 0; i < limits.size(); ++i) {
      add(index, deployment->index, static_cast<uint32_t>(i), limits[i],
          limits[i]->spec().calendar);
    }
  }
  for (const core::LimitSpec& spec : model->tenant_limits) {
    add(index, 0, 0, nullptr, spec.calendar);
  }
}

bool CalendarWindows::come_from(core::ModelIndex model) const {
  return std::any_of(all_.begin(), all_.end(),
                     [model](const One& one) { return one.model == model; });
}

// Is it where it was, as it was?
bool CalendarWindows::is_current(const One& one) const {
  const core::Model* const model = engine_.model(one.model);
  if (model == nullptr || zone_of_(one.model, one.limit) != one.track.zone()) return false;
  const core::Calendar calendar = one.track.calendar();
  if (one.limit == nullptr) {
    const std::vector<core::LimitSpec>& own = model->tenant_limits;
    return std::any_of(own.begin(), own.end(), [calendar](const core::LimitSpec& spec) {
      return spec.calendar == calendar;
    });
  }
  if (model->deployments[one.deployment] == nullptr) return false;
  const std::vector<core::Limit*>& limits = model->deployments[one.deployment]->limiter.limits();
  return one.index < limits.size() && limits[one.index] == one.limit &&
         one.limit->spec().calendar == calendar;
}

void CalendarWindows::reconcile() {
  all_.erase(
      std::remove_if(all_.begin(), all_.end(), [this](const One& one) { return !is_current(one); }),
      all_.end());
  for (One& one : all_) one.track.repeat();
  if (!all_.empty()) due_ = kAtOnce;
}

void CalendarWindows::follow(const Clocks& now, const Tell& tell) {
  if (all_.empty()) return;
  const int64_t wall_ahead = now.wall_unix_ms * 1'000'000 - now.mono.ns - now.asleep.ns;
  const bool steady = now.asleep == asleep_ && std::abs(wall_ahead - wall_ahead_) < kNoticedNs;
  if (steady && now.mono < due_) return;
  asleep_ = now.asleep;
  wall_ahead_ = wall_ahead;
  due_ = core::kNever;
  for (One& one : all_) {
    while (const auto times = one.track.follow(now)) tell(one, *times);
    due_ = std::min(due_, one.track.due());
  }
}

core::Event CalendarWindows::event_of(const One& one, const WindowTimes& times) {
  if (one.limit == nullptr) return core::TenantWindows{one.model, one.track.calendar(), times};
  return core::WindowEdges{one.model, one.index,      times.start,
                           times.end, times.next_end, one.deployment};
}

}  // namespace llmq::runtime
