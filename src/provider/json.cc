#include "provider/json.h"

#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace llmq::provider {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Eight ASCII bytes, none of them NUL: what nearly all of a payload is made of.
bool is_plain_word(const char* data) {
  uint64_t word = 0;
  std::memcpy(&word, data, sizeof word);
  constexpr uint64_t kHighBits = 0x8080808080808080U;
  constexpr uint64_t kOnes = 0x0101010101010101U;
  return (word & kHighBits) == 0 && ((word - kOnes) & kHighBits) == 0;
}

}  // namespace

ParsedJson parse_json(std::string_view text) {
  ParsedJson parsed;
  const char* end = text.data();
  parsed.value = base::parse_json(text, &end);
  if (end != nullptr) parsed.stopped = static_cast<size_t>(end - text.data());
  if (parsed.value == nullptr) return parsed;
  while (parsed.stopped < text.size() && is_blank(text[parsed.stopped])) ++parsed.stopped;
  return parsed;
}

const cJSON* member(const cJSON* object, const char* name) {
  return cJSON_IsObject(object) != 0 ? cJSON_GetObjectItemCaseSensitive(object, name) : nullptr;
}

std::string_view text_member(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsString(value) != 0 ? std::string_view(value->valuestring) : std::string_view();
}

size_t find_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && is_plain_word(text.data() + at)) {
      at += 8;
      continue;
    }
    const size_t length = text[at] == '\0' ? 0 : base::utf8_sequence(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace llmq::provider
