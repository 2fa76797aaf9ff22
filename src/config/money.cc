#include "config/money.h"

#include <charconv>

#include "core/limit/limit_spec.h"

namespace llmq::config {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr size_t kDecimals = 6;

bool read_digits(std::string_view text, int64_t& number) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last;
}

}  // namespace

bool read_money(std::string_view text, int64_t& micros) {
  const size_t dot = text.find('.');
  int64_t units = 0;
  if (!read_digits(text.substr(0, dot), units)) return false;
  if (units > core::kMaxLimitAmount / kMicros) return false;
  int64_t part = 0;
  if (dot != std::string_view::npos) {
    std::string decimals(text.substr(dot + 1));
    if (decimals.empty() || decimals.size() > kDecimals) return false;
    decimals.resize(kDecimals, '0');
    if (!read_digits(decimals, part)) return false;
  }
  micros = units * kMicros + part;
  return micros <= core::kMaxLimitAmount;
}

std::string money_text(int64_t micros) {
  std::string text = std::to_string(micros / kMicros);
  if (micros % kMicros == 0) return text;
  std::string decimals = std::to_string(micros % kMicros);
  decimals.insert(0, kDecimals - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

}  // namespace llmq::config
