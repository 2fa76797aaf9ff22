#include "http/failure.h"

#include <system_error>

#include "http/curl_library.h"
#include "provider/text.h"

namespace llmq::http {
namespace {

constexpr size_t kMostDetailBytes = 300;

std::string sentence(CURLcode code, const std::string& host, const Transport& transport) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "cannot resolve the host of " + host;
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "cannot resolve the proxy to " + host;
    case CURLE_COULDNT_CONNECT:
      return "cannot connect to " + host;
    case CURLE_PEER_FAILED_VERIFICATION:
      return "the TLS certificate of " + host + " does not verify";
    case CURLE_SSL_CERTPROBLEM:
      return "the client certificate " + transport.client_cert_file + " cannot be used";
    case CURLE_SSL_CONNECT_ERROR:
      return "the TLS handshake with " + host + " failed";
    case CURLE_SSL_CACERT_BADFILE:
      return transport.ca_file.empty() ? "the system's CA certificates cannot be read"
                                       : "the CA file " + transport.ca_file + " cannot be read";
    case CURLE_OPERATION_TIMEDOUT:
      return "no answer from " + host + " in time";
    case CURLE_GOT_NOTHING:
      return host + " closed the connection without an answer";
    case CURLE_PARTIAL_FILE:
      return host + " closed the connection in the middle of its answer";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return "the connection to " + host + " broke";
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return "the HTTP/2 connection to " + host + " failed";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return host + " did not answer in HTTP as it should";
    default:
      return "the call to " + host + " failed";
  }
}

}  // namespace

core::Status status_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return core::Status::kOk;
    case CURLE_OPERATION_TIMEDOUT:
      return core::Status::kTimeout;
    case CURLE_OUT_OF_MEMORY:
      return core::Status::kNoMem;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return core::Status::kInvalidValue;
    default:
      return core::Status::kTransport;
  }
}

bool is_permanent(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return true;
    default:
      return false;
  }
}

std::string describe(CURLcode code, const std::string& host, const Transport& transport,
                     const char* detail, int os_error) {
  std::string why = provider::presentable(detail, kMostDetailBytes);
  // libcurl says "Couldn't connect to server" where the system knows "Connection refused".
  if (code == CURLE_COULDNT_CONNECT && os_error != 0)
    why = std::generic_category().message(os_error);
  if (why.empty()) why = curl().easy_strerror(code);
  return sentence(code, host, transport) + ": " + why;
}

}  // namespace llmq::http
