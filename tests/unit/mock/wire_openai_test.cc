// What the OpenAI wire form says, member by member.
#include <gmock/gmock.h>

#include <map>
#include <vector>

#include "mock/answer.h"
#include "mock/models.h"
#include "mock/request.h"
#include "mock/wire.h"
#include "wire_support.h"

namespace llmq::mock {
namespace {

using testing::HasSubstr;

std::string chat(const std::string& members) { return R"({"model":"m",)" + members + "}"; }

ApiRequest good(Endpoint endpoint, const std::string& body) {
  return read_request(route_to(endpoint), body);
}

TEST(ChatRequest, CountsTheCharactersOfAllTexts) {
  const ApiRequest request =
      good(Endpoint::kChat, chat(R"("messages":[{"role":"system","content":"abcd"},
             {"role":"user","content":[{"type":"text","text":"efg"},{"type":"image_url"}]},
             {"role":"assistant","content":null,"tool_calls":[]},{"role":"user","content":"\u20ac"}])"));
  EXPECT_EQ(request.input_tokens, 2);  // 4 + 3 + 1 characters, 10 bytes
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.topic, "\xE2\x82\xAC");
}

TEST(ChatRequest, WantsAsManyAnswersAsItSays) {
  const std::string messages = R"("messages":[{"role":"user","content":"12345678"}])";
  const ApiRequest request = good(Endpoint::kChat, chat(messages + R"(,"max_tokens":20,"n":3)"));
  EXPECT_EQ(request.demand().max_output_tokens, 60);
  const Answer answer = make_answer(request, {1, 2, 0}, 50);
  EXPECT_EQ(answer.usage.output_tokens, 60);
  const Json root(cJSON_Parse(kOpenAiChat.reply(answer, kOpenAi).c_str()));
  const cJSON* choices = cJSON_GetObjectItem(root.get(), "choices");
  ASSERT_EQ(cJSON_GetArraySize(choices), 3);
  EXPECT_EQ(number_at(cJSON_GetArrayItem(choices, 2), "index"), 2);
}

TEST(ChatRequest, AssumesAnAnswerLengthIfNoneIsGiven) {
  const std::string messages = R"("messages":[{"role":"user","content":"12345678"}])";
  const Demand open = good(Endpoint::kChat, chat(messages)).demand();
  EXPECT_EQ(open.input_tokens, 2);
  EXPECT_EQ(open.max_output_tokens, kAssumedMaxTokens);
  const auto most = [&](const std::string& members) {
    return good(Endpoint::kChat, chat(messages + "," + members)).demand().max_output_tokens;
  };
  EXPECT_EQ(most(R"("max_tokens":20)"), 20);
  EXPECT_EQ(most(R"("max_completion_tokens":30)"), 30);
  EXPECT_EQ(most(R"("max_completion_tokens":30,"max_tokens":20)"), 30);
  EXPECT_EQ(most(R"("max_tokens":null)"), kAssumedMaxTokens);
}

TEST(ChatRequest, AllowsSpaceAroundTheBody) {
  good(Endpoint::kChat, " \r\n" + chat(R"("messages":[{"role":"user"}])") + "\n ");
}

struct Bad {
  const char* body;
  const char* message;
};

class BadChat : public testing::TestWithParam<Bad> {};

TEST_P(BadChat, Is400WithTheReason) {
  const ParsedRequest parsed = parse_request(route_to(Endpoint::kChat), GetParam().body);
  ASSERT_TRUE(parsed.problem);
  EXPECT_EQ(parsed.problem->kind, ProblemKind::kBadRequest);
  EXPECT_THAT(parsed.problem->message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadChat,
    testing::Values(
        Bad{"", "parse"}, Bad{"{", "parse"}, Bad{"{} {}", "parse"}, Bad{"[]", "object"},
        Bad{"\"\xFF\"", "UTF-8"}, Bad{R"({"messages":[]})", "model"},
        Bad{R"({"model":7})", "model"}, Bad{R"({"model":""})", "model"},
        Bad{R"({"model":"m"})", "messages"}, Bad{R"({"model":"m","messages":{}})", "messages"},
        Bad{R"({"model":"m","messages":[]})", "messages"},
        Bad{R"({"model":"m","messages":["x"]})", "role"},
        Bad{R"({"model":"m","messages":[{"content":"x"}]})", "role"},
        Bad{R"({"model":"m","messages":[{"role":"user","content":7}]})", "content"},
        Bad{R"({"model":"m","messages":[{"role":"user","content":[7]}]})", "content"},
        Bad{R"({"model":"m","messages":[{"role":"user"}],"max_tokens":0})", "max_tokens"},
        Bad{R"({"model":"m","messages":[{"role":"user"}],"max_tokens":1.5})", "max_tokens"},
        Bad{R"({"model":"m","messages":[{"role":"user"}],"max_tokens":1e12})", "max_tokens"},
        Bad{R"({"model":"m","messages":[{"role":"user"}],"max_tokens":"9"})", "max_tokens"},
        Bad{R"({"model":"m","messages":[{"role":"user"}],"stream_options":{}})",
            "stream_options"}));

TEST(EmbeddingsRequest, CountsItsInputs) {
  const auto read = [](const std::string& input) {
    return good(Endpoint::kEmbeddings, chat(R"("input":)" + input));
  };
  EXPECT_EQ(read(R"("hello")").input_count, 1U);
  EXPECT_EQ(read(R"("hello")").input_tokens, 2);
  EXPECT_EQ(read(R"(["hello","you","x"])").input_count, 3U);
  EXPECT_EQ(read(R"(["hello","you","x"])").input_tokens, 3);
  EXPECT_EQ(read("[1,2,3]").input_count, 1U);
  EXPECT_EQ(read("[1,2,3]").input_tokens, 3);
  EXPECT_EQ(read("[[1,2],[3]]").input_count, 2U);
  EXPECT_EQ(read("[[1,2],[3]]").input_tokens, 3);
  EXPECT_EQ(read("[1]").demand().max_output_tokens, 0);
}

TEST(EmbeddingsRequest, RefusesOtherInputs) {
  for (const char* input : {"7", "null", "[]", "[[]]", "[null]", "[1,\"a\"]", "{}", "[[\"a\"]]"}) {
    const auto parsed =
        parse_request(route_to(Endpoint::kEmbeddings), chat(std::string(R"("input":)") + input));
    ASSERT_TRUE(parsed.problem) << input;
    EXPECT_THAT(parsed.problem->message, HasSubstr("'input'"));
  }
  EXPECT_TRUE(parse_request(route_to(Endpoint::kEmbeddings), R"({"model":"m"})").problem);
}

TEST(ChatReply, HasOpenAisForm) {
  const ApiRequest request =
      good(Endpoint::kChat,
           chat(R"("messages":[{"role":"user","content":"Why \"so\"?"}],"max_tokens":50)"));
  const Answer answer = make_answer(request, {1, 0xabc, 1'700'000'000'123}, 20);
  EXPECT_EQ(answer.usage.input_tokens, 3);
  EXPECT_EQ(answer.usage.output_tokens, 20);

  const Json root(cJSON_Parse(kOpenAiChat.reply(answer, kOpenAi).c_str()));
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(text_at(root.get(), "id"), "chatcmpl-0000000000000001");
  EXPECT_EQ(text_at(root.get(), "object"), "chat.completion");
  EXPECT_EQ(text_at(root.get(), "model"), "m");
  EXPECT_EQ(number_at(root.get(), "created"), 1'700'000'000);
  const cJSON* choice = cJSON_GetArrayItem(cJSON_GetObjectItem(root.get(), "choices"), 0);
  EXPECT_EQ(text_at(choice, "finish_reason"), "stop");
  const cJSON* message = cJSON_GetObjectItem(choice, "message");
  EXPECT_EQ(text_at(message, "role"), "assistant");
  EXPECT_THAT(text_at(message, "content"), HasSubstr("request 0000000000000abc: Why \"so\"?"));
  const cJSON* usage = cJSON_GetObjectItem(root.get(), "usage");
  EXPECT_EQ(number_at(usage, "prompt_tokens"), 3);
  EXPECT_EQ(number_at(usage, "completion_tokens"), 20);
  EXPECT_EQ(number_at(usage, "total_tokens"), 23);
  EXPECT_EQ(number_at(cJSON_GetObjectItem(usage, "prompt_tokens_details"), "cached_tokens"), 0);
}

TEST(ChatReply, IsCutAtMaxTokens) {
  const ApiRequest request =
      good(Endpoint::kChat, chat(R"("messages":[{"role":"user","content":"x"}],"max_tokens":5)"));
  const Answer answer = make_answer(request, {}, 20);
  EXPECT_EQ(answer.usage.output_tokens, 5);
  EXPECT_THAT(kOpenAiChat.reply(answer, kOpenAi), HasSubstr(R"("finish_reason":"length")"));
}

TEST(ChatReply, IsAsLongAsItsTokensSay) {
  const ApiRequest request = good(Endpoint::kChat, chat(R"("messages":[{"role":"user"}])"));
  const Json root(cJSON_Parse(kOpenAiChat.reply(make_answer(request, {}, 500), kOpenAi).c_str()));
  const cJSON* choice = cJSON_GetArrayItem(cJSON_GetObjectItem(root.get(), "choices"), 0);
  const std::string content = text_at(cJSON_GetObjectItem(choice, "message"), "content");
  EXPECT_GE(content.size(), 2000U);
  EXPECT_LE(content.size(), 2016U);
}

TEST(ChatStream, IsTheAnswerInPieces) {
  const ApiRequest request =
      good(Endpoint::kChat,
           chat(R"("messages":[{"role":"user","content":"Zw\u00f6lf \u20ac?"}],"stream":true)"));
  const Answer answer = make_answer(request, {1, 0xabc, 1'700'000'000'123}, 21);
  const std::vector<SseEvent> events = events_of(stream_text(answer, kOpenAi));
  ASSERT_EQ(events.size(),
            1 + 6 + 1 + 1U);  // role, six pieces of four tokens or less, finish, done
  std::string text;
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i].name, "");
    const Json root(cJSON_Parse(events[i].data.c_str()));
    ASSERT_NE(root, nullptr) << events[i].data;
    EXPECT_EQ(text_at(root.get(), "id"), "chatcmpl-0000000000000001");
    EXPECT_EQ(text_at(root.get(), "object"), "chat.completion.chunk");
    EXPECT_EQ(number_at(root.get(), "created"), 1'700'000'000);
    EXPECT_EQ(text_at(root.get(), "model"), "m");
    EXPECT_EQ(cJSON_GetObjectItem(root.get(), "usage"), nullptr);
    const cJSON* choice = cJSON_GetArrayItem(cJSON_GetObjectItem(root.get(), "choices"), 0);
    EXPECT_EQ(number_at(choice, "index"), 0);
    const cJSON* delta = cJSON_GetObjectItem(choice, "delta");
    EXPECT_EQ(text_at(delta, "role"), i == 0 ? "assistant" : "");
    text += text_at(delta, "content");
    const bool is_last = i + 2 == events.size();
    EXPECT_EQ(text_at(choice, "finish_reason"), is_last ? "stop" : "");
    EXPECT_EQ(cJSON_IsNull(cJSON_GetObjectItem(choice, "finish_reason")) != 0, !is_last);
  }
  EXPECT_EQ(text, answer.text);
  EXPECT_EQ(events.back().data, "[DONE]");
}

