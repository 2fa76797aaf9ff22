// Providers as pure functions: request -> wire form, wire form -> outcome. No socket, clock or
// thread here.
#ifndef LLMQ_PROVIDER_PROVIDER_H_
#define LLMQ_PROVIDER_PROVIDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/limit/observation.h"
#include "core/result.h"
#include "core/status.h"
#include "core/time.h"
#include "core/usage.h"
#include "provider/profile.h"

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

// A call as it goes to http/, but for its body.
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

// What told when to try again.
enum class HintSource : uint8_t {
  kNone,
  kHeader,       // Retry-After and its kin
  kResetHeader,  // the reset of the limit that is used up
  kBody,         // a member of the body
  kBodyText,     // words in the body
};

// What llmq makes of an answer.
struct Outcome {
  core::Status status = core::Status::kUnknown;
  core::Status failure = core::Status::kOk;  // the kind, whatever x-should-retry makes of it
  std::string error_name;                    // the provider's code or type; "" if none
  std::string message;                       // for people; "" if status is kOk
  bool usage_known = false;
  core::Usage usage{};
  core::DurationNs retry_after{};  // 0 = no hint, or at once
  HintSource hint_source = HintSource::kNone;
  std::string provider_request_id;  // "" if none
  core::Observed observed;          // what the answer tells of limits, a good one too
};

// Tokens that a call is expected to count, before it is made. input_tokens is what a provider
// counts that judges by length when the call arrives; what the model will have read in the end is
// told better by what answers have taught of text_bytes, plus other_tokens.
struct Estimate {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  bool output_is_default = false;  // the payload does not say it
  bool stream = false;             // the payload asks for a stream
  int64_t text_bytes = 0;          // UTF-8, of all text that is input
  int64_t other_tokens = 0;        // of images, and of what frames messages and tools
};

// Joins a base URL and the operation's path in OpenAI's API. A base that names a version itself
// (.../v1, .../v1beta/openai) gets no second /v1; one that ends in the path already stays as it is.
std::string endpoint_url(std::string_view base_url, Operation operation);

// May this provider run this operation, is the payload one JSON object in UTF-8, and how many
// tokens will it be? Called on the submitter's thread, so that a bad body is an error at submit.
//
// Roughly 4 bytes of English per token; other scripts and code differ, up to about x2; the usage of
// the answer corrects it. Images and audio count nothing on arrival. Chat: input is the UTF-8 bytes
// of all text in messages and tools over 4, rounded up, plus 4; output is max_completion_tokens or
// max_tokens, else default_output_tokens, times n. Embeddings: input is the bytes of text over 4,
// or the number of tokens where tokens are given; no output.
core::Result<Estimate> inspect_payload(Operation operation, std::string_view payload,
                                       int64_t default_output_tokens);

// Is the host 127.0.0.0/8, ::1 or localhost? A URL that names no host, or a user, is not.
bool is_loopback(std::string_view base_url);

// A key never goes over http:// beyond the loopback interface, unless that is allowed by name.
core::Result<core::Done> check_key_transport(std::string_view base_url, bool has_key,
                                             bool allow_insecure);

// wall_unix_ms serves dates in headers. Messages hold the provider's own words, shortened, keys
// masked.
Outcome parse_response(const Profile& profile, Operation operation, const WireResponse& response,
                       int64_t wall_unix_ms);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_PROVIDER_H_
