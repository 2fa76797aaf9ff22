#include "provider/url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "provider/provider.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr std::string_view kSchemeEnd = "://";

// What follows scheme://, "" if there is no scheme.
std::string_view after_scheme(std::string_view url) {
  const size_t at = url.find(kSchemeEnd);
  return at == std::string_view::npos ? std::string_view() : url.substr(at + kSchemeEnd.size());
}

// 127.a.b.c in full: a name such as 127.example.com belongs to somebody else.
bool is_ipv4_loopback(std::string_view host) {
  for (int part = 0; part < 4; ++part) {
    const size_t dot = host.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    const std::string_view digits = host.substr(0, dot);
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return false;
    // With a leading zero, libcurl takes the number for an octal one: 0127 is 87.
    if (digits.size() > 1 && digits.front() == '0') return false;
    if (part == 0 ? number != 127 : number > 255) return false;
    if (part < 3) host.remove_prefix(dot + 1);
  }
  return true;
}

// v1, v1beta, v3
bool names_version(std::string_view segment) {
  return segment.size() >= 2 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9';
}

}  // namespace

bool path_names_version(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (names_version(path.substr(0, slash))) return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

std::string_view operation_path(Operation operation) {
  switch (operation) {
    case Operation::kChat:
    case Operation::kCustom:
      return "/chat/completions";
    case Operation::kEmbeddings:
      return "/embeddings";
    case Operation::kMessages:
      return "/messages";
    case Operation::kResponses:
      return "/responses";
  }
  return "";
}

bool is_https(std::string_view url) { return equal_ignoring_case(url.substr(0, 8), "https://"); }

std::string_view authority(std::string_view url) {
  const std::string_view rest = after_scheme(url);
  const std::string_view found = rest.substr(0, rest.find_first_of("/?#"));
  // curl takes a backslash for a slash in places; a host that needs either character does not
  // exist.
  return found.find_first_of("@\\") == std::string_view::npos ? found : std::string_view();
}

std::string_view host(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(0, end + 1);
  }
  return authority.substr(0, authority.find(':'));
}

std::string_view path(std::string_view url) {
  const std::string_view rest = after_scheme(url);
  return rest.substr(std::min(rest.find_first_of("/?#"), rest.size()));
}

bool is_loopback(std::string_view base_url) {
  const std::string_view name = host(authority(base_url));
  return equal_ignoring_case(name, "localhost") || name == "[::1]" || is_ipv4_loopback(name);
}

std::string endpoint_url(std::string_view base_url, Operation operation) {
  while (!base_url.empty() && base_url.back() == '/') base_url.remove_suffix(1);
  std::string url(base_url);
  const std::string_view end = operation_path(operation);
  const std::string_view given = path(base_url);
  if (given.size() >= end.size() && given.substr(given.size() - end.size()) == end) return url;
  if (!path_names_version(given)) url += "/v1";
  return url.append(end);
}

core::Result<core::Done> check_key_transport(std::string_view base_url, bool has_key,
                                             bool allow_insecure) {
  if (!has_key || allow_insecure || is_https(base_url) || is_loopback(base_url)) {
    return core::Done{};
  }
  return core::Error{core::Status::kInvalidValue,
                     "the API key would travel unencrypted to " + std::string(authority(base_url)) +
                         ": use https://, or set allow_insecure to permit it",
                     "base_url"};
}

}  // namespace llmq::provider
