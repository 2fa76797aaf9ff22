#include "provider/rate_limit_headers.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "provider/duration.h"
#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::DurationNs;
using core::kNotTold;
using core::LimitKind;

constexpr std::string_view kPrefix = "x-ratelimit-";
// Numbers from here on are points of the wall clock, not lengths.
constexpr double kUnixSeconds = 1e9;
constexpr double kUnixMilliseconds = 1e11;
constexpr int64_t kDayNs = 86'400 * kNsPerSecond;
constexpr int64_t kLongestPeriodNs = 31 * kDayNs;
constexpr int64_t kLongestResetNs = 32 * kDayNs;  // the longest window, and clocks that differ

enum class Field : uint8_t { kLimit, kRemaining, kReset, kRenewal };

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};
constexpr std::array<Named<Field>, 4> kFields{{{"limit-", Field::kLimit},
                                               {"remaining-", Field::kRemaining},
                                               {"reset-", Field::kReset},
                                               {"renewalperiod-", Field::kRenewal}}};
// A name that begins another one comes after it.
constexpr std::array<Named<LimitKind>, 8> kKinds{{{"requests", LimitKind::kRequests},
                                                  {"req", LimitKind::kRequests},
                                                  {"input-tokens", LimitKind::kInputTokens},
                                                  {"output-tokens", LimitKind::kOutputTokens},
                                                  {"prompt-tokens", LimitKind::kInputTokens},
                                                  {"tokens-prompt", LimitKind::kInputTokens},
                                                  {"tokens-generated", LimitKind::kOutputTokens},
                                                  {"tokens", LimitKind::kTokens}}};
constexpr std::array<Named<int64_t>, 6> kPeriods{{{"second", kNsPerSecond},
                                                  {"minute", 60 * kNsPerSecond},
                                                  {"hour", 3600 * kNsPerSecond},
                                                  {"day", kDayNs},
                                                  {"week", 7 * kDayNs},
                                                  {"month", 30 * kDayNs}}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <typename Value, size_t N>
std::optional<Value> take_named(std::string_view& text, const std::array<Named<Value>, N>& names) {
  for (const Named<Value>& candidate : names) {
    if (take_prefix(text, candidate.name)) return candidate.value;
  }
  return std::nullopt;
}

// "", "-minute", "-10-second".
std::optional<DurationNs> read_period(std::string_view suffix) {
  if (suffix.empty()) return DurationNs{};
  if (!take_prefix(suffix, "-")) return std::nullopt;
  int64_t times = 1;
  if (const size_t dash = suffix.find('-'); dash != std::string_view::npos) {
    const std::optional<int64_t> number = read_count(suffix.substr(0, dash));
    if (!number || *number < 1) return std::nullopt;
    times = *number;
    suffix.remove_prefix(dash + 1);
  }
  const std::optional<int64_t> unit = take_named(suffix, kPeriods);
  if (!unit || !suffix.empty() || times > kLongestPeriodNs / *unit) return std::nullopt;
  return DurationNs{times * *unit};
}

// Providers write -1 for "unknown", and what is overdrawn below 0.
std::optional<int64_t> read_remaining(std::string_view value) {
  value = trimmed(value);
  if (value == "-1") return std::nullopt;
  if (!value.empty() && value.front() == '-') {
    return read_count(value.substr(1)) ? std::optional<int64_t>(0) : std::nullopt;
  }
  return read_count(value);
}

// The smaller one of those that are told.
int64_t tighter(int64_t a, int64_t b) {
  if (a == kNotTold || b == kNotTold) return std::max(a, b);
  return std::min(a, b);
}

}  // namespace

RateLimitHeaders::Entry* RateLimitHeaders::entry_for(LimitKind kind, DurationNs period,
                                                     bool project) {
  for (size_t i = 0; i < count_; ++i) {
    Entry& entry = entries_[i];
    if (entry.kind == kind && entry.period == period && entry.project == project) return &entry;
  }
  if (count_ == kMost) return nullptr;
  Entry& entry = entries_[count_++];
  entry.kind = kind;
  entry.period = period;
  entry.project = project;
  return &entry;
}

