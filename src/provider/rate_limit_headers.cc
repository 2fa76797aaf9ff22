#include "provider/rate_limit_headers.h"

#include <algorithm>
#include <cmath>

#include "provider/date.h"
#include "provider/duration.h"
#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::DurationNs;
using core::kNotTold;
using core::LimitKind;

// Numbers from here on are points of the wall clock, not lengths.
constexpr double kUnixSeconds = 1e9;
constexpr double kUnixMilliseconds = 1e11;
constexpr int64_t kDayNs = 86'400 * kNsPerSecond;
constexpr int64_t kLongestPeriodNs = 31 * kDayNs;
constexpr int64_t kLongestResetNs = 32 * kDayNs;  // the longest window, and clocks that differ

std::optional<LimitKind> core_kind(Counted counted) {
  switch (counted) {
    case Counted::kRequests:
      return LimitKind::kRequests;
    case Counted::kTokens:
      return LimitKind::kTokens;
    case Counted::kInputTokens:
      return LimitKind::kInputTokens;
    case Counted::kOutputTokens:
      return LimitKind::kOutputTokens;
    default:
      return std::nullopt;
  }
}

// Where a list begins anew: a comma that no group of three digits follows.
size_t list_comma(std::string_view text) {
  for (size_t at = text.find(','); at != std::string_view::npos; at = text.find(',', at + 1)) {
    const std::string_view group = text.substr(at + 1, 3);
    const bool digits =
        std::all_of(group.begin(), group.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool ends = at + 4 >= text.size() || text[at + 4] < '0' || text[at + 4] > '9';
    if (group.size() != 3 || !digits || !ends) return at;
  }
  return std::string_view::npos;
}

// Providers write -1 for "unknown", and what is overdrawn below 0.
std::optional<int64_t> read_amount(std::string_view value, bool may_be_overdrawn) {
  value = trimmed(value);
  if (value == "-1") return std::nullopt;
  if (may_be_overdrawn && !value.empty() && value.front() == '-') {
    return read_count(value.substr(1)) ? std::optional<int64_t>(0) : std::nullopt;
  }
  return read_count(value);
}

// The smaller one of those that are told.
int64_t tighter(int64_t a, int64_t b) {
  if (a == kNotTold || b == kNotTold) return std::max(a, b);
  return std::min(a, b);
}

// A header that came as a list means its tightest value.
int64_t tightest(std::string_view value, bool is_limit) {
  int64_t least = kNotTold;
  while (!value.empty()) {
    const size_t comma = std::min(list_comma(value), value.size());
    const auto amount = read_amount(value.substr(0, comma), !is_limit);
    if (amount && (*amount > 0 || !is_limit)) least = tighter(least, *amount);
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return least;
}

}  // namespace

RateLimitHeaders::Entry* RateLimitHeaders::entry_for(const LimitHeaderName& name) {
  for (size_t i = 0; i < count_; ++i) {
    Entry& entry = entries_[i];
    if (entry.of.counted == name.counted && entry.of.period == name.period &&
        entry.of.scope == name.scope) {
      return &entry;
    }
  }
  if (count_ == kMost) return nullptr;
  Entry& entry = entries_[count_++];
  entry.of = name;
  return &entry;
}

void RateLimitHeaders::put(LimitField field, std::string_view value, Entry& entry) {
  switch (field) {
    case LimitField::kLimit:
      entry.limit = tighter(entry.limit, tightest(value, true));
      break;
    case LimitField::kRemaining:
      entry.remaining = tighter(entry.remaining, tightest(value, false));
      break;
    case LimitField::kReset:
      if (const auto number = read_number(value)) {
        entry.reset_number = std::max(entry.reset_number, *number);
      } else if (const auto length = read_duration(value, kNsPerSecond)) {
        entry.reset_ns = std::max(entry.reset_ns, *length);
      } else if (const auto date = read_rfc3339(value)) {
        entry.reset_unix_ms = std::max(entry.reset_unix_ms, *date);
      }
      break;
    case LimitField::kRenewal:
      if (const auto length = read_duration(value, kNsPerSecond); length && *length > 0) {
        entry.renewal_ns = *length;
      }
      break;
  }
}

// "api";r=999;t=295 and "fixed window";"api";q=1000;w=300 (IETF draft), and their older form
// limit=100, remaining=50, reset=5.
void RateLimitHeaders::add_structured(std::string_view value) {
  struct Parameter {
    std::string_view name;
    LimitField field;
  };
  constexpr Parameter kParameters[] = {
      {"q", LimitField::kLimit},     {"limit", LimitField::kLimit},
      {"r", LimitField::kRemaining}, {"remaining", LimitField::kRemaining},
      {"t", LimitField::kReset},     {"reset", LimitField::kReset},
      {"w", LimitField::kRenewal}};
  Entry* const entry = entry_for({});
  while (entry != nullptr && !value.empty()) {
    const size_t end = std::min(value.find_first_of(";,"), value.size());
    const std::string_view one = trimmed(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    const size_t equals = std::min(one.find('='), one.size());
    for (const Parameter& parameter : kParameters) {
      if (one.substr(0, equals) != parameter.name || equals == one.size()) continue;
      const std::string_view amount = one.substr(equals + 1);
      if (parameter.field == LimitField::kReset) {
        entry->reset_ns = read_duration(amount, kNsPerSecond).value_or(entry->reset_ns);
      } else {
        put(parameter.field, amount, *entry);
      }
    }
  }
}

void RateLimitHeaders::add(std::string_view name, std::string_view value) {
  // Most headers are of other things.
  if (!contains_ignoring_case(name, "limit") && !contains_ignoring_case(name, "call-remaining")) {
    return;
  }
  if (equal_ignoring_case(name, "ratelimit") || equal_ignoring_case(name, "ratelimit-policy")) {
    return add_structured(value);
  }
  if (equal_ignoring_case(name, "x-ratelimit-tokens-query-cost") ||
      equal_ignoring_case(name, "ratelimitbysize-query-cost")) {
    charged_tokens_ = read_count(value).value_or(charged_tokens_);
    return;
  }
  if (equal_ignoring_case(name, "anthropic-ratelimit-unified-status")) {
    if (trimmed(value) != "rejected") return;
    Entry* const entry = entry_for({Counted::kUnified, {}, Scope::kAccount, LimitField::kReset});
    if (entry != nullptr) entry->remaining = 0;
    return;
  }
  const std::optional<LimitHeaderName> told = read_limit_header_name(name);
  if (!told) return;
  if (Entry* const entry = entry_for(*told)) put(told->field, value, *entry);
}

int64_t RateLimitHeaders::window_ns(const Entry& entry) const {
  if (entry.of.period.ns > 0) return entry.of.period.ns;
  if (entry.renewal_ns > 0 && entry.renewal_ns <= kLongestPeriodNs) return entry.renewal_ns;
  if (profile_ == nullptr || entry.of.scope != Scope::kAccount) return 0;
  const uint32_t seconds = entry.of.counted == Counted::kRequests ? profile_->requests_window_s
                                                                  : profile_->tokens_window_s;
  return int64_t{seconds} * kNsPerSecond;
}

// kNotTold if none is told, or none that can be meant.
int64_t RateLimitHeaders::reset_ns(const Entry& entry, const core::Observation& seen,
                                   int64_t wall_unix_ms) const {
  const auto wall_ms = static_cast<double>(wall_unix_ms);
  double reset = entry.reset_ns == kNotTold ? -1 : static_cast<double>(entry.reset_ns);
  if (entry.reset_unix_ms != kNotTold) {
    reset = std::max(0.0, static_cast<double>(entry.reset_unix_ms) - wall_ms) * kNsPerMs;
  }
  if (const double number = entry.reset_number; reset < 0 && number >= 0) {
    reset = number * static_cast<double>(kNsPerSecond);
    const bool unit_varies = profile_ != nullptr && profile_->reset_unit_varies;
    const int64_t window = entry.renewal_ns != kNotTold ? entry.renewal_ns
                           : unit_varies                ? 60 * kNsPerSecond
                                                        : 0;
    if (number >= kUnixSeconds) {
      const double at_ms = number >= kUnixMilliseconds ? number : number * 1000;
      reset = std::max(0.0, at_ms - wall_ms) * kNsPerMs;
    } else if (window > 0 && seen.limit > 0 && seen.remaining != kNotTold) {
      // Azure: seconds or milliseconds, whichever the level explains.
      const double due = static_cast<double>(seen.limit - seen.remaining) /
                         static_cast<double>(seen.limit) * static_cast<double>(window);
      if (std::abs(reset / 1000 - due) < std::abs(reset - due)) reset /= 1000;
    }
  }
  const bool usable = reset >= 0 && reset <= static_cast<double>(kLongestResetNs);
  return usable ? std::llround(reset) : kNotTold;
}

core::Observation RateLimitHeaders::observation_of(const Entry& entry, int64_t wall_unix_ms) const {
  core::Observation seen;
  seen.kind = core_kind(entry.of.counted).value_or(LimitKind::kRequests);
  seen.period.ns = window_ns(entry);
  seen.limit = entry.limit;
  seen.remaining = entry.remaining;
  if (seen.remaining != kNotTold && seen.limit != kNotTold) {
    seen.remaining = std::min(seen.remaining, seen.limit);
  }
  seen.reset.ns = reset_ns(entry, seen, wall_unix_ms);
  return seen;
}

std::optional<RateLimitHeaders::Shown> RateLimitHeaders::at(size_t index,
                                                            int64_t wall_unix_ms) const {
  const Entry& entry = entries_[index];
  const core::Observation seen = observation_of(entry, wall_unix_ms);
  const bool amounts = seen.limit != kNotTold || seen.remaining != kNotTold;
  if (!amounts && seen.reset.ns <= 0) return std::nullopt;
  return Shown{entry.of.counted, entry.of.scope, seen};
}

void RateLimitHeaders::finish(int64_t wall_unix_ms, core::Observed& observed) const {
  for (size_t i = 0; i < count_; ++i) {
    const Entry& entry = entries_[i];
    const bool ours = entry.of.scope == Scope::kAccount || entry.of.scope == Scope::kProject;
    if (!ours || !core_kind(entry.of.counted)) continue;
    const core::Observation seen = observation_of(entry, wall_unix_ms);
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

std::optional<DurationNs> RateLimitHeaders::reset_of_exhausted(int64_t wall_unix_ms) const {
  std::optional<DurationNs> longest;
  std::optional<DurationNs> longest_alone;
  for (size_t i = 0; i < count_; ++i) {
    const core::Observation seen = observation_of(entries_[i], wall_unix_ms);
    if (seen.reset.ns < 0) continue;
    if (seen.remaining == 0) {
      longest = std::max(longest.value_or(seen.reset), seen.reset);
    } else if (seen.remaining == kNotTold && seen.limit == kNotTold && seen.reset.ns > 0) {
      longest_alone = std::max(longest_alone.value_or(seen.reset), seen.reset);
    }
  }
  return longest ? longest : longest_alone;
}

}  // namespace llmq::provider