TEST(ChatStream, TellsItsUsageOnlyIfAsked) {
  const ApiRequest request =
      good(Endpoint::kChat, chat(R"("messages":[{"role":"user","content":"12345678"}],
           "stream":true,"stream_options":{"include_usage":true},"max_tokens":7)"));
  const std::vector<SseEvent> events =
      events_of(stream_text(make_answer(request, {}, 21), kOpenAi));
  ASSERT_GE(events.size(), 4U);
  for (size_t i = 0; i + 2 < events.size(); ++i) {
    const Json root(cJSON_Parse(events[i].data.c_str()));
    EXPECT_TRUE(cJSON_IsNull(cJSON_GetObjectItem(root.get(), "usage"))) << events[i].data;
  }
  const Json last(cJSON_Parse(events[events.size() - 2].data.c_str()));
  EXPECT_EQ(cJSON_GetArraySize(cJSON_GetObjectItem(last.get(), "choices")), 0);
  const cJSON* usage = cJSON_GetObjectItem(last.get(), "usage");
  EXPECT_EQ(number_at(usage, "prompt_tokens"), 2);
  EXPECT_EQ(number_at(usage, "completion_tokens"), 7);
  EXPECT_EQ(number_at(usage, "total_tokens"), 9);
  EXPECT_THAT(events[events.size() - 3].data, HasSubstr(R"("finish_reason":"length")"));
}

TEST(ChatStream, NeverMixesTwoChoicesInAChunk) {
  const ApiRequest request = good(
      Endpoint::kChat, chat(R"("messages":[{"role":"user","content":"x"}],"stream":true,"n":2)"));
  std::map<int, std::string> texts;
  const Answer answer = make_answer(request, {}, 30);
  for (const SseEvent& event : events_of(stream_text(answer, kOpenAi))) {
    if (event.data == "[DONE]") continue;
    const Json root(cJSON_Parse(event.data.c_str()));
    const cJSON* choices = cJSON_GetObjectItem(root.get(), "choices");
    ASSERT_EQ(cJSON_GetArraySize(choices), 1);
    const cJSON* choice = cJSON_GetArrayItem(choices, 0);
    texts[static_cast<int>(number_at(choice, "index"))] +=
        text_at(cJSON_GetObjectItem(choice, "delta"), "content");
  }
  EXPECT_EQ(texts, (std::map<int, std::string>{{0, answer.text}, {1, answer.text}}));
}

TEST(ChatStream, EndsWithTheErrorObject) {
  Problem problem;
  problem.kind = ProblemKind::kServer;
  const std::vector<SseEvent> events = events_of(kOpenAiChat.stream_error({}, kOpenAi, problem, 1));
  ASSERT_EQ(events.size(), 2U);
  const Json root(cJSON_Parse(events[0].data.c_str()));
  EXPECT_EQ(text_at(cJSON_GetObjectItem(root.get(), "error"), "type"), "server_error");
  EXPECT_EQ(events[1].data, "[DONE]");
}

TEST(EmbeddingsReply, HasOneVectorPerInput) {
  const ApiRequest request = good(Endpoint::kEmbeddings, chat(R"("input":["a","b","c"])"));
  const Answer answer = make_answer(request, {1, 2, 3}, 99);
  EXPECT_EQ(answer.usage.output_tokens, 0);
  const Json root(cJSON_Parse(kOpenAiEmbeddings.reply(answer, kOpenAi).c_str()));
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(text_at(root.get(), "object"), "list");
  const cJSON* data = cJSON_GetObjectItem(root.get(), "data");
  ASSERT_EQ(cJSON_GetArraySize(data), 3);
  const cJSON* last = cJSON_GetArrayItem(data, 2);
  EXPECT_EQ(number_at(last, "index"), 2);
  EXPECT_EQ(text_at(last, "object"), "embedding");
  EXPECT_GT(cJSON_GetArraySize(cJSON_GetObjectItem(last, "embedding")), 0);
  const cJSON* usage = cJSON_GetObjectItem(root.get(), "usage");
  EXPECT_EQ(number_at(usage, "total_tokens"), 1);
  EXPECT_EQ(cJSON_GetObjectItem(usage, "completion_tokens"), nullptr);
}

TEST(OpenAiError, HasItsForm) {
  Problem problem;
  problem.message = "No \"such\" thing";
  problem.param = "model";
  const ErrorReply error = kOpenAi.describe(problem);
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.body, R"({"error":{"message":"No \"such\" thing",)"
                        R"("type":"invalid_request_error","param":"model","code":null}})");
}

TEST(ModelsBody, IsAList) {
  const Json root(cJSON_Parse(models_body().c_str()));
  EXPECT_EQ(text_at(root.get(), "object"), "list");
  EXPECT_EQ(cJSON_GetArraySize(cJSON_GetObjectItem(root.get(), "data")), 1);
}

}  // namespace
}  // namespace llmq::mock
