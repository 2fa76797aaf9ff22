#include "mock/route.h"

namespace llmq::mock {

namespace {

// Takes the start off the text if it is there.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::optional<Route> route_of(std::string_view path) {
  take_prefix(path, "/v1");
  if (path == "/chat/completions") return Route{Endpoint::kChat};
  if (path == "/embeddings") return Route{Endpoint::kEmbeddings};
  return std::nullopt;
}

}  // namespace llmq::mock
