#include "mock/timestamp.h"

#include <array>
#include <ctime>

namespace llmq::mock {

namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::tm utc_of(int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return time;
}

std::string two(int number) {
  const std::string text = std::to_string(number);
  return text.size() < 2 ? "0" + text : text;
}

std::string clock_of(const std::tm& time) {
  return two(time.tm_hour) + ":" + two(time.tm_min) + ":" + two(time.tm_sec);
}

}  // namespace

std::string rfc3339(int64_t unix_ms) {
  const std::tm time = utc_of(unix_ms);
  return std::to_string(1900 + time.tm_year) + "-" + two(time.tm_mon + 1) + "-" +
         two(time.tm_mday) + "T" + clock_of(time) + "Z";
}

// Not by strftime: its names follow the locale.
std::string http_date(int64_t unix_ms) {
  const std::tm time = utc_of(unix_ms);
  return std::string(kDays.at(static_cast<size_t>(time.tm_wday))) + ", " + two(time.tm_mday) + " " +
         kMonths.at(static_cast<size_t>(time.tm_mon)) + " " + std::to_string(1900 + time.tm_year) +
         " " + clock_of(time) + " GMT";
}

}  // namespace llmq::mock
