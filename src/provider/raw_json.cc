#include "provider/raw_json.h"

#include <algorithm>

#include "provider/json.h"

namespace llmq::provider {
namespace {

size_t skip_blanks(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

// Past the closing quote of the string that begins at `at`.
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// Past the value that begins at `at`.
size_t skip_value(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
  }
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

std::string_view value_at(std::string_view text, size_t& at) {
  const size_t begin = at;
  at = skip_value(text, at);
  return text.substr(begin, at - begin);
}

}  // namespace

RawKind kind_of(std::string_view value) {
  if (value.empty()) return RawKind::kMissing;
  switch (value.front()) {
    case '{':
      return RawKind::kObject;
    case '[':
      return RawKind::kArray;
    case '"':
      return RawKind::kString;
    case 't':
    case 'f':
      return RawKind::kBool;
    case 'n':
      return RawKind::kNull;
    default:
      return RawKind::kNumber;
  }
}

std::vector<RawMember> raw_members(std::string_view object) {
  std::vector<RawMember> members;
  size_t at = skip_blanks(object, 0);
  if (kind_of(object.substr(at)) != RawKind::kObject) return members;
  at = skip_blanks(object, at + 1);
  while (at < object.size() && object[at] == '"') {
    std::string name = decoded(value_at(object, at));
    at = skip_blanks(object, skip_blanks(object, at) + 1);  // past the colon
    members.push_back({std::move(name), value_at(object, at)});
    at = skip_blanks(object, skip_blanks(object, at) + 1);  // past the comma, or the brace
  }
  return members;
}

std::vector<std::string_view> raw_items(std::string_view array) {
  std::vector<std::string_view> items;
  size_t at = skip_blanks(array, 0);
  if (kind_of(array.substr(at)) != RawKind::kArray) return items;
  at = skip_blanks(array, at + 1);
  while (at < array.size() && array[at] != ']') {
    items.push_back(value_at(array, at));
    at = skip_blanks(array, at);
    if (at < array.size() && array[at] == ',') at = skip_blanks(array, at + 1);
  }
  return items;
}

std::string_view raw_member(std::string_view object, std::string_view name) {
  for (const RawMember& member : raw_members(object)) {
    if (member.name != name) continue;
    return kind_of(member.value) == RawKind::kNull ? std::string_view() : member.value;
  }
  return {};
}

std::string decoded(std::string_view string) {
  const ParsedJson parsed = parse_json(string);
  return cJSON_IsString(parsed.value.get()) != 0 ? parsed.value->valuestring : "";
}

std::string encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    if (static_cast<unsigned char>(c) >= ' ') {
      json += c;
    } else {
      json += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return json += '"';
}

ObjectText& ObjectText::raw(std::string_view name, std::string_view value) {
  if (!empty()) text_ += ',';
  text_.append(encoded(name)).append(":").append(value);
  return *this;
}

ArrayText& ArrayText::raw(std::string_view value) {
  if (!empty()) text_ += ',';
  text_ += value;
  return *this;
}

}  // namespace llmq::provider
