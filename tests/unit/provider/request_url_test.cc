#include "provider/request_url.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

std::string url_of(std::string_view provider, std::string_view base_url, Operation operation,
                   std::string_view model = "m", bool stream = false,
                   std::string_view api_version = "") {
  return request_url({find_profile(provider), base_url, "in-llmq", "", api_version}, operation,
                     model, stream);
}

TEST(RequestUrl, Anthropic) {
  EXPECT_EQ(url_of("anthropic", "https://h/v1", Operation::kChat), "https://h/v1/messages");
  EXPECT_EQ(url_of("anthropic", "https://h/", Operation::kMessages), "https://h/v1/messages");
}

TEST(RequestUrl, GeminiNamesModelAndMethod) {
  const char* const base = "https://h/v1beta";
  EXPECT_EQ(url_of("gemini", base, Operation::kChat, "gemini-2.5-flash"),
            "https://h/v1beta/models/gemini-2.5-flash:generateContent");
  EXPECT_EQ(url_of("gemini", "https://h", Operation::kChat, "gemini-2.5-flash", true),
            "https://h/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  EXPECT_EQ(url_of("gemini", base, Operation::kEmbeddings, "models/e"),
            "https://h/v1beta/models/e:batchEmbedContents");
  EXPECT_EQ(url_of("gemini", base, Operation::kCustom, "tunedModels/t"),
            "https://h/v1beta/tunedModels/t:generateContent");
  EXPECT_EQ(url_of("gemini", base, Operation::kChat, "a b?#"),
            "https://h/v1beta/models/a%20b%3F%23:generateContent");
}

TEST(RequestUrl, AzureByDeployment) {
  const std::string_view version = "2024-10-21";
  const auto url = [&](std::string_view base_url, Operation operation) {
    return url_of("azure", base_url, operation, "dep", false, version);
  };
  const std::string chat =
      "https://r.openai.azure.com/openai/deployments/dep/chat/completions?api-version=2024-10-21";
  EXPECT_EQ(url("https://r.openai.azure.com", Operation::kChat), chat);
  EXPECT_EQ(url("https://r.openai.azure.com/", Operation::kChat), chat);
  EXPECT_EQ(url("https://r.openai.azure.com/openai", Operation::kChat), chat);
  EXPECT_EQ(url("https://r.openai.azure.com/openai/deployments/dep", Operation::kChat), chat);
  EXPECT_EQ(url("https://r.openai.azure.com", Operation::kEmbeddings),
            "https://r.openai.azure.com/openai/deployments/dep/embeddings?api-version=2024-10-21");
  EXPECT_EQ(url("https://r.openai.azure.com", Operation::kResponses),
            "https://r.openai.azure.com/openai/responses?api-version=2024-10-21");
}

TEST(RequestUrl, AzureInItsOtherForms) {
  EXPECT_EQ(url_of("azure", "https://r.openai.azure.com/openai/v1/", Operation::kChat, "", false,
                   "2024-10-21"),
            "https://r.openai.azure.com/openai/v1/chat/completions");
  EXPECT_EQ(url_of("azure", "https://r.services.ai.azure.com", Operation::kChat, "", false, "V"),
            "https://r.services.ai.azure.com/models/chat/completions?api-version=V");
  EXPECT_EQ(url_of("azure", "https://r.services.ai.azure.com/models", Operation::kEmbeddings, "",
                   false, "V"),
            "https://r.services.ai.azure.com/models/embeddings?api-version=V");
}

TEST(RequestUrl, CohereAndOllama) {
  EXPECT_EQ(url_of("cohere", "https://h/v2", Operation::kChat), "https://h/v2/chat");
  EXPECT_EQ(url_of("cohere", "https://h", Operation::kEmbeddings), "https://h/v2/embed");
  EXPECT_EQ(url_of("ollama", "http://127.0.0.1:11434", Operation::kChat),
            "http://127.0.0.1:11434/api/chat");
  EXPECT_EQ(url_of("ollama", "http://127.0.0.1:11434/api/", Operation::kEmbeddings),
            "http://127.0.0.1:11434/api/embed");
}

TEST(RequestUrl, OpenAisPathsForTheRest) {
  EXPECT_EQ(url_of("groq", "https://h/openai/v1", Operation::kChat),
            "https://h/openai/v1/chat/completions");
  EXPECT_EQ(url_of("openai", "https://h", Operation::kResponses), "https://h/v1/responses");
  EXPECT_EQ(url_of("openai", "https://h/v1", Operation::kCustom), "https://h/v1/chat/completions");
  EXPECT_EQ(url_of("openai-compatible", "https://h/inference/chat/completions", Operation::kChat),
            "https://h/inference/chat/completions");
}

}  // namespace
}  // namespace llmq::provider
