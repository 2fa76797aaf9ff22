// One wire form: how its requests are read and its answers written.
#ifndef LLMQ_MOCK_WIRE_H_
#define LLMQ_MOCK_WIRE_H_

#include <optional>
#include <string>
#include <string_view>

#include "mock/answer.h"
#include "mock/json.h"
#include "mock/problem.h"
#include "mock/provider.h"
#include "mock/request.h"

namespace llmq::mock {

// The functions are tables, not virtual: a wire form has no state. Those of streams are null where
// the form has none.
struct Wire {
  // Fills in what the body says. The model may have been named by the URL.
  std::optional<Problem> (*read)(const cJSON* root, ApiRequest& request);
  // The whole answer as one JSON body.
  std::string (*reply)(const Answer& answer, const Provider& provider);

  const char* stream_type;  // Content-Type
  // Events before the first text, of one piece of it, and after the last.
  std::string (*stream_start)(const Answer& answer, const Provider& provider);
  std::string (*stream_piece)(const Answer& answer, const Provider& provider, const Piece& piece);
  std::string (*stream_end)(const Answer& answer, const Provider& provider, int64_t pieces);
  // An error inside a stream that began with 200, after so many pieces.
  std::string (*stream_error)(const Answer& answer, const Provider& provider,
                              const Problem& problem, int64_t pieces);
};

const Wire& wire_of(Endpoint endpoint);

extern const Wire kOpenAiChat;
extern const Wire kOpenAiEmbeddings;
extern const Wire kOpenAiResponses;
extern const Wire kAnthropicMessages;
extern const Wire kGeminiContent;
extern const Wire kGeminiArray;
extern const Wire kCohereChat;
extern const Wire kOllamaChat;

constexpr const char* kSseType = "text/event-stream; charset=utf-8";

// An event of server-sent events; no event line if `name` is empty.
std::string sse_event(std::string_view name, const std::string& data);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_WIRE_H_
