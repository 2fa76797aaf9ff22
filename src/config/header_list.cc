#include "config/header_list.h"

#include <algorithm>
#include <iterator>

#include "config/value.h"
#include "provider/text.h"

namespace llmq::config {
namespace {

// Of RFC 9110, section 5.6.2.
bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_one_of(std::string_view name, const std::string_view* first, const std::string_view* last) {
  return std::any_of(first, last, [name](std::string_view other) {
    return provider::equal_ignoring_case(name, other);
  });
}

// Those that say where a message begins and ends, or who it is for.
bool frames_the_message(std::string_view name) {
  static constexpr std::string_view kFraming[] = {
      "Connection", "Content-Length", "Content-Type", "Expect",           "Host", "Keep-Alive",
      "TE",         "Trailer",        "Upgrade",      "Transfer-Encoding"};
  return is_one_of(name, std::begin(kFraming), std::end(kFraming));
}

template <typename Function>
void for_each_part(std::string_view text, Function function) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('|'), text.size());
    function(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

const char* part_fault(std::string_view part) {
  const size_t colon = part.find(':');
  if (colon == std::string_view::npos) return "expected Name: value, separated by |";
  const std::string_view name = provider::trimmed(part.substr(0, colon));
  if (!is_token(name)) return "the name of a header holds letters, digits and !#$%&'*+-.^_`~";
  if (frames_the_message(name)) return "a header that frames the message cannot be set";
  const std::string_view value = provider::trimmed(part.substr(colon + 1));
  if (value.empty()) return "a header has no value";
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  return printable ? nullptr : "the value of a header holds printable ASCII alone";
}

}  // namespace

bool is_key_header(std::string_view name) {
  static constexpr std::string_view kKeys[] = {"Authorization", "api-key", "x-api-key",
                                               "x-goog-api-key"};
  return is_one_of(name, std::begin(kKeys), std::end(kKeys));
}

const char* header_list_fault(std::string_view text) {
  const char* fault = nullptr;
  if (has_control_characters(text)) return "a header holds no line breaks or other controls";
  for_each_part(text, [&fault](std::string_view part) {
    if (fault == nullptr) fault = part_fault(part);
  });
  return fault;
}

HeaderList parse_header_list(std::string_view text) {
  HeaderList headers;
  for_each_part(text, [&headers](std::string_view part) {
    const size_t colon = std::min(part.find(':'), part.size() - 1);
    headers.emplace_back(provider::trimmed(part.substr(0, colon)),
                         provider::trimmed(part.substr(colon + 1)));
  });
  return headers;
}

}  // namespace llmq::config
