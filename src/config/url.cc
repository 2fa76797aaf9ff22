#include "config/url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace llmq::config {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool has_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() && equal_ignoring_case(url.substr(0, scheme.size()), scheme);
}

// host[:port]
std::string_view authority(std::string_view url) {
  const std::string_view rest = url.substr(url.find("://") + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

// Where the host ends in an authority: at its port's colon, or at the end.
size_t host_end(std::string_view authority) {
  const size_t from = authority.front() == '[' ? authority.find(']') : 0;
  return std::min(authority.find(':', from), authority.size());
}

bool is_number_up_to(std::string_view text, uint32_t least, uint32_t greatest) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number >= least &&
         number <= greatest;
}

}  // namespace

const char* base_url_fault(std::string_view url) {
  if (!has_scheme(url, "http://") && !has_scheme(url, "https://")) {
    return "it must begin with http:// or https://";
  }
  const bool printable = std::all_of(url.begin(), url.end(),
                                     [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
  if (!printable) return "it holds a character that no URL may hold unescaped";
  if (url.find_first_of("?#") != std::string_view::npos)
    return "it must have no query and no fragment";
  const std::string_view host_port = authority(url);
  if (host_port.find('@') != std::string_view::npos) {
    return "it must hold no user name or password; use api_key_env or api_key_file";
  }
  if (host_port.empty()) return "it names no host";
  if (host_port.front() == '[' && host_port.find(']') == std::string_view::npos) {
    return "its host lacks a closing ]";
  }
  const size_t end = host_end(host_port);
  if (end == 0) return "it names no host";
  if (end < host_port.size() && !is_number_up_to(host_port.substr(end + 1), 1, 65535)) {
    return "its port is not 1 .. 65535";
  }
  return nullptr;
}

}  // namespace llmq::config
