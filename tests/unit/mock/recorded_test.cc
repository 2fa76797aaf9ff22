// Successes and streams of the mock beside those of the providers.
#include <gmock/gmock.h>

#include <ostream>

#include "recorded_support.h"

namespace llmq::mock {
namespace {

// What of the first is not in the second and not excepted.
Members beyond(const Members& all, const Members& known, const Members& excepted) {
  Members rest;
  for (const std::string& one : all) {
    if (known.count(one) == 0 && excepted.count(one) == 0) rest.insert(one);
  }
  return rest;
}

struct Case {
  const char* name;
  const char* provider;  // in the recordings
  std::set<std::string> ids;
  Asked asked;
  // What was recorded and this mock does not do, each for a reason that stands in its line.
  Members not_modelled;
  // What the mock says beyond the recordings, which are shortened.
  Members not_recorded;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

Case chat_case(const char* name, const char* recorded, const char* provider, const char* id) {
  Case one{name, recorded, {id}, {}, {}, {".created:number"}};
  one.asked.provider = provider;
  return one;
}

std::vector<Case> json_cases() {
  // Parts of the tokens that a text-only mock does not have.
  const Members parts{".usage.prompt_tokens_details.audio_tokens:number",
                      ".usage.prompt_tokens_details.text_tokens:number"};
  std::vector<Case> cases{
      chat_case("OpenAi", "openai", "openai", "openai-001"),
      chat_case("AzureMs", "azure", "azure", "azure-002-milliseconds"),
      chat_case("Mistral", "mistral", "mistral", "mistral-001"),
      chat_case("Groq", "groq", "groq", "groq-001"),
      chat_case("Together", "together", "together", "together-005-retry-after-on-200"),
      chat_case("Fireworks", "fireworks", "fireworks", "fireworks-001"),
      chat_case("DeepSeek", "deepseek", "deepseek", "deepseek-001-leading-newlines"),
      chat_case("OpenRouter", "openrouter", "openrouter", "openrouter-001"),
      chat_case("Vllm", "vllm", "vllm", "vllm-001"),
  };
  for (Case& one : cases) {
    one.not_modelled = parts;
    one.not_modelled.insert(".usage.service_tier:text");
    one.not_modelled.insert(".usage.prompt_tokens_details.cache_write_tokens:number");
    // Details that every answer of the mock has and some recordings leave out.
    for (const char* more :
         {".usage.prompt_tokens_details:object", ".usage.completion_tokens_details:object",
          ".usage.prompt_tokens_details.cached_tokens:number",
          ".usage.completion_tokens_details.reasoning_tokens:number"}) {
      one.not_recorded.insert(more);
    }
  }
  cases[5].asked.limits = {"input_tokens=11250000/1m", "output_tokens=216000/1m"};

  Case embeddings{"Embeddings", "openai", {"openai-006-embeddings-0s"}, {}, {}, {}};
  embeddings.asked.path = "/v1/embeddings";
  embeddings.asked.body = R"({"model":"m","input":["hello there"]})";
  cases.push_back(embeddings);

  Case responses{"Responses", "openai", {"openai-004-responses"}, {}, {}, {}};
  responses.asked.path = "/v1/responses";
  responses.asked.body = R"({"model":"m","input":"hello there"})";
  responses.not_recorded = {".created_at:number",
                            ".incomplete_details:null",
                            ".output[].id:text",
                            ".output[].status:text",
                            ".output[].content[].annotations:array",
                            ".usage.input_tokens_details.cache_write_tokens:number"};
  cases.push_back(responses);

  Case anthropic{"Anthropic", "anthropic", {"anthropic-001"}, {}, {}, {".stop_sequence:null"}};
  anthropic.asked.path = "/v1/messages";
  anthropic.asked.body = kMessagesBody;
  anthropic.asked.limits = kThreeLimits;
  cases.push_back(anthropic);

  Case gemini{"Gemini", "gemini", {"gemini-001-success"}, {}, {}, {".responseId:text"}};
  gemini.asked.path = "/v1beta/models/m:generateContent";
  gemini.asked.body = kGeminiBody;
  // 0, and so left out.
  gemini.not_modelled = {".usageMetadata.cachedContentTokenCount:number",
                         ".usageMetadata.thoughtsTokenCount:number",
                         ".usageMetadata.serviceTier:text"};
  cases.push_back(gemini);

  Case cohere{"Cohere", "cohere", {"cohere-001"}, {}, {}, {}};
  cohere.asked.path = "/v2/chat";
  cohere.not_modelled = {".usage.tokens.reasoning_tokens:number"};
  cases.push_back(cohere);

  Case ollama{"Ollama", "ollama", {"ollama-001-native"}, {}, {}, {".created_at:text"}};
  ollama.asked.path = "/api/chat";
  ollama.asked.body =
      R"({"model":"m","stream":false,"messages":[{"role":"user","content":"hello there"}]})";
  cases.push_back(ollama);
  return cases;
}

class RecordedJson : public RecordedAnswers, public testing::WithParamInterface<Case> {};

TEST_P(RecordedJson, HasTheSameMembersAndHeaderLines) {
  const Case& one = GetParam();
  const Heard told = ask(one.asked);
  ASSERT_EQ(told.status, 200) << told.body;
  const Members mine = shape_of(told.body);
  for (const Recorded& recorded : of(one.provider, "success")) {
    if (one.ids.count(recorded.id) == 0) continue;
    SCOPED_TRACE(recorded.id);
    const Members theirs = shape_of(recorded.body);
    EXPECT_THAT(beyond(theirs, mine, one.not_modelled), testing::IsEmpty()) << told.body;
    EXPECT_THAT(beyond(mine, theirs, one.not_recorded), testing::IsEmpty()) << recorded.body;
    for (const auto& [name, format] : recorded.lines) {
      // Retry-After on a 200 says nothing; see the facts.
      if (name == "retry-after" || name == "x-ratelimit-key") continue;
      EXPECT_THAT(told.lines, testing::Contains(testing::Pair(name, format)));
    }
    for (const auto& [name, format] : told.lines) {
      if (one.ids.count("together-005-retry-after-on-200") > 0) break;  // recorded without
      EXPECT_EQ(recorded.lines.count(name), 1U) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Providers, RecordedJson, testing::ValuesIn(json_cases()),
                         [](const auto& instance) { return instance.param.name; });

std::vector<Case> stream_cases() {
  std::vector<Case> cases{
      chat_case("OpenAi", "openai", "openai", "openai-026-stream-usage-chunk"),
      chat_case("Azure", "azure", "azure", "azure-010-stream"),
      chat_case("Mistral", "mistral", "mistral", "mistral-006-stream-no-headers"),
      chat_case("Groq", "groq", "groq", "groq-007-stream"),
      chat_case("DeepSeek", "deepseek", "deepseek", "deepseek-002-stream-keepalive"),
      chat_case("Together", "together", "together", "together-004-stream"),
  };
  for (Case& one : cases) {
    one.asked.body = R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";
    one.not_recorded.insert({".model:text", ".usage.prompt_tokens_details:object",
                             ".usage.prompt_tokens_details.cached_tokens:number",
                             ".usage.completion_tokens_details:object",
                             ".usage.completion_tokens_details.reasoning_tokens:number"});
    for (const char* inner : {"x_groq.usage"}) {
      const std::string usage = std::string(".") + inner;
      for (const char* more :
           {".prompt_tokens_details:object", ".prompt_tokens_details.cached_tokens:number",
            ".completion_tokens_details:object",
            ".completion_tokens_details.reasoning_tokens:number", ".prompt_time:number",
            ".completion_time:number", ".total_time:number"}) {
        one.not_recorded.insert(usage + more);
      }
    }
    one.not_modelled = {".usage.prompt_tokens_details.audio_tokens:number",
                        ".p:text",      // padding
                        ".usage:null",  // only where usage is asked for
                        ".choices[].text:text",
                        ".choices[].delta.token_id:number",
                        ".choices[].seed:number"};
  }
  for (const size_t asks : {0U, 1U}) {
    cases[asks].asked.body =
        R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,)"
        R"("stream_options":{"include_usage":true}})";
    cases[asks].not_modelled.erase(".usage:null");
  }

  Case responses{"Responses", "openai", {"openai-023-responses-stream"}, {}, {}, {}};
  responses.asked.path = "/v1/responses";
  responses.asked.body = R"({"model":"m","input":"hi","stream":true})";
  cases.push_back(responses);
  Case anthropic{"Anthropic", "anthropic", {"anthropic-003-retry-after-on-200-stream"}, {}, {}, {}};
  anthropic.asked.path = "/v1/messages";
  anthropic.asked.body = kMessagesBody;
  anthropic.asked.body.insert(1, R"("stream":true,)");
  anthropic.asked.limits = kThreeLimits;
  anthropic.not_recorded = {"message_start.message.model:text",
                            "message_start.message.stop_sequence:null"};
  cases.push_back(anthropic);
  Case gemini{"Gemini", "gemini", {"gemini-011-stream"}, {}, {}, {}};
  gemini.asked.path = "/v1beta/models/m:streamGenerateContent";
  gemini.asked.body = kGeminiBody;
  gemini.not_recorded = {".candidates[].index:number", ".modelVersion:text", ".responseId:text"};
  cases.push_back(gemini);
  Case cohere{"Cohere", "cohere", {"cohere-006-stream"}, {}, {}, {}};
  cohere.asked.path = "/v2/chat";
  cohere.asked.body = cases[3].asked.body;
  cases.push_back(cohere);
  return cases;
}

class RecordedStream : public RecordedAnswers, public testing::WithParamInterface<Case> {};

// Events that the recording leaves out are not compared; of those that it has, all members are.
Members of_recorded_events(const Members& shape, const Members& theirs) {
  std::set<std::string> names;
  for (const std::string& path : theirs) names.insert(path.substr(0, path.find_first_of(".:")));
  Members some;
  for (const std::string& path : shape) {
    if (names.count(path.substr(0, path.find_first_of(".:"))) > 0) some.insert(path);
  }
  return some;
}

TEST_P(RecordedStream, HasTheSameMembers) {
  const Case& one = GetParam();
  const Heard told = ask(one.asked);
  ASSERT_EQ(told.status, 200) << told.body;
  const Members mine = shape_of_stream(told.body);
  for (const Recorded& recorded : of(one.provider, "stream")) {
    if (one.ids.count(recorded.id) == 0) continue;
    SCOPED_TRACE(recorded.id);
    const Members theirs = shape_of_stream(recorded.body);
    EXPECT_THAT(beyond(theirs, mine, one.not_modelled), testing::IsEmpty()) << told.body;
    if (std::string_view(one.name) == "Responses") continue;  // its recording is cut to the bone
    EXPECT_THAT(beyond(of_recorded_events(mine, theirs), theirs, one.not_recorded),
                testing::IsEmpty())
        << recorded.body;
    EXPECT_EQ(told.body.find("[DONE]") == std::string::npos,
              recorded.body.find("[DONE]") == std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Providers, RecordedStream, testing::ValuesIn(stream_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace llmq::mock
