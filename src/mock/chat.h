// OpenAI's wire form of chat completions and embeddings: request text -> numbers, numbers -> reply
// text.
#ifndef LLMQ_MOCK_CHAT_H_
#define LLMQ_MOCK_CHAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mock/account.h"

namespace llmq::mock {

enum class Endpoint { kChat, kEmbeddings };

// What is charged for the answer of a chat request that does not say max_tokens.
constexpr int64_t kAssumedMaxTokens = 256;
constexpr int64_t kMaxChoices = 128;

// The error object of every reply that is not a success; param and code may be null.
struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  const char* param = nullptr;
  const char* code = nullptr;
};

// {"error":{"message","type","param","code"}}
std::string error_body(const ApiError& error);

// What is kept of a request; its body is not.
struct ApiRequest {
  Endpoint endpoint = Endpoint::kChat;
  std::string model;
  std::string topic;                  // how the last text starts, to be named in the answer
  int64_t input_tokens = 0;           // characters of all texts / 4, rounded up
  std::optional<int64_t> max_tokens;  // chat only: max_completion_tokens, or else max_tokens
  int64_t choices = 1;                // chat only: n
  size_t input_count = 0;             // embeddings only

  Demand demand() const;
};

struct ParsedRequest {
  ApiRequest request;
  std::optional<ApiError> error;
};

ParsedRequest parse_request(Endpoint endpoint, std::string_view body);

// How an answer tells itself apart.
struct ReplyId {
  uint64_t call = 0;  // names the reply: "chatcmpl-..."
  uint64_t body = 0;  // hash of the request, repeated in the answer
  int64_t unix_ms = 0;
};

struct ApiReply {
  std::string body;
  Usage usage;
};

// output_tokens is what the model would like to say per choice; the request's max_tokens caps it.
// Ignored for embeddings.
ApiReply make_reply(const ApiRequest& request, const ReplyId& id, int64_t output_tokens);

// The list that GET /v1/models gives: one model, since every name is served.
std::string models_body();

// 16 hexadecimal digits.
std::string hex_of(uint64_t value);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_CHAT_H_
