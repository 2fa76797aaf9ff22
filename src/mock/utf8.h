// Text checks that a JSON library leaves to its callers.
#ifndef LLMQ_MOCK_UTF8_H_
#define LLMQ_MOCK_UTF8_H_

#include <cstddef>
#include <string_view>

namespace llmq::mock {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Characters (code points) of well-formed text.
size_t utf8_length(std::string_view text);

// The longest start of a well-formed text that has at most `most` bytes and cuts no character.
std::string_view utf8_prefix(std::string_view text, size_t most);

// Only what JSON allows between values.
inline bool is_json_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_UTF8_H_
