#include "http/findings.h"

#include <cstdlib>
#include <ctime>

#include "http/curl_library.h"
#include "http/look.h"
#include "provider/provider.h"
#include "provider/text.h"
#include "provider/url.h"

namespace llmq::http {
namespace {

core::DurationNs time_of(CURL* easy, CURLINFO info) {
  curl_off_t us = 0;
  curl().easy_getinfo(easy, info, &us);
  return {static_cast<int64_t>(us) * 1000};
}

// The server's own certificate is the first of the chain.
void read_certificate(CURL* easy, Findings& found) {
  curl_certinfo* chain = nullptr;
  if (curl().easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1) {
    return;
  }
  for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next) {
    const std::string_view text(line->data);
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, colon);
    const std::string value(text.substr(colon + 1));
    if (name == "Subject") found.subject = value;
    if (name == "Issuer") found.issuer = value;
    if (name == "Expire date") found.expires_unix_s = curl().getdate(value.c_str(), nullptr);
  }
  if (found.expires_unix_s < 0) found.expires_unix_s = 0;
}

// How far a call had come that ran out of time or lost its connection.
Stage reached(const Findings& found, bool needs_tls, bool through_proxy) {
  if (found.connected.ns == 0) {
    if (found.resolved.ns == 0) return Stage::kName;
    return through_proxy ? Stage::kProxy : Stage::kConnect;
  }
  return needs_tls && found.secured.ns == 0 ? Stage::kTls : Stage::kRequest;
}

bool is_https(CURL* easy) {
  char* url = nullptr;
  curl().easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  return url != nullptr && provider::is_https(url);
}

Stage stage_of(CURL* easy, CURLcode code, const Findings& found, bool through_proxy) {
  long tunnel_status = 0;  // the proxy's answer to CONNECT
  curl().easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel_status);
  switch (code) {
    case CURLE_OK:
      return Stage::kDone;
    case CURLE_COULDNT_RESOLVE_HOST:
      return Stage::kName;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return Stage::kProxy;
    case CURLE_COULDNT_CONNECT:
      return through_proxy ? Stage::kProxy : Stage::kConnect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
      return Stage::kTls;
    default:
      if (through_proxy && tunnel_status != 0 && tunnel_status / 100 != 2) return Stage::kProxy;
      return reached(found, is_https(easy), through_proxy);
  }
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// libcurl takes HTTP_PROXY in small letters alone: a CGI program gets it from strangers.
std::string proxy_of_environment(bool https) {
  std::string proxy = variable(https ? "https_proxy" : "http_proxy");
  if (proxy.empty() && https) proxy = variable("HTTPS_PROXY");
  if (proxy.empty()) proxy = variable("all_proxy");
  if (proxy.empty()) proxy = variable("ALL_PROXY");
  return proxy;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         provider::equal_ignoring_case(text.substr(text.size() - end.size()), end);
}

// A name in the list stands for itself and for all below it.
bool is_excepted(std::string_view host) {
  std::string list = variable("no_proxy");
  if (list.empty()) list = variable("NO_PROXY");
  std::string_view rest = list;
  while (!rest.empty()) {
    const size_t end = rest.find_first_of(", ");
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (name == "*") return true;
    if (!name.empty() && name.front() == '.') name.remove_prefix(1);
    if (name.empty()) continue;
    if (provider::equal_ignoring_case(name, host)) return true;
    if (ends_with(host, name) && host[host.size() - name.size() - 1] == '.') return true;
  }
  return false;
}

std::string without_user(std::string_view proxy) {
  if (const size_t scheme = proxy.find("://"); scheme != std::string_view::npos) {
    proxy.remove_prefix(scheme + 3);
  }
  if (const size_t user = proxy.rfind('@'); user != std::string_view::npos) {
    proxy.remove_prefix(user + 1);
  }
  return std::string(proxy.substr(0, proxy.find('/')));
}

}  // namespace

Findings findings_of(CURL* easy, CURLcode code, bool through_proxy) {
  Findings found;
  char* address = nullptr;
  long port = 0;
  curl().easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
  curl().easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
  found.resolved = time_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
  found.connected = time_of(easy, CURLINFO_CONNECT_TIME_T);
  found.secured = time_of(easy, CURLINFO_APPCONNECT_TIME_T);
  found.first_byte = time_of(easy, CURLINFO_STARTTRANSFER_TIME_T);
  found.total = time_of(easy, CURLINFO_TOTAL_TIME_T);
  if (found.connected.ns > 0 && address != nullptr && *address != '\0') {
    const std::string text(address);
    found.address = (text.find(':') == std::string::npos ? text : "[" + text + "]") + ":" +
                    std::to_string(port);
  }
  long version = 0;
  curl().easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  if (version == CURL_HTTP_VERSION_1_0) found.http_version = 10;
  if (version == CURL_HTTP_VERSION_1_1) found.http_version = 11;
  if (version == CURL_HTTP_VERSION_2_0) found.http_version = 20;
  read_certificate(easy, found);
  found.failed_at = stage_of(easy, code, found, through_proxy);
  return found;
}

std::string proxy_of(std::string_view url, std::string_view setting) {
  if (setting == "none") return "";
  if (!setting.empty()) return without_user(setting);
  if (provider::is_loopback(url)) return "";
  const std::string_view host = provider::host(provider::authority(url));
  if (is_excepted(host)) return "";
  return without_user(proxy_of_environment(provider::is_https(url)));
}

}  // namespace llmq::http
