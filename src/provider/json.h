// cJSON for text that comes from outside: bounded by length, freed by itself.
#ifndef LLMQ_PROVIDER_JSON_H_
#define LLMQ_PROVIDER_JSON_H_

#include <cstddef>
#include <string_view>

#include "base/json.h"

namespace llmq::provider {

using base::Json;

// What a text turned out to be: a value, or where it stopped being JSON.
struct ParsedJson {
  Json value;          // nullptr if the text is not JSON
  size_t stopped = 0;  // the first byte that is not part of the value, blanks skipped
};
ParsedJson parse_json(std::string_view text);

// nullptr if there is no such member, or `object` is no object.
const cJSON* member(const cJSON* object, const char* name);

// The string value of a member; "" if it is missing or no string.
std::string_view text_member(const cJSON* object, const char* name);

// Offset of the first byte that is not UTF-8 (RFC 3629) or is NUL; npos if there is none.
size_t find_invalid_utf8(std::string_view text);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_JSON_H_
