// What cJSON lets pass and JSON (RFC 8259) does not: control characters in strings and between
// values, a byte-order mark, numbers such as 01 or 1. - copied on, they would break the line that
// they stand in for every stricter reader.
#ifndef LLMQ_CLI_STRICT_JSON_H_
#define LLMQ_CLI_STRICT_JSON_H_

#include <cstddef>
#include <string_view>

namespace llmq::cli {

// Where a text that cJSON has parsed is not JSON after all; npos if it is.
size_t find_not_json(std::string_view text);

// Does the text of a JSON string hold U+0000, escaped? It ends a C string before its time.
bool holds_escaped_nul(std::string_view raw);

// The text without the byte-order mark that some editors put in front of a file.
std::string_view without_bom(std::string_view text);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_STRICT_JSON_H_
