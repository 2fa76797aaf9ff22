// Money as text: a decimal number with at most 6 decimals, kept as millionths.
#ifndef LLMQ_BASE_MONEY_H_
#define LLMQ_BASE_MONEY_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmq::base {

inline constexpr int64_t kMicros = 1'000'000;
inline constexpr int64_t kMostMoney = 1'000'000'000 * kMicros;
inline constexpr size_t kMoneyDecimals = 6;

inline bool read_digits(std::string_view text, int64_t& number) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last;
}

// "12", "12.5" or "0.000001" in millionths; false if the text is anything else, negative, or more
// than kMostMoney.
inline bool read_money(std::string_view text, int64_t& micros) {
  const size_t dot = text.find('.');
  int64_t units = 0;
  if (!read_digits(text.substr(0, dot), units)) return false;
  if (units > kMostMoney / kMicros) return false;
  int64_t part = 0;
  if (dot != std::string_view::npos) {
    std::string decimals(text.substr(dot + 1));
    if (decimals.empty() || decimals.size() > kMoneyDecimals) return false;
    decimals.resize(kMoneyDecimals, '0');
    if (!read_digits(decimals, part)) return false;
  }
  micros = units * kMicros + part;
  return micros <= kMostMoney;
}

// The shortest text that read_money() takes for it; "12.5".
inline std::string money_text(int64_t micros) {
  std::string text = std::to_string(micros / kMicros);
  if (micros % kMicros == 0) return text;
  std::string decimals = std::to_string(micros % kMicros);
  decimals.insert(0, kMoneyDecimals - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

}  // namespace llmq::base

#endif  // LLMQ_BASE_MONEY_H_
