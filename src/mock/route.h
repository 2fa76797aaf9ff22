// Which service a URL names.
#ifndef LLMQ_MOCK_ROUTE_H_
#define LLMQ_MOCK_ROUTE_H_

#include <optional>
#include <string>
#include <string_view>

namespace llmq::mock {

enum class Endpoint { kChat, kEmbeddings };

struct Route {
  Endpoint endpoint = Endpoint::kChat;
};

// Nothing if no provider serves such a URL. Clients differ in whether their base URL ends with /v1.
std::optional<Route> route_of(std::string_view path);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ROUTE_H_
