#include "provider/date.h"

#include <algorithm>

#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int64_t> digits_at(std::string_view text, size_t at, size_t count) {
  if (at > text.size()) return std::nullopt;
  const std::string_view digits = text.substr(at, count);
  if (digits.size() != count || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  int64_t number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  return number;
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

// "08:49:37" at `at`. In seconds of the day.
std::optional<int64_t> time_at(std::string_view text, size_t at) {
  const auto hour = digits_at(text, at, 2);
  const auto minute = digits_at(text, at + 3, 2);
  const auto second = digits_at(text, at + 6, 2);
  if (!hour || !minute || !second || text[at + 2] != ':' || text[at + 5] != ':') {
    return std::nullopt;
  }
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

// ".25": in ms, what is finer dropped. Shortens `text` by it.
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  const auto end =
      static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  if (end == 0) return std::nullopt;
  int64_t ms = 0;
  for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < end ? text[i] - '0' : 0);
  text.remove_prefix(end);
  return ms;
}

// "Z", "+01:00". In seconds ahead of UTC.
std::optional<int64_t> read_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = digits_at(text, 1, 2);
  const auto minutes = digits_at(text, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  const int64_t seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::optional<int64_t> read_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  text = trimmed(text);
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const size_t month = kMonths.find(text.substr(8, 3));
  const auto day = digits_at(text, 5, 2);
  const auto year = digits_at(text, 12, 4);
  const auto time = time_at(text, 17);
  if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !time) {
    return std::nullopt;
  }
  const int64_t days = days_from_epoch(*year, static_cast<int64_t>(month / 3) + 1, *day);
  return (days * kSecondsPerDay + *time) * 1000;
}

std::optional<int64_t> read_rfc3339(std::string_view text) {
  text = trimmed(text);
  const auto year = digits_at(text, 0, 4);
  const auto month = digits_at(text, 5, 2);
  const auto day = digits_at(text, 8, 2);
  const auto time = time_at(text, 11);
  if (!year || !month || !day || !time || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  std::string_view rest = text.substr(19);
  const auto ms = take_fraction(rest);
  const auto offset = read_offset(rest);
  if (!ms || !offset) return std::nullopt;
  return (days_from_epoch(*year, *month, *day) * kSecondsPerDay + *time - *offset) * 1000 + *ms;
}

}  // namespace llmq::provider
