// The order of events and the places of usage in the wire forms that are not OpenAI's chat. Their
// members are compared with recordings in recorded_test.cc.
#include <gmock/gmock.h>

#include <vector>

#include "mock/wire.h"
#include "wire_support.h"

namespace llmq::mock {
namespace {

using testing::HasSubstr;

Answer answer_of(Endpoint endpoint, const std::string& body, int64_t tokens) {
  Route route = route_to(endpoint);
  if (endpoint == Endpoint::kGemini || endpoint == Endpoint::kGeminiArray) route.model = "m";
  return make_answer(read_request(route, body), {1, 2, 1'787'150'060'000}, tokens);
}

const std::string kMessages =
    R"({"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"12345678"}]})";

std::vector<std::string> names_of(const std::vector<SseEvent>& events) {
  std::vector<std::string> names;
  for (const SseEvent& event : events) names.push_back(event.name);
  return names;
}

Json json_of(const SseEvent& event) { return Json(cJSON_Parse(event.data.c_str())); }

const cJSON* at(const cJSON* object, std::initializer_list<const char*> path) {
  for (const char* key : path) object = cJSON_GetObjectItemCaseSensitive(object, key);
  return object;
}

TEST(AnthropicStream, HasItsEventsInOrder) {
  const Answer answer = answer_of(Endpoint::kAnthropic, kMessages, 30);
  const auto events = events_of(stream_text(answer, kAnthropic));
  EXPECT_EQ(
      names_of(events),
      (std::vector<std::string>{"message_start", "content_block_start", "ping",
                                "content_block_delta", "content_block_delta", "content_block_delta",
                                "content_block_stop", "message_delta", "message_stop"}));
  std::string text;
  for (const SseEvent& event : events) {
    const Json root = json_of(event);
    EXPECT_EQ(text_at(root.get(), "type"), event.name);
    if (event.name == "content_block_delta") text += text_at(at(root.get(), {"delta"}), "text");
  }
  EXPECT_EQ(text, answer.text);
  const Json start = json_of(events.front());
  EXPECT_EQ(number_at(at(start.get(), {"message", "usage"}), "input_tokens"), 2);
  EXPECT_EQ(number_at(at(start.get(), {"message", "usage"}), "output_tokens"), 1);
  const Json change = json_of(events[events.size() - 2]);
  EXPECT_EQ(text_at(at(change.get(), {"delta"}), "stop_reason"), "max_tokens");
  EXPECT_EQ(number_at(at(change.get(), {"usage"}), "output_tokens"), 9);
}

TEST(GeminiStream, TellsUsageInEveryChunkAndHasNoEndMarker) {
  const Answer answer =
      answer_of(Endpoint::kGemini, R"({"contents":[{"parts":[{"text":"12345678"}]}]})", 30);
  std::string text;
  const auto events = events_of(stream_text(answer, kGemini));
  for (const SseEvent& event : events) {
    const Json root = json_of(event);
    EXPECT_EQ(number_at(at(root.get(), {"usageMetadata"}), "promptTokenCount"), 2);
    const cJSON* candidate = cJSON_GetArrayItem(at(root.get(), {"candidates"}), 0);
    const cJSON* part = cJSON_GetArrayItem(at(candidate, {"content", "parts"}), 0);
    text += text_at(part, "text");
    EXPECT_EQ(text_at(candidate, "finishReason"), &event == &events.back() ? "STOP" : "");
  }
  EXPECT_EQ(text, answer.text);
  const Json last = json_of(events.back());
  EXPECT_EQ(number_at(at(last.get(), {"usageMetadata"}), "candidatesTokenCount"), 30);
  EXPECT_EQ(number_at(at(last.get(), {"usageMetadata"}), "totalTokenCount"), 32);
}

TEST(GeminiRequest, ReadsSystemAndConfig) {
  Route route = route_to(Endpoint::kGemini);
  route.model = "m";
  const ApiRequest request = read_request(route, R"({"systemInstruction":{"parts":{"text":"1234"}},
                 "contents":[{"role":"user","parts":[{"text":"12345678"},{"inlineData":{}}]}],
                 "generationConfig":{"maxOutputTokens":7}})");
  EXPECT_EQ(request.input_tokens, 3);
  EXPECT_EQ(request.max_tokens, 7);
  for (const char* bad :
       {"{}", R"({"contents":[]})", R"({"contents":[7]})", R"({"contents":[{"parts":7}]})"}) {
    EXPECT_TRUE(parse_request(route, bad).problem) << bad;
  }
}

