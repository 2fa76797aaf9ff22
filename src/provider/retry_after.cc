#include "provider/retry_after.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kLongest = kSecondsPerDay * kNsPerSecond;
constexpr size_t kMostDigits = 15;  // a longer number is a mistake, not a wait

struct Unit {
  std::string_view name;
  int64_t ns;
};
// A name that begins another one comes after it.
constexpr std::array<Unit, 9> kUnits{{{"ms", kNsPerMs},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"ns", 1},
                                      {"second", kNsPerSecond},
                                      {"minute", 60 * kNsPerSecond},
                                      {"s", kNsPerSecond},
                                      {"m", 60 * kNsPerSecond},
                                      {"h", 3600 * kNsPerSecond}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t count_digits(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// A decimal number at the front of `text`, which is shortened by it. Not strtod: that follows the
// locale.
std::optional<double> take_number(std::string_view& text) {
  const size_t whole = count_digits(text);
  if (whole == 0 || whole > kMostDigits) return std::nullopt;
  double number = 0;
  for (const char c : text.substr(0, whole)) number = number * 10 + (c - '0');
  text.remove_prefix(whole);
  if (text.size() < 2 || text[0] != '.' || !is_digit(text[1])) return number;
  text.remove_prefix(1);
  const size_t digits = count_digits(text);
  double scale = 1;
  for (const char c : text.substr(0, std::min(digits, kMostDigits))) {
    scale /= 10;
    number += scale * (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

int64_t to_ns(double number, int64_t unit_ns) {
  const double ns = number * static_cast<double>(unit_ns);
  return ns >= static_cast<double>(kLongest) ? kLongest : std::llround(ns);
}

const Unit* take_unit(std::string_view& text) {
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&text](const Unit& u) {
    return equal_ignoring_case(text.substr(0, u.name.size()), u.name);
  });
  if (unit == kUnits.end()) return nullptr;
  text.remove_prefix(unit->name.size());
  return unit;
}

// 23.03s, 1m30.5s, 33 seconds; a number without a unit counts `bare_unit_ns`. `text` keeps what
// follows.
std::optional<int64_t> take_duration(std::string_view& text, int64_t bare_unit_ns) {
  std::optional<int64_t> total;
  while (!text.empty() && is_digit(text.front())) {
    const std::optional<double> number = take_number(text);
    if (!number) return std::nullopt;
    std::string_view rest = text.substr(std::min(text.find_first_not_of(' '), text.size()));
    const Unit* const unit = take_unit(rest);
    if (unit != nullptr) text = rest;
    const int64_t ns = to_ns(*number, unit == nullptr ? bare_unit_ns : unit->ns);
    total = std::min(total.value_or(0) + ns, kLongest);
    if (unit == nullptr) break;
  }
  return total;
}

std::optional<int64_t> whole_duration(std::string_view text, int64_t bare_unit_ns) {
  text = trimmed(text);
  const std::optional<int64_t> duration = take_duration(text, bare_unit_ns);
  return text.empty() ? duration : std::nullopt;
}

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
  if (digits.size() != count || count_digits(digits) != count) return std::nullopt;
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
    longest = longer(longest, whole_duration(value.substr(0, comma), bare_unit_ns));
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
  if (in_ms.value_or(0) > 0) return {*in_ms};
  if (in_seconds) return {*in_seconds};
  return {from_words(message).value_or(0)};
}

}  // namespace llmq::provider
