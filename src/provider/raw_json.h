// JSON text taken apart and put together without being changed: numbers keep all their digits,
// strings their escapes. What is taken apart must have been found to be JSON by parse_json.
#ifndef LLMQ_PROVIDER_RAW_JSON_H_
#define LLMQ_PROVIDER_RAW_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmq::provider {

enum class RawKind : uint8_t { kMissing, kNull, kBool, kNumber, kString, kArray, kObject };
RawKind kind_of(std::string_view value);

struct RawMember {
  std::string name;  // decoded
  std::string_view value;
};
// In their order. Empty if the value is no object.
std::vector<RawMember> raw_members(std::string_view object);
std::vector<std::string_view> raw_items(std::string_view array);
// The first of that name; "" if there is none, or it is null.
std::string_view raw_member(std::string_view object, std::string_view name);

// The text that a JSON string stands for; "" if it is none.
std::string decoded(std::string_view string);
// A text in UTF-8 as a JSON string.
std::string encoded(std::string_view text);

// Members one after another.
class ObjectText {
 public:
  ObjectText& raw(std::string_view name, std::string_view value);
  ObjectText& text(std::string_view name, std::string_view value) {
    return raw(name, encoded(value));
  }
  bool empty() const { return text_.size() == 1; }
  // All of it, once.
  std::string done() { return std::move(text_.append("}")); }

 private:
  std::string text_ = "{";
};

class ArrayText {
 public:
  ArrayText& raw(std::string_view value);
  bool empty() const { return text_.size() == 1; }
  std::string done() { return std::move(text_.append("]")); }

 private:
  std::string text_ = "[";
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_RAW_JSON_H_
