// Small helpers over text from the wire.
#ifndef LLMQ_PROVIDER_TEXT_H_
#define LLMQ_PROVIDER_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace llmq::provider {

bool equal_ignoring_case(std::string_view a, std::string_view b);
bool contains_ignoring_case(std::string_view text, std::string_view part);
size_t find_ignoring_case(std::string_view text, std::string_view part);  // npos if there is none

// Without blanks at both ends.
std::string_view trimmed(std::string_view text);

// A provider's words as they may stand in a message or a log line: anything that looks like a key
// masked, control characters replaced, cut at a character's boundary to at most `max_bytes`.
std::string presentable(std::string_view text, size_t max_bytes);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_TEXT_H_
