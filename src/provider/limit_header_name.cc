#include "provider/limit_header_name.h"

#include <cstddef>

#include "provider/duration.h"
#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::DurationNs;

constexpr int64_t kMinuteNs = 60 * kNsPerSecond;
constexpr int64_t kDayNs = 86'400 * kNsPerSecond;
constexpr int64_t kMonthNs = 30 * kDayNs;
constexpr int64_t kLongestPeriodNs = 31 * kDayNs;

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

// In both tables a name that begins another one comes after it.
constexpr Named<Counted> kCounted[] = {
    {"requests", Counted::kRequests},
    {"req", Counted::kRequests},
    {"input-tokens", Counted::kInputTokens},
    {"output-tokens", Counted::kOutputTokens},
    {"prompt-tokens", Counted::kInputTokens},
    {"input-images", Counted::kInputImages},
    {"tokens-cache-adjusted-prompt", Counted::kUncachedInputTokens},
    {"tokens-prompt", Counted::kInputTokens},
    {"tokens-generated", Counted::kOutputTokens},
    {"tokens", Counted::kTokens}};
constexpr Named<int64_t> kPeriods[] = {{"second", kNsPerSecond},      {"minute", kMinuteNs},
                                       {"hour", 3600 * kNsPerSecond}, {"day", kDayNs},
                                       {"week", 7 * kDayNs},          {"month", kMonthNs}};
constexpr Named<LimitField> kFields[] = {{"limit", LimitField::kLimit},
                                         {"remaining", LimitField::kRemaining},
                                         {"reset", LimitField::kReset},
                                         {"renewalperiod", LimitField::kRenewal}};
constexpr Named<Scope> kAnthropicPrefixes[] = {{"anthropic-ratelimit-", Scope::kAccount},
                                               {"anthropic-fast-", Scope::kFast},
                                               {"anthropic-priority-", Scope::kPriority}};

constexpr LimitHeaderName of(Counted counted, int64_t period_ns, LimitField field) {
  return {counted, {period_ns}, Scope::kAccount, field};
}
constexpr Named<LimitHeaderName> kOthers[] = {
    {"ratelimitbysize-limit", of(Counted::kTokens, kMinuteNs, LimitField::kLimit)},
    {"ratelimitbysize-remaining", of(Counted::kTokens, kMinuteNs, LimitField::kRemaining)},
    {"ratelimitbysize-reset", of(Counted::kTokens, kMinuteNs, LimitField::kReset)},
    {"x-ratelimitbysize-limit-minute", of(Counted::kTokens, kMinuteNs, LimitField::kLimit)},
    {"x-ratelimitbysize-remaining-minute", of(Counted::kTokens, kMinuteNs, LimitField::kRemaining)},
    {"x-ratelimitbysize-limit-month", of(Counted::kTokens, kMonthNs, LimitField::kLimit)},
    {"x-ratelimitbysize-remaining-month", of(Counted::kTokens, kMonthNs, LimitField::kRemaining)},
    {"x-trial-endpoint-call-limit", of(Counted::kRequests, kMinuteNs, LimitField::kLimit)},
    {"x-trial-endpoint-call-remaining", of(Counted::kRequests, kMinuteNs, LimitField::kRemaining)},
    {"x-endpoint-monthly-call-limit", of(Counted::kRequests, kMonthNs, LimitField::kLimit)},
    {"x-tokenlimit-limit", of(Counted::kTokens, 0, LimitField::kLimit)},
    {"x-tokenlimit-remaining", of(Counted::kTokens, 0, LimitField::kRemaining)},
    {"x-tokenlimit-reset", of(Counted::kTokens, 0, LimitField::kReset)},
    {"anthropic-ratelimit-unified-reset", of(Counted::kUnified, 0, LimitField::kReset)}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <typename Value, size_t N>
std::optional<Value> take_named(std::string_view& text, const Named<Value> (&names)[N]) {
  for (const Named<Value>& candidate : names) {
    if (take_prefix(text, candidate.name)) return candidate.value;
  }
  return std::nullopt;
}

template <typename Value, size_t N>
std::optional<Value> whole_name(std::string_view text, const Named<Value> (&names)[N]) {
  for (const Named<Value>& candidate : names) {
    if (equal_ignoring_case(text, candidate.name)) return candidate.value;
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
  const std::optional<int64_t> unit = whole_name(suffix, kPeriods);
  if (!unit || times > kLongestPeriodNs / *unit) return std::nullopt;
  return DurationNs{times * *unit};
}

// What follows "x-ratelimit-": "limit", "remaining-project-tokens", "limit-req-10-second".
std::optional<LimitHeaderName> read_field_first(std::string_view rest) {
  LimitHeaderName name;
  const auto field = take_named(rest, kFields);
  if (!field) return std::nullopt;
  name.field = *field;
  if (rest.empty()) return name;
  if (!take_prefix(rest, "-")) return std::nullopt;
  if (take_prefix(rest, "project-")) name.scope = Scope::kProject;
  const auto counted = take_named(rest, kCounted);
  if (!counted) return std::nullopt;
  const auto period = read_period(rest);
  if (!period) return std::nullopt;
  name.counted = *counted;
  name.period = *period;
  return name;
}

// What follows "anthropic-ratelimit-": "input-tokens-remaining".
std::optional<LimitHeaderName> read_field_last(std::string_view rest, Scope scope) {
  const auto counted = take_named(rest, kCounted);
  if (!counted || !take_prefix(rest, "-")) return std::nullopt;
  const auto field = whole_name(rest, kFields);
  if (!field) return std::nullopt;
  return LimitHeaderName{*counted, {}, scope, *field};
}

}  // namespace

const char* counted_name(Counted counted) {
  switch (counted) {
    case Counted::kRequests:
      return "requests";
    case Counted::kTokens:
      return "tokens";
    case Counted::kInputTokens:
      return "input_tokens";
    case Counted::kOutputTokens:
      return "output_tokens";
    case Counted::kUncachedInputTokens:
      return "uncached_input_tokens";
    case Counted::kInputImages:
      return "input_images";
    case Counted::kUnified:
      return "unified";
  }
  return "";
}

const char* scope_name(Scope scope) {
  switch (scope) {
    case Scope::kAccount:
      return "";
    case Scope::kProject:
      return "project";
    case Scope::kFast:
      return "fast";
    case Scope::kPriority:
      return "priority";
  }
  return "";
}

std::optional<LimitHeaderName> read_limit_header_name(std::string_view name) {
  if (const auto other = whole_name(name, kOthers)) return other;
  if (const auto scope = take_named(name, kAnthropicPrefixes)) return read_field_last(name, *scope);
  for (const std::string_view prefix : {"x-ratelimit-", "x-rate-limit-"}) {
    if (take_prefix(name, prefix)) return read_field_first(name);
  }
  // The names of an older draft of the IETF say no more than the field.
  if (!take_prefix(name, "ratelimit-")) return std::nullopt;
  const auto field = whole_name(name, kFields);
  if (!field) return std::nullopt;
  return of(Counted::kRequests, 0, *field);
}

}  // namespace llmq::provider
