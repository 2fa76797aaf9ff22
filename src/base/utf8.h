// Is a text well-formed UTF-8? No overlong form, no surrogate, nothing beyond U+10FFFF (Unicode,
// table 3-7).
#ifndef LLMQ_BASE_UTF8_H_
#define LLMQ_BASE_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace llmq::base {

// Length of the well-formed sequence at the front of `text`; 0 if there is none.
inline size_t utf8_sequence(std::string_view text) {
  const auto at = [text](size_t index) { return static_cast<unsigned char>(text[index]); };
  if (text.empty()) return 0;
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned char least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char greatest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < least || at(1) > greatest) return 0;
  for (size_t k = 2; k < length; ++k) {
    if ((at(k) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// Bytes at the front of `text` that are well formed.
inline size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = utf8_sequence(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

// The same text with U+FFFD in the place of each byte that belongs to no sequence.
inline std::string repaired_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_sequence(text);
    out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace llmq::base

#endif  // LLMQ_BASE_UTF8_H_
