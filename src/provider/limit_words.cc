#include "provider/limit_words.h"

#include <algorithm>

#include "provider/number.h"

namespace llmq::provider {
namespace {

// The number behind the last such word that has one: the first may be part of a sentence.
std::optional<int64_t> number_after(std::string_view message, std::string_view word) {
  for (size_t at = message.rfind(word); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : message.rfind(word, at - 1)) {
    const std::string_view rest = message.substr(at + word.size());
    const size_t start = std::min(rest.find_first_not_of(": ~"), rest.size());
    if (start == 0) continue;  // a longer word
    std::string_view text = rest.substr(start);
    if (const auto number = take_count(text)) return number;
  }
  return std::nullopt;
}

}  // namespace

LimitWords read_limit_words(std::string_view message) {
  LimitWords words{number_after(message, "Limit"), number_after(message, "Used"),
                   number_after(message, "Requested")};
  if (!words.used) words.used = number_after(message, "Current");
  return words;
}

}  // namespace llmq::provider
