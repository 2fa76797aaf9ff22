#include "mock/route.h"

#include <gtest/gtest.h>

#include <map>

namespace llmq::mock {
namespace {

// The URLs of providers.md section 1, without their hosts.
TEST(Route, KnowsTheUrlsOfTheProviders) {
  const std::map<const char*, Endpoint> expected{
      {"/v1/chat/completions", Endpoint::kChat},
      {"/chat/completions", Endpoint::kChat},
      {"/v1/responses", Endpoint::kResponses},
      {"/v1/embeddings", Endpoint::kEmbeddings},
      {"/openai/v1/chat/completions", Endpoint::kChat},
      {"/models/chat/completions", Endpoint::kChat},
      {"/inference/chat/completions", Endpoint::kChat},
      {"/inference/v1/chat/completions", Endpoint::kChat},
      {"/api/v1/chat/completions", Endpoint::kChat},
      {"/v1beta/openai/chat/completions", Endpoint::kChat},
      {"/v1/messages", Endpoint::kAnthropic},
      {"/v2/chat", Endpoint::kCohere},
      {"/api/chat", Endpoint::kOllama}};
  for (const auto& [path, endpoint] : expected) {
    const auto route = route_of(path);
    ASSERT_TRUE(route) << path;
    EXPECT_EQ(route->endpoint, endpoint) << path;
    EXPECT_EQ(route->model, "") << path;
    EXPECT_FALSE(route->stream || route->is_deployment) << path;
  }
}

TEST(Route, ReadsAzuresDeployment) {
  const auto route = route_of("/openai/deployments/my-gpt/chat/completions");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->endpoint, Endpoint::kChat);
  EXPECT_EQ(route->model, "my-gpt");
  EXPECT_TRUE(route->is_deployment);
  EXPECT_EQ(route_of("/openai/deployments/e/embeddings")->endpoint, Endpoint::kEmbeddings);
}

TEST(Route, ReadsGeminisModelAndMethod) {
  for (const char* start : {"/v1beta", "/v1", ""}) {
    const auto route = route_of(start + std::string("/models/gemini-2.5-flash:generateContent"));
    ASSERT_TRUE(route) << start;
    EXPECT_EQ(route->endpoint, Endpoint::kGemini);
    EXPECT_EQ(route->model, "gemini-2.5-flash");
    EXPECT_FALSE(route->stream);
  }
  const char* stream = "/v1beta/models/m:streamGenerateContent";
  EXPECT_TRUE(route_of(stream, "sse")->stream);
  EXPECT_EQ(route_of(stream, "sse")->endpoint, Endpoint::kGemini);
  EXPECT_EQ(route_of(stream)->endpoint, Endpoint::kGeminiArray);
}

TEST(Route, KnowsNothingElse) {
  for (const char* path : {"/", "", "/v2/x", "/v1/v1/chat/completions", "/v1/chat",
                           "/openai/deployments//chat/completions", "/openai/deployments/x",
                           "/openai/deployments/x/files", "/v1beta/models/:generateContent",
                           "/v1beta/models/m:countTokens", "/v1beta/models/m", "/v1/messages/"}) {
    EXPECT_FALSE(route_of(path)) << path;
  }
}

}  // namespace
}  // namespace llmq::mock
