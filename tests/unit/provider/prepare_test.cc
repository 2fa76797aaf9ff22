// Payloads on their way to the wire: operations, models, and bodies that pass as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "provider/request.h"

namespace llmq::provider {
namespace {

using ::testing::HasSubstr;

Endpoint endpoint(std::string_view provider, std::string_view base_url = "https://h",
                  std::string_view deployment = "") {
  const Profile* const profile = find_profile(provider);
  return {profile, base_url, "in-llmq", deployment, profile->api_version};
}

core::Result<Prepared> prepared(std::string_view provider, Operation operation,
                                std::string_view payload, bool stream = false) {
  return prepare(endpoint(provider), operation, payload, stream, 7);
}

TEST(Prepare, BodiesOfTheWiresOwnFormPassByteForByte) {
  const std::string_view odd = R"( {"model":"m", "seed":9007199254740993 , "messages":[] } )";
  for (const Profile& profile : profiles()) {
    if (profile.wire != Wire::kOpenAi) continue;
    const auto made = prepared(profile.name, Operation::kChat, odd);
    ASSERT_TRUE(made) << profile.name;
    EXPECT_FALSE(made.value().body) << profile.name;
  }
  EXPECT_FALSE(prepared("anthropic", Operation::kMessages, odd).value().body);
  EXPECT_FALSE(prepared("openai", Operation::kResponses, odd).value().body);
  for (const char* provider : {"anthropic", "gemini", "cohere", "ollama", "openai"}) {
    const auto made = prepared(provider, Operation::kCustom, odd);
    ASSERT_TRUE(made) << provider;
    EXPECT_FALSE(made.value().body) << provider;
  }
}

TEST(Prepare, AnOperationThatAWireDoesNotHaveIsNamed) {
  const auto refused = [](const char* provider, Operation operation, const char* name) {
    const auto made = prepared(provider, operation, "{}");
    ASSERT_FALSE(made) << provider;
    EXPECT_EQ(made.error().code, core::Status::kUnsupported);
    EXPECT_EQ(made.error().key, "operation");
    EXPECT_THAT(made.error().message, HasSubstr(provider));
    EXPECT_THAT(made.error().message, HasSubstr(name));
  };
  refused("anthropic", Operation::kEmbeddings, "embeddings");
  refused("anthropic", Operation::kResponses, "responses");
  refused("openai", Operation::kMessages, "messages");
  refused("gemini", Operation::kMessages, "messages");
  refused("gemini", Operation::kResponses, "responses");
  refused("cohere", Operation::kResponses, "responses");
  refused("mistral", Operation::kResponses, "responses");
  refused("deepseek", Operation::kEmbeddings, "embeddings");
  refused("bedrock", Operation::kChat, "chat");
}

TEST(Prepare, WhatTheWireCannotSayIsAnErrorThatNamesIt) {
  const auto made = prepared("anthropic", Operation::kChat,
                             R"({"messages":[{"role":"user","content":"hi"}],"seed":1})");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, core::Status::kUnsupported);
  EXPECT_EQ(made.error().key, "payload");
  EXPECT_THAT(made.error().message, HasSubstr("seed"));
  EXPECT_THAT(made.error().message, HasSubstr("anthropic"));
}

TEST(Prepare, UrlsNameTheDeploymentThenTheBodysModelThenTheNameInLlmq) {
  const auto model_of = [](const Endpoint& to, std::string_view payload) {
    const auto made = prepare(to, Operation::kChat, payload, false, 0);
    return made ? made.value().model : made.error().message;
  };
  const char* const says = R"({"model":"said","messages":[{"role":"user","content":"x"}]})";
  const char* const silent = R"({"messages":[{"role":"user","content":"x"}]})";
  EXPECT_EQ(model_of(endpoint("azure", "https://r.openai.azure.com", "dep"), says), "dep");
  EXPECT_EQ(model_of(endpoint("azure", "https://r.openai.azure.com"), says), "said");
  EXPECT_EQ(model_of(endpoint("azure", "https://r.openai.azure.com"), silent), "in-llmq");
  EXPECT_EQ(model_of(endpoint("azure", "https://r.openai.azure.com/openai/v1"), says), "");
  EXPECT_EQ(model_of(endpoint("gemini"), says), "said");
  EXPECT_EQ(model_of(endpoint("openai"), says), "");
  EXPECT_THAT(model_of(endpoint("gemini"),
                       R"({"model":"../up","messages":[{"role":"user","content":"x"}]})"),
              HasSubstr("../up"));
}

TEST(Prepare, TranslatedBodiesNameAModelAlways) {
  const char* const silent = R"({"messages":[{"role":"user","content":"x"}]})";
  EXPECT_THAT(*prepared("anthropic", Operation::kChat, silent).value().body,
              HasSubstr(R"("model":"in-llmq")"));
  EXPECT_THAT(*prepare(endpoint("cohere", "https://h", "dep"), Operation::kChat, silent, false, 0)
                   .value()
                   .body,
              HasSubstr(R"("model":"dep")"));
}

TEST(Prepare, ABodyOfOpenAisFormThatNamesNoModelGetsTheModelsName) {
  const char* const silent = R"({ "seed": 9007199254740993, "messages": [] })";
  EXPECT_EQ(prepared("openai", Operation::kChat, silent).value().body,
            R"({"model":"in-llmq","seed":9007199254740993,"messages":[]})");
  EXPECT_EQ(prepared("openai", Operation::kChat, "{}").value().body, R"({"model":"in-llmq"})");
  EXPECT_EQ(prepare(endpoint("openai", "https://h", "dep"), Operation::kEmbeddings,
                    R"({"input":"x"})", false, 0)
                .value()
                .body,
            R"({"model":"dep","input":"x"})");
  // What names one stays, whatever it is, and so do bodies for those who say it in the URL.
  EXPECT_FALSE(prepared("openai", Operation::kChat, R"({"model":null})").value().body);
  EXPECT_FALSE(prepared("openai", Operation::kResponses, silent).value().body);
  EXPECT_FALSE(prepare(endpoint("azure", "https://n.openai.azure.com", "dep"), Operation::kChat,
                       silent, false, 0)
                   .value()
                   .body);
}

TEST(Prepare, EstimatesBodiesOfEveryForm) {
  const auto estimate = [](const char* provider, Operation operation, const char* payload) {
    return prepared(provider, operation, payload).value().estimate;
  };
  // 40 bytes of text and what frames a call: 14 tokens.
  const std::string text(40, 'x');
  const auto seen = [&](const char* provider, Operation operation, std::string payload) {
    payload.replace(payload.find("TEXT"), 4, text);
    return estimate(provider, operation, payload.c_str());
  };
  const Estimate all[] = {
      seen("openai", Operation::kChat,
           R"({"max_tokens":50,"messages":[{"role":"user","content":"TEXT"}]})"),
      seen("anthropic", Operation::kChat,
           R"({"max_tokens":50,"messages":[{"role":"user","content":"TEXT"}]})"),
      seen("anthropic", Operation::kMessages,
           R"({"model":"m","max_tokens":50,"messages":[{"role":"user","content":[
              {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
              {"type":"text","text":"TEXT"}]}]})"),
      seen("gemini", Operation::kCustom,
           R"({"contents":[{"role":"user","parts":[{"text":"TEXT"},
              {"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}],
              "generationConfig":{"maxOutputTokens":50}})"),
      seen("openai", Operation::kResponses,
           R"({"model":"m","input":"TEXT","max_output_tokens":50})"),
      seen("cohere", Operation::kCustom,
           R"({"model":"m","messages":[{"role":"user","content":"TEXT"}],"max_tokens":50})"),
      seen("ollama", Operation::kCustom,
           R"({"model":"m","messages":[{"role":"user","content":"TEXT","images":["AAAA"]}],
              "options":{"num_predict":50}})"),
  };
  for (const Estimate& one : all) {
    EXPECT_EQ(one.input_tokens, 14);
    EXPECT_EQ(one.output_tokens, 50);
    EXPECT_FALSE(one.output_is_default);
  }
  const Estimate unsaid =
      estimate("gemini", Operation::kCustom, R"({"contents":[{"parts":[{"text":"hi"}]}]})");
  EXPECT_EQ(unsaid.output_tokens, 7);
  EXPECT_TRUE(unsaid.output_is_default);
  const Estimate twice = estimate("gemini", Operation::kCustom,
                                  R"({"contents":[],"generationConfig":{"maxOutputTokens":50,
                                      "candidateCount":2}})");
  EXPECT_EQ(twice.output_tokens, 100);
}

}  // namespace
}  // namespace llmq::provider
