// Providers as pure functions: request -> wire form, wire form -> outcome. No socket, clock or thread here.
#ifndef LLMQ_PROVIDER_PROVIDER_H_
#define LLMQ_PROVIDER_PROVIDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/status.h"
#include "core/time.h"
#include "core/usage.h"

namespace llmq::provider {

// What a request asks of the provider; the numbers are LLMQ_OP_ of llmq.h.
enum class Operation : int32_t {
  kChat = 0,
  kEmbeddings = 1,
  kMessages = 2,
  kResponses = 3,
  kCustom = 4,
};

using Header = std::pair<std::string, std::string>;  // name as on the wire, value

// A call as it goes to http/. The body is the caller's payload, sent byte for byte: it is not copied here.
struct WireRequest {
  std::string url;
  std::vector<Header> headers;
};

// An answer as it came from http/.
struct WireResponse {
  int http_status = 0;
  std::vector<Header> headers;
  std::string body;
};

// What llmq makes of an answer.
struct Outcome {
  core::Status status = core::Status::kUnknown;
  std::string message;               // for people; "" if status is kOk
  bool usage_known = false;
  core::Usage usage{};
  core::DurationNs retry_after{};    // 0 = no hint
  std::string provider_request_id;   // "" if none
};

// Tokens that a call is expected to count, before it is made.
struct Estimate {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// Joins a base URL and the operation's path; a /v1 that both have is not doubled.
std::string endpoint_url(std::string_view base_url, Operation operation);

// May this provider run this operation, and is the payload a JSON object? Cheap; called on the submitter's
// thread, so that a bad body is an error at submit.
core::Result<core::Done> check_payload(Operation operation, std::string_view payload);

// Input: UTF-8 bytes of all text in messages / input, over 4, rounded up, plus a small constant; output:
// max_completion_tokens or max_tokens times n, else default_output_tokens; embeddings produce none.
// The error of the estimate is documented in docs (measured: -? .. +45 % on English prose).
core::Result<Estimate> estimate_tokens(Operation operation, std::string_view payload,
                                       int64_t default_output_tokens);

// Both of the above in one pass over the payload: what submit uses.
core::Result<Estimate> inspect_payload(Operation operation, std::string_view payload,
                                       int64_t default_output_tokens);

// Is the host 127.0.0.0/8, ::1 or localhost?
bool is_loopback(std::string_view base_url);

// A key never goes over http:// beyond the loopback interface, unless that is allowed by name.
core::Result<core::Done> check_key_transport(std::string_view base_url, bool has_key,
                                             bool allow_insecure);

// The OpenAI-compatible wire.
core::Result<WireRequest> build_request(std::string_view base_url, Operation operation,
                                        std::string_view api_key);
// wall_unix_ms serves Retry-After dates.
Outcome parse_response(Operation operation, const WireResponse& response, int64_t wall_unix_ms);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_PROVIDER_H_
