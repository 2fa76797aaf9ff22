#include "cli/strict_json.h"

namespace llmq::cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Past the digits from `at` on; npos if there are none.
size_t past_digits(std::string_view text, size_t at) {
  const size_t end = skip_digits(text, at);
  return end == at ? std::string_view::npos : end;
}

// Past the number that begins at `at`; npos if it has not the form of one.
size_t past_number(std::string_view text, size_t at) {
  constexpr size_t kNone = std::string_view::npos;
  if (text[at] == '-') ++at;
  if (at == text.size() || !is_digit(text[at])) return kNone;
  at = text[at] == '0' ? at + 1 : skip_digits(text, at);
  if (at < text.size() && text[at] == '.') at = past_digits(text, at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    at = past_digits(text, at);
  }
  const bool goes_on = at < text.size() && (is_digit(text[at]) || text[at] == '.');
  return goes_on ? kNone : at;
}

bool is_between_values(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || c == '\n' || c == '\r' || (byte >= 0x20 && byte < 0x80);
}

}  // namespace

size_t find_not_json(std::string_view text) {
  bool in_string = false;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (in_string) {
      if (static_cast<unsigned char>(c) < 0x20) return at;
      in_string = c != '"';
      at += c == '\\' ? 2 : 1;
    } else if (c == '-' || is_digit(c)) {
      const size_t end = past_number(text, at);
      if (end == std::string_view::npos) return at;
      at = end;
    } else {
      if (!is_between_values(c)) return at;
      in_string = c == '"';
      ++at;
    }
  }
  return std::string_view::npos;
}

bool holds_escaped_nul(std::string_view raw) {
  for (size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at + 2)) {
    if (raw.substr(at, 6) == "\\u0000") return true;
  }
  return false;
}

std::string_view without_bom(std::string_view text) {
  constexpr std::string_view kBom = "\xef\xbb\xbf";
  if (text.substr(0, kBom.size()) == kBom) text.remove_prefix(kBom.size());
  return text;
}

}  // namespace llmq::cli