void RateLimitHeaders::add(std::string_view name, std::string_view value) {
  if (!take_prefix(name, kPrefix)) return;
  const std::optional<Field> field = take_named(name, kFields);
  if (!field) return;
  const bool project = take_prefix(name, "project-");
  const std::optional<LimitKind> kind = take_named(name, kKinds);
  if (!kind) return;
  const std::optional<DurationNs> period = read_period(name);
  if (!period) return;
  Entry* const entry = entry_for(*kind, *period, project);
  if (entry == nullptr) return;
  switch (*field) {
    case Field::kLimit:
      if (const auto limit = read_count(value); limit && *limit > 0) {
        entry->limit = tighter(entry->limit, *limit);
      }
      break;
    case Field::kRemaining:
      if (const auto remaining = read_remaining(value)) {
        entry->remaining = tighter(entry->remaining, *remaining);
      }
      break;
    case Field::kReset:
      if (const auto number = read_number(value)) {
        entry->reset_number = std::max(entry->reset_number, *number);
      } else if (const auto length = read_duration(value, kNsPerSecond)) {
        entry->reset_ns = std::max(entry->reset_ns, *length);
      }
      break;
    case Field::kRenewal:
      if (const auto length = read_duration(value, kNsPerSecond); length && *length > 0) {
        entry->renewal_ns = *length;
      }
      break;
  }
}

core::Observation RateLimitHeaders::observation_of(const Entry& entry, int64_t wall_unix_ms) {
  core::Observation seen;
  seen.kind = entry.kind;
  seen.period = entry.period;
  if (seen.period.ns == 0 && entry.renewal_ns != kNotTold && entry.renewal_ns <= kLongestPeriodNs) {
    seen.period.ns = entry.renewal_ns;
  }
  seen.limit = entry.limit;
  seen.remaining = entry.remaining;
  if (seen.remaining != kNotTold && seen.limit != kNotTold) {
    seen.remaining = std::min(seen.remaining, seen.limit);
  }
  double reset = entry.reset_ns == kNotTold ? -1 : static_cast<double>(entry.reset_ns);
  if (const double number = entry.reset_number; reset < 0 && number >= 0) {
    constexpr auto kSecond = static_cast<double>(kNsPerSecond);
    reset = number * kSecond;
    if (number >= kUnixSeconds) {
      const double at_ms = number >= kUnixMilliseconds ? number : number * 1000;
      reset = std::max(0.0, at_ms - static_cast<double>(wall_unix_ms)) * kNsPerMs;
    } else if (entry.renewal_ns != kNotTold && seen.limit != kNotTold &&
               seen.remaining != kNotTold) {
      // Azure: seconds or milliseconds, whichever the level explains.
      const double due = static_cast<double>(seen.limit - seen.remaining) /
                         static_cast<double>(seen.limit) * static_cast<double>(entry.renewal_ns);
      if (std::abs(reset / 1000 - due) < std::abs(reset - due)) reset /= 1000;
    }
  }
  if (reset >= 0 && reset <= static_cast<double>(kLongestResetNs)) {
    seen.reset.ns = std::llround(reset);
  }
  return seen;
}

void RateLimitHeaders::finish(int64_t wall_unix_ms, core::Observed& observed) const {
  for (size_t i = 0; i < count_; ++i) {
    const core::Observation seen = observation_of(entries_[i], wall_unix_ms);
    if (seen.limit == kNotTold && seen.remaining == kNotTold) continue;
    const size_t known = observed.count;
    core::Observation* const slot = observed.of(seen.kind, seen.period);
    if (slot == nullptr) return;
    const auto level = [](const core::Observation& o) {
      return o.remaining == kNotTold ? o.limit : o.remaining;
    };
    if (observed.count > known || level(seen) < level(*slot)) *slot = seen;
  }
}

}  // namespace llmq::provider
