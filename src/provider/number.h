// Numbers as providers write them, independent of the locale. Longer ones than 15 digits are
// mistakes: they are none.
#ifndef LLMQ_PROVIDER_NUMBER_H_
#define LLMQ_PROVIDER_NUMBER_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmq::provider {

// A decimal number without sign or exponent at the front of `text`, which is shortened by it.
std::optional<double> take_number(std::string_view& text);
// The same for a text that is one, blanks around it aside.
std::optional<double> read_number(std::string_view text);

// A whole number, commas in it allowed: 30,000. Shortens `text` by it.
std::optional<int64_t> take_count(std::string_view& text);
// The same for a text that is one; decimals behind it are dropped.
std::optional<int64_t> read_count(std::string_view text);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_NUMBER_H_
