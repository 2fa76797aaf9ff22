#include "mock/route.h"

#include <array>

namespace llmq::mock {

namespace {

struct Service {
  std::string_view path;
  Endpoint endpoint;
};

constexpr std::array<Service, 3> kOpenAiServices{{{"/chat/completions", Endpoint::kChat},
                                                  {"/embeddings", Endpoint::kEmbeddings},
                                                  {"/responses", Endpoint::kResponses}}};

// What the providers put before these. Clients differ in whether their base URL ends with /v1.
constexpr std::array<std::string_view, 8> kOpenAiRoots{
    "/v1",
    "",                // OpenAI, Mistral, Together, DeepSeek, xAI and most others
    "/openai/v1",      // Azure's new form, Groq
    "/api/v1",         // OpenRouter
    "/inference/v1",   // Fireworks
    "/v1beta/openai",  // Gemini in OpenAI's form
    "/models",
    "/inference"};  // Azure AI Foundry, GitHub Models

constexpr std::array<Service, 5> kOthers{{{"/v1/messages", Endpoint::kAnthropic},
                                          {"/messages", Endpoint::kAnthropic},
                                          {"/v2/chat", Endpoint::kCohere},
                                          {"/chat", Endpoint::kCohere},
                                          {"/api/chat", Endpoint::kOllama}}};

// Takes the start off the text if it is there.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<Endpoint> find(std::string_view path) {
  for (const Service& service : kOpenAiServices) {
    if (path == service.path) return service.endpoint;
  }
  return std::nullopt;
}

// /openai/deployments/NAME/chat/completions
std::optional<Route> deployment_route(std::string_view path) {
  if (!take_prefix(path, "/openai/deployments/")) return std::nullopt;
  const size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  const std::optional<Endpoint> endpoint = find(path.substr(slash));
  if (!endpoint) return std::nullopt;
  return Route{*endpoint, std::string(path.substr(0, slash)), false, true};
}

// /v1beta/models/NAME:generateContent
std::optional<Route> gemini_route(std::string_view path, std::string_view alt) {
  if (!take_prefix(path, "/v1beta")) take_prefix(path, "/v1");
  if (!take_prefix(path, "/models/")) return std::nullopt;
  const size_t colon = path.rfind(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  Route route{Endpoint::kGemini, std::string(path.substr(0, colon)), false, false};
  const std::string_view method = path.substr(colon + 1);
  if (method == "generateContent") return route;
  if (method != "streamGenerateContent") return std::nullopt;
  route.stream = true;
  if (alt != "sse") route.endpoint = Endpoint::kGeminiArray;
  return route;
}

}  // namespace

std::optional<Route> route_of(std::string_view path, std::string_view alt) {
  for (const std::string_view root : kOpenAiRoots) {
    std::string_view rest = path;
    if (!take_prefix(rest, root)) continue;
    if (const auto endpoint = find(rest)) return Route{*endpoint, "", false, false};
  }
  for (const Service& service : kOthers) {
    if (path == service.path) return Route{service.endpoint, "", false, false};
  }
  if (auto route = deployment_route(path)) return route;
  return gemini_route(path, alt);
}

}  // namespace llmq::mock
