#include "base/json.h"

#include <cstring>

namespace llmq::base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Is a text surely JSON? Needs no memory of its own. What is rare (deep nesting, long
// numbers, halves of pairs of UTF-16) is not looked into: there the answer is no.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool value(int depth) {
    skip_blanks();
    if (at_ == text_.size() || depth > kDeepest) return false;
    switch (text_[at_]) {
      case '{':
        return list('}', depth, true);
      case '[':
        return list(']', depth, false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

 private:
  static constexpr int kDeepest = 200;
  static constexpr size_t kLongestNumber = 60;

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) != nullptr) ++at_;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  bool digits() {
    const size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > from;
  }
  bool number() {
    const size_t from = at_;
    take('-');
    if (!digits() || (take('.') && !digits())) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    return at_ - from < kLongestNumber;
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape())) return false;
    }
    return false;
  }
  bool escape() {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::strchr("\"\\/bfnrt", c) != nullptr && c != '\0';
    const std::string_view code = text_.substr(at_, 4);
    at_ += code.size();
    return code.size() == 4 && code[0] != 'd' && code[0] != 'D' &&
           code.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }
  bool list(char end, int depth, bool has_names) {
    ++at_;
    skip_blanks();
    if (take(end)) return true;
    do {
      skip_blanks();
      if (has_names) {
        if (!string()) return false;
        skip_blanks();
        if (!take(':')) return false;
      }
      if (!value(depth + 1)) return false;
      skip_blanks();
    } while (take(','));
    return take(end);
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, const char** end) {
  Json value(cJSON_ParseWithLengthOpts(text.data(), text.size(), end, 0));
  // cJSON does not tell a text that it cannot read from one that it has no memory for.
  if (value == nullptr && Scanner(text).value(0)) throw std::bad_alloc();
  return value;
}

}  // namespace llmq::base
