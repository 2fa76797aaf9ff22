// A request of any wire form, once it has been read: numbers and a few words, not its body.
#ifndef LLMQ_MOCK_REQUEST_H_
#define LLMQ_MOCK_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mock/account.h"
#include "mock/problem.h"
#include "mock/route.h"

namespace llmq::mock {

// What is charged for the answer of a request that does not say how long it may be.
constexpr int64_t kAssumedMaxTokens = 256;
constexpr int64_t kMaxChoices = 128;

struct ApiRequest {
  Endpoint endpoint = Endpoint::kChat;
  std::string model;
  std::string topic;                  // how the last text starts, to be named in the answer
  int64_t input_tokens = 0;           // characters of all texts / 4, rounded up
  std::optional<int64_t> max_tokens;  // most of an answer; of one choice
  int64_t choices = 1;                // OpenAI's n
  size_t input_count = 0;             // embeddings only
  bool stream = false;
  bool stream_usage = false;  // asked for in OpenAI's stream_options

  bool has_output() const { return endpoint != Endpoint::kEmbeddings; }
  Demand demand() const;
};

struct ParsedRequest {
  ApiRequest request;
  std::optional<Problem> problem;
};

ParsedRequest parse_request(const Route& route, std::string_view body);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_REQUEST_H_
