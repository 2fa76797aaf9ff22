// Times as texts like "2026-03-29T00:59:59Z" and as milliseconds since 1970, with what every
// system's C++ library has.
#ifndef LLMQ_TESTS_SUPPORT_UTC_H_
#define LLMQ_TESTS_SUPPORT_UTC_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <string>

namespace llmq::test {

inline constexpr char kUtcForm[] = "%Y-%m-%dT%H:%M:%SZ";

inline int64_t unix_ms(const std::string& utc) {
  std::tm parts{};
  std::istringstream text(utc);
  text >> std::get_time(&parts, kUtcForm);
  EXPECT_FALSE(text.fail()) << utc;
  // Days before a date: years begin in March, so that a leap day is the last of its year.
  const int64_t month = (parts.tm_mon + 10) % 12;
  const int64_t year = parts.tm_year + 1900 - (parts.tm_mon < 2 ? 1 : 0);
  const int64_t days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 +
                       parts.tm_mday - 1 - 719'468;
  return (days * 86'400 + parts.tm_hour * 3'600 + parts.tm_min * 60 + parts.tm_sec) * 1'000;
}

inline std::string utc(int64_t unix_ms) {
  // Windows knows no time before 1970; the calendar is the same 400 years later.
  constexpr int kYears = 400;
  constexpr int64_t kSeconds = int64_t{146'097} * 86'400;
  const std::time_t seconds = unix_ms / 1'000 + kSeconds;
  std::tm parts = *std::gmtime(&seconds);
  parts.tm_year -= kYears;
  char text[32];
  std::strftime(text, sizeof text, kUtcForm, &parts);
  return text;
}

}  // namespace llmq::test

#endif  // LLMQ_TESTS_SUPPORT_UTC_H_
