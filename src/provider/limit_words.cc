#include "provider/limit_words.h"

#include <algorithm>

namespace llmq::provider {
namespace {

constexpr size_t kMostDigits = 15;  // a longer number is no limit but a mistake

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number that begins `text`; nothing if none does.
std::optional<int64_t> leading_number(std::string_view text) {
  int64_t number = 0;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool separates =
        text[i] == ',' && digits > 0 && i + 1 < text.size() && is_digit(text[i + 1]);
    if (separates) continue;
    if (!is_digit(text[i])) break;
    if (++digits > kMostDigits) return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  return digits > 0 ? std::optional<int64_t>(number) : std::nullopt;
}

// The number behind the last such word that has one: the first may be part of a sentence.
std::optional<int64_t> number_after(std::string_view message, std::string_view word) {
  for (size_t at = message.rfind(word); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : message.rfind(word, at - 1)) {
    const std::string_view rest = message.substr(at + word.size());
    const size_t start = std::min(rest.find_first_not_of(": ~"), rest.size());
    if (start == 0) continue;  // a longer word
    if (const auto number = leading_number(rest.substr(start))) return number;
  }
  return std::nullopt;
}

}  // namespace

LimitWords read_limit_words(std::string_view message) {
  return {number_after(message, "Limit"), number_after(message, "Used"),
          number_after(message, "Requested")};
}

}  // namespace llmq::provider
