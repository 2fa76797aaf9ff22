#include "provider/retry_after.h"

#include <algorithm>
#include <optional>

#include "provider/duration.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kLongest = kSecondsPerDay * kNsPerSecond;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Days from 1970-01-01 in the Gregorian calendar; years begin in March here, so that the leap day
// is last.
int64_t days_from_epoch(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) --year;
  const int64_t shifted_month = (month + 9) % 12;
  const int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
  constexpr int64_t kEpoch = 719'468;  // 0000-03-01 to 1970-01-01
  return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - kEpoch;
}

std::optional<int64_t> digits_at(std::string_view text, size_t at, size_t count) {
  const std::string_view digits = text.substr(at, count);
  if (digits.size() != count || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  int64_t number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  return number;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that RFC 9110 lets a server send. In unix seconds.
std::optional<int64_t> http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  text = trimmed(text);
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const size_t month = kMonths.find(text.substr(8, 3));
  const auto day = digits_at(text, 5, 2);
  const auto year = digits_at(text, 12, 4);
  const auto hour = digits_at(text, 17, 2);
  const auto minute = digits_at(text, 20, 2);
  const auto second = digits_at(text, 23, 2);
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  if (!day || !year || !hour || !minute || !second) return std::nullopt;
  return days_from_epoch(*year, static_cast<int64_t>(month / 3) + 1, *day) * kSecondsPerDay +
         *hour * 3600 + *minute * 60 + *second;
}

std::optional<int64_t> longer(std::optional<int64_t> a, std::optional<int64_t> b) {
  return !b || (a && *a >= *b) ? a : b;
}

// A header that came twice, or as a list, means its longest wait.
std::optional<int64_t> from_list(std::string_view value, int64_t bare_unit_ns) {
  std::optional<int64_t> longest;
  while (!value.empty()) {
    const size_t comma = std::min(value.find(','), value.size());
    longest = longer(longest, read_duration(value.substr(0, comma), bare_unit_ns));
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return longest;
}

std::optional<int64_t> from_value(std::string_view value, int64_t wall_unix_ms) {
  const std::optional<int64_t> date = http_date(value);
  if (!date) return from_list(value, kNsPerSecond);
  const int64_t wait_ms = *date * 1000 - wall_unix_ms;
  if (wait_ms <= 0) return std::nullopt;
  return std::min(wait_ms, kSecondsPerDay * 1000) * kNsPerMs;
}

std::optional<int64_t> from_words(std::string_view message) {
  for (const std::string_view lead : {"try again in ", "retry in ", "retry after "}) {
    const size_t at = message.find(lead);
    if (at == std::string_view::npos) continue;
    std::string_view rest = message.substr(at + lead.size());
    if (const auto wait = take_duration(rest, kNsPerSecond)) return wait;
  }
  return std::nullopt;
}

}  // namespace

core::DurationNs retry_after(const std::vector<Header>& headers, std::string_view message,
                             int64_t wall_unix_ms) {
  std::optional<int64_t> in_ms;
  std::optional<int64_t> in_seconds;
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "retry-after-ms")) {
      in_ms = longer(in_ms, from_list(value, kNsPerMs));
    } else if (equal_ignoring_case(name, "retry-after")) {
      in_seconds = longer(in_seconds, from_value(value, wall_unix_ms));
    }
  }
  // Some gateways send retry-after-ms: 0 beside a true Retry-After.
  if (in_ms.value_or(0) > 0) return {std::min(*in_ms, kLongest)};
  return {std::min(in_seconds ? *in_seconds : from_words(message).value_or(0), kLongest)};
}

}  // namespace llmq::provider
