#include "mock/wire.h"

namespace llmq::mock {

const Wire& wire_of(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kChat:
      return kOpenAiChat;
    case Endpoint::kEmbeddings:
      return kOpenAiEmbeddings;
    case Endpoint::kResponses:
      return kOpenAiResponses;
    case Endpoint::kAnthropic:
      return kAnthropicMessages;
    case Endpoint::kGemini:
      return kGeminiContent;
    case Endpoint::kGeminiArray:
      return kGeminiArray;
    case Endpoint::kCohere:
      return kCohereChat;
    case Endpoint::kOllama:
      break;
  }
  return kOllamaChat;
}

std::string sse_event(std::string_view name, const std::string& data) {
  std::string event;
  if (!name.empty()) event.append("event: ").append(name).append("\n");
  return event.append("data: ").append(data).append("\n\n");
}

}  // namespace llmq::mock
