// Which service a URL names.
#ifndef LLMQ_MOCK_ROUTE_H_
#define LLMQ_MOCK_ROUTE_H_

#include <optional>
#include <string>
#include <string_view>

namespace llmq::mock {

enum class Endpoint {
  kChat,
  kEmbeddings,
  kResponses,
  kAnthropic,
  kGemini,
  kGeminiArray,  // its stream without alt=sse
  kCohere,
  kOllama,
};

struct Route {
  Endpoint endpoint = Endpoint::kChat;
  std::string model;           // where the URL names it, else ""
  bool stream = false;         // where the URL asks for it
  bool is_deployment = false;  // Azure's classic URL
};

// Nothing if no provider serves such a URL. `alt` is the query's member of that name.
std::optional<Route> route_of(std::string_view path, std::string_view alt = {});

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ROUTE_H_
