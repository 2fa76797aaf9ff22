#include "provider/text.h"

#include <algorithm>
#include <array>

namespace llmq::provider {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kEllipsis = "...";

// What keys of OpenAI-compatible providers begin with, and how much must follow to be taken for
// one.
struct KeyPrefix {
  std::string_view text;
  size_t least_rest;
};
constexpr std::array<KeyPrefix, 7> kKeyPrefixes{
    {{"sk-", 1}, {"sk_", 8}, {"pk-", 8}, {"gsk_", 8}, {"xai-", 8}, {"hf_", 8}, {"Bearer ", 1}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Base64 and its URL form, and the stars of a key that was masked in part.
bool is_key_char(char c) {
  return is_word(c) || std::string_view("-_*.+/=").find(c) != std::string_view::npos;
}

// Bytes of the key that begins at `at`, its prefix included; 0 if none does.
size_t key_length(std::string_view text, size_t at, size_t* prefix_length) {
  if (at > 0 && is_word(text[at - 1])) return 0;
  for (const KeyPrefix& prefix : kKeyPrefixes) {
    if (!equal_ignoring_case(text.substr(at, prefix.text.size()), prefix.text)) continue;
    size_t end = at + prefix.text.size();
    while (end < text.size() && is_key_char(text[end])) ++end;
    if (end - at - prefix.text.size() < prefix.least_rest) continue;
    *prefix_length = prefix.text.size();
    return end - at;
  }
  return 0;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

size_t find_ignoring_case(std::string_view text, std::string_view part) {
  const auto at = std::search(text.begin(), text.end(), part.begin(), part.end(),
                              [](char x, char y) { return lower(x) == lower(y); });
  return at == text.end() && !part.empty() ? std::string_view::npos
                                           : static_cast<size_t>(at - text.begin());
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return find_ignoring_case(text, part) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string presentable(std::string_view text, size_t max_bytes) {
  std::string shown;
  for (size_t at = 0; at < text.size() && shown.size() <= max_bytes;) {
    size_t prefix = 0;
    if (const size_t key = key_length(text, at, &prefix); key > 0) {
      shown.append(text.substr(at, prefix)).append(kMask);
      at += key;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at++]);
    shown.push_back(byte < 0x20 || byte == 0x7F ? ' ' : static_cast<char>(byte));
  }
  if (shown.size() <= max_bytes) return shown;
  size_t cut = max_bytes - std::min(max_bytes, kEllipsis.size());
  while (cut > 0 && (static_cast<unsigned char>(shown[cut]) & 0xC0) == 0x80) --cut;
  shown.resize(cut);
  return shown.append(kEllipsis);
}

}  // namespace llmq::provider
