#include "provider/stream_request.h"

#include <algorithm>
#include <cstddef>

namespace llmq::provider {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Where a value lies in a text.
struct Range {
  size_t begin = 0;
  size_t end = 0;
};

size_t after_blanks(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

// One past the string that begins at `at`.
size_t after_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// One past the value that begins at `at`.
size_t after_value(std::string_view text, size_t at) {
  for (int depth = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = after_string(text, at);
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',' || kBlanks.find(c) != kBlanks.npos)) break;
    depth += c == '{' || c == '[' ? 1 : closes ? -1 : 0;
    ++at;
  }
  return at;
}

// The value of the member of that name, of the object that begins at `at`; {0, 0} if there is none.
Range find_member(std::string_view text, size_t at, std::string_view name) {
  at = after_blanks(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    const size_t name_end = after_string(text, at);
    const bool same = text.substr(at + 1, name_end - at - 2) == name;
    const size_t colon = after_blanks(text, name_end);
    const size_t value = after_blanks(text, colon + 1);
    const size_t end = after_value(text, value);
    if (same) return {value, end};
    at = after_blanks(text, end);
    if (at < text.size() && text[at] == ',') at = after_blanks(text, at + 1);
  }
  return {};
}

// Puts members in front of those of the object that begins at `at`.
void insert_members(std::string& text, size_t at, std::string_view members) {
  const size_t next = after_blanks(text, at + 1);
  const bool empty = next < text.size() && text[next] == '}';
  text.insert(at + 1, std::string(members).append(empty ? "" : ","));
}

// Mistral tells it unasked, and refuses members that it does not know.
bool must_ask_for_usage(const Profile& profile, Operation operation) {
  return profile.wire == Wire::kOpenAi && operation != Operation::kResponses &&
         profile.name != "mistral";
}

void ask_for_usage(std::string& text, size_t object) {
  const Range options = find_member(text, object, "stream_options");
  if (options.end == 0) {
    insert_members(text, object, R"("stream_options":{"include_usage":true})");
  } else if (text[options.begin] != '{') {  // null
    text.replace(options.begin, options.end - options.begin, R"({"include_usage":true})");
  } else if (find_member(text, options.begin, "include_usage").end == 0) {
    insert_members(text, options.begin, R"("include_usage":true)");
  }
}

}  // namespace

std::string streamed_body(const Profile& profile, Operation operation, std::string_view body) {
  std::string text(body);
  const size_t object = after_blanks(text, 0);
  // Gemini streams where the URL says so.
  if (profile.wire == Wire::kGemini || object >= text.size() || text[object] != '{') return text;
  if (must_ask_for_usage(profile, operation)) ask_for_usage(text, object);
  const Range stream = find_member(text, object, "stream");
  if (stream.end == 0) {
    insert_members(text, object, R"("stream":true)");
  } else {
    text.replace(stream.begin, stream.end - stream.begin, "true");
  }
  return text;
}

}  // namespace llmq::provider
