// What a call saw on its way: for people who ask why a provider cannot be reached.
#ifndef LLMQ_HTTP_FINDINGS_H_
#define LLMQ_HTTP_FINDINGS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"

namespace llmq::http {

enum class Stage : uint8_t {
  kDone,  // nothing failed
  kName,  // of the host, or of the proxy
  kProxy,
  kConnect,
  kTls,
  kRequest,
};

struct Findings {
  Stage failed_at = Stage::kDone;
  std::string address;  // of who was connected to, the proxy's if there is one; "" = nobody
  // Each since the call began, with those before it; 0 = not reached.
  core::DurationNs resolved{};
  core::DurationNs connected{};
  core::DurationNs secured{};     // the TLS handshake is over
  core::DurationNs first_byte{};  // of the answer
  core::DurationNs total{};
  int http_version = 0;  // 11, 20; 0 = nothing was answered
  // Of the server's certificate; "" and 0 where none was accepted.
  std::string subject;
  std::string issuer;
  int64_t expires_unix_s = 0;
};

// host[:port] of the proxy that a call goes through, without a password: the one that is set
// ("none" = none), or that of the environment as libcurl reads it; "" = none.
std::string proxy_of(std::string_view url, std::string_view setting);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_FINDINGS_H_
