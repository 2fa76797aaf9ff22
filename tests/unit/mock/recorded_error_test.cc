// Errors of the mock beside those of the providers.
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>

#include "recorded_support.h"

namespace llmq::mock {
namespace {

struct ErrorCase {
  const char* name;
  const char* recorded;  // provider in the recordings
  const char* id;
  Asked asked;
};

void PrintTo(const ErrorCase& one, std::ostream* out) { *out << one.name; }

Asked of_provider(const char* provider) {
  Asked asked;
  asked.provider = provider;
  return asked;
}

Asked with_key(Asked asked, std::string_view key) {
  asked.key = key;
  return asked;
}

Asked with_fault(Asked asked, double Options::*fault) {
  asked.fault = fault;
  return asked;
}

// The second call finds one of the limits used up.
Asked refused(Asked asked, const char* limit) {
  asked.limits = {limit};
  asked.calls = 2;
  return asked;
}

Asked too_large(Asked asked) {
  asked.limits = {"tokens=5/1m"};
  return asked;
}

Asked anthropic() {
  Asked asked;
  asked.path = "/v1/messages";
  asked.body = kMessagesBody;
  return asked;
}

Asked gemini() {
  Asked asked;
  asked.path = "/v1beta/models/m:generateContent";
  asked.body = kGeminiBody;
  return asked;
}

Asked at(const char* path) {
  Asked asked;
  asked.path = path;
  return asked;
}

std::vector<ErrorCase> error_cases() {
  constexpr const char* kOne = "requests=1/1m";
  const Asked cohere = at("/v2/chat");
  const Asked ollama = at("/api/chat");
  return {
      {"OpenAiTokens", "openai", "openai-010-429-tpm-no-headers",
       refused(of_provider("openai"), "tokens=300/1m")},
      {"OpenAiQuota", "openai", "openai-013-insufficient-quota",
       with_key(of_provider("openai"), "quota")},
      {"OpenAiTooLarge", "openai", "openai-015-request-too-large",
       too_large(of_provider("openai"))},
      {"OpenAiKey", "openai", "openai-016-401", with_key(of_provider("openai"), "invalid")},
      {"OpenAiOverloaded", "openai", "openai-019-503-overloaded",
       with_fault(of_provider("openai"), &Options::fail_overloaded)},
      {"OpenAiServer", "openai", "openai-021-500",
       with_fault(of_provider("openai"), &Options::fail_server)},
      {"Azure", "azure", "azure-007-429-text-only", refused(of_provider("azure"), kOne)},
      {"AzureKey", "azure", "azure-008-401", with_key(of_provider("azure"), "invalid")},
      {"AzureDemand", "azure", "azure-013-high-demand",
       with_fault(of_provider("azure"), &Options::fail_overloaded)},
      {"Anthropic", "anthropic", "anthropic-004-429", refused(anthropic(), kOne)},
      {"AnthropicMoney", "anthropic", "anthropic-009-credit-400", with_key(anthropic(), "quota")},
      {"AnthropicKey", "anthropic", "anthropic-012-401", with_key(anthropic(), "invalid")},
      {"Gemini", "gemini", "gemini-002-429-tpm", refused(gemini(), "input_tokens=4/1m")},
      {"GeminiOverloaded", "gemini", "gemini-007-503",
       with_fault(gemini(), &Options::fail_overloaded)},
      {"GeminiKey", "gemini", "gemini-008-bad-key-is-400", with_key(gemini(), "invalid")},
      {"GeminiMoney", "gemini", "gemini-012-prepay-429", with_key(gemini(), "quota")},
      {"Mistral", "mistral", "mistral-003-429", refused(of_provider("mistral"), kOne)},
      {"MistralCapacity", "mistral", "mistral-005-capacity",
       with_fault(of_provider("mistral"), &Options::fail_overloaded)},
      {"MistralKey", "mistral", "mistral-008-401", with_key(of_provider("mistral"), "invalid")},
      {"Groq", "groq", "groq-004-429-hidden-rpm", refused(of_provider("groq"), kOne)},
      {"GroqTooLarge", "groq", "groq-005-413-with-retry-after", too_large(of_provider("groq"))},
      {"GroqFlex", "groq", "groq-009-flex-498",
       with_fault(of_provider("groq"), &Options::fail_overloaded)},
      {"Cohere", "cohere", "cohere-002-429-minute", refused(cohere, kOne)},
      {"CohereMonth", "cohere", "cohere-003-429-month", with_key(cohere, "quota")},
      {"CohereKey", "cohere", "cohere-005-401", with_key(cohere, "invalid")},
      {"Together", "together", "together-002-429-credit-limit",
       refused(of_provider("together"), kOne)},
      {"TogetherOverloaded", "together", "together-006-503-below-rate",
       with_fault(of_provider("together"), &Options::fail_overloaded)},
      {"Fireworks", "fireworks", "fireworks-002-429", refused(of_provider("fireworks"), kOne)},
      {"FireworksOverloaded", "fireworks", "fireworks-003-503",
       with_fault(of_provider("fireworks"), &Options::fail_overloaded)},
      {"FireworksMoney", "fireworks", "fireworks-004-412",
       with_key(of_provider("fireworks"), "quota")},
      {"DeepSeekMoney", "deepseek", "deepseek-003-402", with_key(of_provider("deepseek"), "quota")},
      {"DeepSeek", "deepseek", "deepseek-004-429-concurrency",
       refused(of_provider("deepseek"), kOne)},
      {"DeepSeekOverloaded", "deepseek", "deepseek-005-503",
       with_fault(of_provider("deepseek"), &Options::fail_overloaded)},
      {"DeepSeekKey", "deepseek", "deepseek-007-401", with_key(of_provider("deepseek"), "invalid")},
      {"Xai", "xai", "xai-002-429", refused(of_provider("xai"), "requests=1/1s")},
      {"XaiMoney", "xai", "xai-003-free-exhausted", with_key(of_provider("xai"), "quota")},
      {"XaiKey", "xai", "xai-005-bad-key-400", with_key(of_provider("xai"), "invalid")},
      {"OpenRouter", "openrouter", "openrouter-003-429-minute",
       refused(of_provider("openrouter"), kOne)},
      {"OpenRouterKey", "openrouter", "openrouter-006-401",
       with_key(of_provider("openrouter"), "invalid")},
      {"OpenRouterMoney", "openrouter", "openrouter-007-402",
       with_key(of_provider("openrouter"), "quota")},
      {"OllamaBusy", "ollama", "ollama-002-busy", with_fault(ollama, &Options::fail_overloaded)},
      {"LlamaCppLoading", "llamacpp", "llamacpp-001-loading",
       with_fault(of_provider("llamacpp"), &Options::fail_overloaded)},
      {"LlamaCppKey", "llamacpp", "llamacpp-003-401", with_key(of_provider("llamacpp"), "invalid")},
  };
}

class RecordedError : public RecordedAnswers, public testing::WithParamInterface<ErrorCase> {};

TEST_P(RecordedError, HasTheSameStatusAndMembers) {
  const ErrorCase& one = GetParam();
  const Heard told = ask(one.asked);
  const auto recorded = std::find_if(all_.begin(), all_.end(),
                                     [&](const Recorded& other) { return other.id == one.id; });
  ASSERT_NE(recorded, all_.end());
  EXPECT_EQ(told.status, recorded->status);
  EXPECT_EQ(shape_of(told.body), shape_of(recorded->body)) << told.body << recorded->body;
  // A recording may have lost its header lines, but what it has the mock has too.
  for (const auto& [name, format] : recorded->lines) {
    if (name.find("ratelimit") != std::string::npos) continue;  // the limits are others here
    if (name.find("retry-after") != std::string::npos && told.lines.count(name) == 0) {
      ADD_FAILURE_AT(__FILE__, __LINE__) << name << " is missing";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Providers, RecordedError, testing::ValuesIn(error_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace llmq::mock
