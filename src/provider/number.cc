#include "provider/number.h"

#include <algorithm>

#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr size_t kMostDigits = 15;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t count_digits(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

}  // namespace

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

std::optional<double> read_number(std::string_view text) {
  text = trimmed(text);
  const std::optional<double> number = take_number(text);
  return text.empty() ? number : std::nullopt;
}

std::optional<int64_t> take_count(std::string_view& text) {
  int64_t number = 0;
  size_t digits = 0;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool separates =
        text[at] == ',' && digits > 0 && at + 1 < text.size() && is_digit(text[at + 1]);
    if (separates) continue;
    if (!is_digit(text[at])) break;
    if (++digits > kMostDigits) return std::nullopt;
    number = number * 10 + (text[at] - '0');
  }
  text.remove_prefix(at);
  return digits > 0 ? std::optional<int64_t>(number) : std::nullopt;
}

std::optional<int64_t> read_count(std::string_view text) {
  text = trimmed(text);
  const std::optional<int64_t> count = take_count(text);
  if (text.size() > 1 && text.front() == '.') {
    text.remove_prefix(1);
    text.remove_prefix(count_digits(text));
  }
  return text.empty() ? count : std::nullopt;
}

}  // namespace llmq::provider
