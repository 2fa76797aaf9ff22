#include "provider/retry_after.h"

#include <algorithm>
#include <optional>
#include <string>

#include "provider/date.h"
#include "provider/duration.h"
#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

// Nobody means a longer wait: the longest window is a month.
constexpr int64_t kLongest = 32 * 86'400 * kNsPerSecond;
// Numbers of seconds from here on are points of the wall clock, not lengths.
constexpr double kUnixSeconds = 1e9;
constexpr double kUnixMilliseconds = 1e11;

using Wait = std::optional<int64_t>;  // in ns

Wait longer(Wait a, Wait b) { return !b || (a && *a >= *b) ? a : b; }

Wait usable(Wait wait) { return wait && *wait <= kLongest ? wait : std::nullopt; }

// A point of time that has passed is no wait.
Wait until(double unix_ms, int64_t wall_unix_ms) {
  const double wait_ms = unix_ms - static_cast<double>(wall_unix_ms);
  constexpr int64_t kLongestMs = kLongest / kNsPerMs;
  if (wait_ms <= 0 || wait_ms > static_cast<double>(kLongestMs)) return std::nullopt;
  return static_cast<int64_t>(wait_ms) * kNsPerMs;
}

// A header that came twice, or as a list, means its longest wait.
Wait from_list(std::string_view value, int64_t bare_unit_ns) {
  Wait longest;
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    longest = longer(longest, usable(read_duration(value.substr(0, comma), bare_unit_ns)));
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return longest;
}

Wait from_seconds(std::string_view value, int64_t wall_unix_ms) {
  if (const auto date = read_http_date(value)) {
    return until(static_cast<double>(*date), wall_unix_ms);
  }
  if (const auto number = read_number(value); number && *number >= kUnixSeconds) {
    return until(*number >= kUnixMilliseconds ? *number : *number * 1000, wall_unix_ms);
  }
  return from_list(value, kNsPerSecond);
}

Wait from_headers(const std::vector<Header>& headers, int64_t wall_unix_ms) {
  Wait in_ms;
  Wait in_seconds;
  Wait of_amazon;
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "retry-after-ms")) {
      in_ms = longer(in_ms, from_list(value, kNsPerMs));
    } else if (equal_ignoring_case(name, "retry-after")) {
      in_seconds = longer(in_seconds, from_seconds(value, wall_unix_ms));
    } else if (equal_ignoring_case(name, "x-amz-retry-after")) {
      of_amazon = longer(of_amazon, from_list(value, kNsPerMs));
    }
  }
  // Some gateways send retry-after-ms: 0 beside a true Retry-After.
  if (in_ms.value_or(0) > 0) return in_ms;
  return in_seconds ? in_seconds : of_amazon;
}

// "retryDelay": "48s", of the detail that is a RetryInfo.
Wait from_retry_info(const ErrorBody& error) {
  const cJSON* detail = nullptr;
  cJSON_ArrayForEach(detail, error.details) {
    const std::string_view delay = text_member(detail, "retryDelay");
    if (const Wait wait = usable(read_duration(delay, kNsPerSecond))) return wait;
  }
  return std::nullopt;
}

Wait from_words(std::string_view message) {
  for (const std::string_view lead :
       {"try again in ", "retry in ", "retry after ", "please wait "}) {
    const size_t at = find_ignoring_case(message, lead);
    if (at == std::string_view::npos) continue;
    std::string_view rest = message.substr(at + lead.size());
    if (const Wait wait = usable(take_duration(rest, kNsPerSecond))) return wait;
  }
  return std::nullopt;
}

Wait from_member(double seconds) {
  if (!(seconds >= 0) || seconds * 1e9 > static_cast<double>(kLongest)) return std::nullopt;
  return static_cast<int64_t>(seconds * 1e9);
}

Hint hint(HintSource source, int64_t wait) { return {source, {wait}}; }

Hint from_body(const ErrorBody& error) {
  const Wait info = from_retry_info(error);
  const Wait words = from_words(error.message);
  if (info) return hint(HintSource::kBody, *longer(info, words));
  if (words) return hint(HintSource::kBodyText, *words);
  if (const Wait told = from_member(error.retry_after_s)) return hint(HintSource::kBody, *told);
  return {};
}

// "You will regain access on 2026-09-01 at 00:00 UTC."
Wait from_regained_access(std::string_view message, int64_t wall_unix_ms) {
  constexpr std::string_view kLead = "regain access on ";
  const size_t at = find_ignoring_case(message, kLead);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = message.substr(at + kLead.size());
  constexpr size_t kDate = 10;
  constexpr std::string_view kAt = " at ";
  const std::string_view time = rest.substr(std::min(kDate + kAt.size(), rest.size()), 5);
  if (rest.substr(std::min(kDate, rest.size()), kAt.size()) != kAt) return std::nullopt;
  const std::string text =
      std::string(rest.substr(0, kDate)).append("T").append(time).append(":00Z");
  const auto date = read_rfc3339(text);
  return date ? until(static_cast<double>(*date), wall_unix_ms) : std::nullopt;
}

}  // namespace

core::DurationNs quota_wait(const std::vector<Header>& headers, const ErrorBody& error,
                            int64_t wall_unix_ms) {
  // A short one is of a gateway that does not look into bodies.
  constexpr int64_t kLeastMeant = 60 * kNsPerSecond;
  Wait wait = from_headers(headers, wall_unix_ms);
  if (wait.value_or(0) < kLeastMeant) wait = std::nullopt;
  if (const auto date = read_rfc3339(text_member(error.metadata, "resets_at"))) {
    wait = longer(wait, until(static_cast<double>(*date), wall_unix_ms));
  }
  wait = longer(wait, from_regained_access(error.message, wall_unix_ms));
  return {wait.value_or(0)};
}

Hint retry_hint(const std::vector<Header>& headers, const ErrorBody& error, int64_t wall_unix_ms) {
  const Wait wait = from_headers(headers, wall_unix_ms);
  return wait ? hint(HintSource::kHeader, *wait) : from_body(error);
}

}  // namespace llmq::provider