TEST(ResponsesStream, NumbersItsEventsAndEndsWithoutDone) {
  const Answer answer =
      answer_of(Endpoint::kResponses, R"({"model":"m","input":"12345678","stream":true})", 30);
  const auto events = events_of(stream_text(answer, kOpenAi));
  std::string text;
  for (size_t i = 0; i < events.size(); ++i) {
    const Json root = json_of(events[i]);
    EXPECT_EQ(text_at(root.get(), "type"), events[i].name);
    EXPECT_EQ(number_at(root.get(), "sequence_number"), static_cast<double>(i));
    if (events[i].name == "response.output_text.delta") text += text_at(root.get(), "delta");
  }
  EXPECT_EQ(text, answer.text);
  EXPECT_EQ(events.front().name, "response.created");
  EXPECT_EQ(events.back().name, "response.completed");
  const Json last = json_of(events.back());
  EXPECT_EQ(number_at(at(last.get(), {"response", "usage"}), "output_tokens"), 30);
  EXPECT_EQ(text_at(at(last.get(), {"response"}), "status"), "completed");
}

TEST(ResponsesStream, SaysWhenItWasCut) {
  const Answer answer = answer_of(
      Endpoint::kResponses,
      R"({"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],
          "instructions":"1234567","max_output_tokens":5,"stream":true})",
      30);
  EXPECT_EQ(answer.usage.input_tokens, 2);
  const auto events = events_of(stream_text(answer, kOpenAi));
  EXPECT_EQ(events.back().name, "response.incomplete");
  EXPECT_THAT(events.back().data, HasSubstr(R"({"reason":"max_output_tokens"})"));
}

TEST(ResponsesStream, FailsInTwoForms) {
  const Answer answer = answer_of(Endpoint::kResponses, R"({"model":"m","input":"x"})", 3);
  const auto first = events_of(kOpenAiResponses.stream_error(answer, kOpenAi, {}, 0));
  EXPECT_EQ(names_of(first), std::vector<std::string>{"error"});
  EXPECT_THAT(first[0].data, HasSubstr(R"("code":"server_is_overloaded")"));
  const auto later = events_of(kOpenAiResponses.stream_error(answer, kOpenAi, {}, 2));
  EXPECT_EQ(names_of(later), std::vector<std::string>{"response.failed"});
  EXPECT_THAT(later[0].data, HasSubstr(R"("status":"failed","error":{"code":)"));
}

TEST(CohereStream, TellsItsUsageAtTheEnd) {
  const Answer answer = answer_of(Endpoint::kCohere, kMessages, 6);
  const auto events = events_of(stream_text(answer, kCohere));
  EXPECT_EQ(names_of(events),
            (std::vector<std::string>{"message-start", "content-start", "content-delta",
                                      "content-delta", "content-end", "message-end", ""}));
  EXPECT_EQ(events.back().data, "[DONE]");
  const Json end = json_of(events[events.size() - 2]);
  const cJSON* usage = at(end.get(), {"delta", "usage"});
  // The preamble is counted, not billed.
  EXPECT_EQ(number_at(at(usage, {"tokens"}), "input_tokens"), 202);
  EXPECT_EQ(number_at(at(usage, {"billed_units"}), "input_tokens"), 2);
  EXPECT_EQ(number_at(at(usage, {"tokens"}), "output_tokens"), 6);
  EXPECT_EQ(text_at(at(end.get(), {"delta"}), "finish_reason"), "COMPLETE");
}

TEST(OllamaStream, IsOneObjectPerLine) {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"12345678"}]})";
  const Answer answer = answer_of(Endpoint::kOllama, body, 6);
  EXPECT_TRUE(answer.request.stream);  // unless it is told not to
  std::string lines = stream_text(answer, kOllama);
  std::string text;
  int count = 0;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    ASSERT_NE(end, std::string::npos);
    const Json root(cJSON_Parse(lines.substr(0, end).c_str()));
    lines.erase(0, end + 1);
    ++count;
    text += text_at(at(root.get(), {"message"}), "content");
    const bool is_done = cJSON_IsTrue(at(root.get(), {"done"})) != 0;
    EXPECT_EQ(is_done, lines.empty());
    if (!is_done) continue;
    EXPECT_EQ(number_at(root.get(), "prompt_eval_count"), 2);
    EXPECT_EQ(number_at(root.get(), "eval_count"), 6);
    EXPECT_EQ(text_at(root.get(), "done_reason"), "stop");
  }
  EXPECT_EQ(count, 3);
  EXPECT_EQ(text, answer.text);
}

}  // namespace
}  // namespace llmq::mock
