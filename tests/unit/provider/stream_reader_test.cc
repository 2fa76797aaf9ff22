#include "provider/stream_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/policy/retry.h"

namespace llmq::provider {
namespace {

using core::Status;
using ::testing::HasSubstr;

struct Read {
  Outcome outcome;
  std::vector<StreamEvent> events;
  std::string assembled;
  int64_t output_tokens = 0;
  bool output_begun = false;
  bool ended_before_the_bytes_did = false;
};

Read read(const char* provider, std::string_view body, size_t portion = 1'000'000,
          Operation operation = Operation::kChat, int http_status = 200,
          std::vector<Header> headers = {}) {
  StreamReader reader(*find_profile(provider), operation);
  Read read;
  for (size_t at = 0; at < body.size(); at += portion) {
    reader.feed(body.substr(at, portion), read.events);
  }
  read.ended_before_the_bytes_did = reader.ended();
  read.outcome = reader.finish({http_status, std::move(headers), ""}, 0, read.events);
  read.output_tokens = reader.output_tokens();
  read.output_begun = reader.output_begun();
  read.assembled = reader.take_assembled();
  return read;
}

constexpr const char* kChat =
    "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\"}\n\n"
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
    "\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"abc\"}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"function\":{\"arguments\":\"1}\"}}]}}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,"
    "\"total_tokens\":17,\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\n"
    "data: [DONE]\n\n";

TEST(StreamReader, ReadsChat) {
  const Read got = read("openai", kChat);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_TRUE(got.outcome.usage_known);
  EXPECT_EQ(got.outcome.usage.input_tokens, 12);
  EXPECT_EQ(got.outcome.usage.output_tokens, 5);
  EXPECT_EQ(got.outcome.usage.cached_input_tokens, 8);
  EXPECT_EQ(got.output_tokens, 5);
  EXPECT_TRUE(got.ended_before_the_bytes_did);
  ASSERT_EQ(got.events.size(), 9u);
  const std::vector<bool> output{false, false, true, true, true, true, true, false, false};
  for (size_t i = 0; i < output.size(); ++i) EXPECT_EQ(got.events[i].output, output[i]) << i;
  EXPECT_EQ(
      got.assembled,
      R"({"id":"c","created":5,"model":"m","usage":{"prompt_tokens":12,"completion_tokens":5,)"
      R"("total_tokens":17,"prompt_tokens_details":{"cached_tokens":8}},"choices":[{"index":0,)"
      R"("finish_reason":"stop","message":{"role":"assistant","content":"Hello",)"
      R"("tool_calls":[{"id":"t1","type":"function","function":{"name":"f",)"
      R"("arguments":"{\"a\":1}"}}]}}],"object":"chat.completion"})");
}

TEST(StreamReader, TellsTheSameForEverySplit) {
  const Read whole = read("openai", kChat);
  for (size_t portion = 1; portion < 40; ++portion) {
    const Read got = read("openai", kChat, portion);
    EXPECT_EQ(got.outcome.status, Status::kOk);
    EXPECT_EQ(got.assembled, whole.assembled) << portion;
    ASSERT_EQ(got.events.size(), whole.events.size()) << portion;
    for (size_t i = 0; i < got.events.size(); ++i) {
      EXPECT_EQ(got.events[i].data, whole.events[i].data);
      EXPECT_EQ(got.events[i].output, whole.events[i].output);
    }
  }
}

// A stream cut anywhere before its end marker is whole is a failure that may be tried again.
TEST(StreamReader, NeverTakesACutStreamForAWholeOne) {
  const std::string_view whole = kChat;
  const size_t end = whole.find("[DONE]") + 6;
  for (size_t length = 0; length < whole.size(); ++length) {
    const Read got = read("openai", whole.substr(0, length));
    EXPECT_EQ(got.outcome.status, length < end ? Status::kTransport : Status::kOk) << length;
    if (length < end) {
      EXPECT_EQ(got.outcome.error_name, "truncated");
    }
  }
}

TEST(StreamReader, SaysWhatIsMissing) {
  const Read got = read("openai", "data: {\"choices\":[{\"delta\":{\"content\":\"par\"}}]}\n\n");
  EXPECT_EQ(got.outcome.message, "the stream ended after 1 events without [DONE]");
  EXPECT_TRUE(got.output_begun);
  EXPECT_EQ(got.output_tokens, 1);
  EXPECT_FALSE(got.outcome.usage_known);
  EXPECT_THAT(read("openai", "data: {\"choices\":[{\"ind").outcome.message, HasSubstr("cut off"));
  EXPECT_EQ(read("openai", "data: [DONE]\n\n").outcome.status, Status::kTransport);
}

struct Failing {
  const char* provider;
  const char* body;
  Status status;
  const char* name;
  int64_t wait_ms;
  bool output;
};

TEST(StreamReader, SeesErrorsInsideStreams) {
  const Failing all[] = {
      {"openai",
       "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"param\":null,"
       "\"code\":null}}\n\ndata: [DONE]\n\n",
       Status::kServer, "server_error", 0, false},
      {"openrouter",
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"par\"}}]}\n\n"
       "data: {\"error\":{\"message\":\"Provider returned error\",\"code\":502}}\n\n"
       "data: [DONE]\n\n",
       Status::kServer, "502", 0, true},
      {"openrouter",
       "data: {\"id\":\"g\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"},"
       "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
       Status::kServer, "server_error", 0, false},
      {"openrouter", "data: {\"error\":{\"message\":\"slow\",\"code\":429}}\n\n",
       Status::kRateLimited, "429", 0, false},
      {"vllm",
       "data: "
       "{\"error\":{\"object\":\"error\",\"message\":\"m\",\"type\":\"InternalServerError\","
       "\"code\":500}}\n\ndata: [DONE]\n\n",
       Status::kServer, "InternalServerError", 0, false},
      {"openai",
       "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{"
       "\"code\":\"rate_limit_exceeded\",\"message\":\"Please try again in 11.054s.\"}}}\n\n",
       Status::kRateLimited, "rate_limit_exceeded", 11'054, false},
      {"openai",
       "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\"}\n\n",
       Status::kServer, "server_error", 0, false},
      {"openai",
       "event: error\ndata: "
       "{\"type\":\"error\",\"error\":{\"type\":\"service_unavailable_error\","
       "\"code\":\"server_is_overloaded\",\"message\":\"m\"}}\n\n",
       Status::kOverloaded, "server_is_overloaded", 0, false},
      {"openai", "data: {\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}\n\n",
       Status::kQuotaExhausted, "insufficient_quota", 0, false},
      {"openai", "data: {\"error\":{\"message\":\"m\",\"code\":\"slow_down\"}}\n\n",
       Status::kOverloaded, "slow_down", 0, false},
      {"anthropic",
       "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{"
       "\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
       "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
       "\"message\":\"Overloaded\"}}\n\n",
       Status::kOverloaded, "overloaded_error", 0, false},
      {"groq", "data: {\"x_groq\":{\"id\":\"r\",\"error\":\"over capacity\"}}\n\ndata: [DONE]\n\n",
       Status::kServer, "", 0, false},
      {"gemini",
       "data: {\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}\n\n",
       Status::kOverloaded, "UNAVAILABLE", 0, false},
      {"gemini", "data: [{\"error\":{\"code\":500,\"message\":\"m\",\"status\":\"INTERNAL\"}}]\n\n",
       Status::kServer, "INTERNAL", 0, false},
      {"gemini",
       "[{\"error\":{\"code\":429,\"message\":\"Please retry in 2.5s.\","
       "\"status\":\"RESOURCE_EXHAUSTED\"}}]",
       Status::kRateLimited, "RESOURCE_EXHAUSTED", 2500, false},
      {"ollama",
       "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n"
       "{\"error\":\"an error was encountered while running the model\"}\n",
       Status::kServer, "", 0, true},
      {"openrouter", "{\"error\":{\"message\":\"Provider returned error\",\"code\":502}}",
       Status::kServer, "502", 0, false},
  };
  for (const Failing& one : all) {
    SCOPED_TRACE(one.body);
    for (const size_t portion : {size_t{1}, size_t{1000}}) {
      const Read got = read(one.provider, one.body, portion);
      EXPECT_EQ(got.outcome.status, one.status) << got.outcome.message;
      EXPECT_EQ(got.outcome.error_name, one.name);
      EXPECT_EQ(got.outcome.retry_after, core::milliseconds(one.wait_ms));
      EXPECT_EQ(got.output_begun, one.output);
    }
  }
}

TEST(StreamReader, IgnoresRetryAfterOfASuccess) {
  const Read got =
      read("anthropic", "event: error\ndata: {\"error\":{\"type\":\"overloaded_error\"}}\n\n", 1000,
           Operation::kMessages, 200, {{"retry-after", "31"}});
  EXPECT_EQ(got.outcome.status, Status::kOverloaded);
  EXPECT_EQ(got.outcome.retry_after.ns, 0);
}

TEST(StreamReader, ReadsResponses) {
  const char* const body =
      "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"usage\":null}}\n"
      "event: response.created\n\n"
      "event: response.output_text.delta\n"
      "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello\"}\n\n"
      "event: response.completed\n"
      "data: "
      "{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\","
      "\"error\":null,\"usage\":{\"input_tokens\":13,\"input_tokens_details\":{"
      "\"cached_tokens\":4},\"output_tokens\":284,\"output_tokens_details\":{"
      "\"reasoning_tokens\":256},\"total_tokens\":297}}}\n\n";
  const Read got = read("openai", body, 5, Operation::kResponses);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 13);
  EXPECT_EQ(got.outcome.usage.output_tokens, 284);
  EXPECT_EQ(got.outcome.usage.cached_input_tokens, 4);
  EXPECT_EQ(got.outcome.usage.reasoning_tokens, 256);
  ASSERT_EQ(got.events.size(), 3u);
  EXPECT_FALSE(got.events[0].output);
  EXPECT_TRUE(got.events[1].output);
  EXPECT_THAT(got.assembled, HasSubstr("\"status\":\"completed\""));
}

constexpr const char* kAnthropic =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg\","
    "\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":10,"
    "\"cache_read_input_tokens\":7351,\"output_tokens\":1}}     }\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}  }\n\n"
    "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,"
    "\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,"
    "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,"
    "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
    "\"tool_use\"},\"usage\":{\"output_tokens\":9}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

TEST(StreamReader, ReadsAnthropic) {
  const Read got = read("anthropic", kAnthropic, 11, Operation::kMessages);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 7361);
  EXPECT_EQ(got.outcome.usage.cached_input_tokens, 7351);
  EXPECT_EQ(got.outcome.usage.output_tokens, 9);
  EXPECT_EQ(got.output_tokens, 9);
  EXPECT_EQ(got.assembled,
            "{\"id\":\"msg\",\"role\":\"assistant\",\"usage\":{\"input_tokens\":10,"
            "\"cache_read_input_tokens\":7351,\"output_tokens\":9},\"stop_reason\":\"tool_use\","
            "\"content\":[{\"type\":\"text\",\"text\":\"Hello\"},{\"type\":\"tool_use\","
            "\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}]}");
}

TEST(StreamReader, CountsTextUntilUsageIsTold) {
  StreamReader reader(*find_profile("anthropic"), Operation::kMessages);
  std::vector<StreamEvent> events;
  const std::string_view body = kAnthropic;
  reader.feed(body.substr(0, body.find("event: content_block_start")), events);
  EXPECT_EQ(reader.output_tokens(), 1);
  EXPECT_FALSE(reader.output_begun());
  reader.feed(
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
      "\"delta\":{\"type\":\"text_delta\",\"text\":\"" +
          std::string(41, 'x') + "\"}}\n\n",
      events);
  EXPECT_EQ(reader.output_tokens(), 11);
  EXPECT_TRUE(reader.output_begun());
}

TEST(StreamReader, ReadsGemini) {
  const char* const body =
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"The\"}],\"role\":\"model\"}}],"
      "\"usageMetadata\":{\"promptTokenCount\":15,\"totalTokenCount\":15}}\n\n"
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" end\"}],\"role\":\"model\"},"
      "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":13,"
      "\"candidatesTokenCount\":8,\"totalTokenCount\":21},\"modelVersion\":\"g\"}\n\n";
  const Read got = read("gemini", body, 3);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 13);
  EXPECT_EQ(got.outcome.usage.output_tokens, 8);
  EXPECT_EQ(got.assembled,
            "{\"usageMetadata\":{\"promptTokenCount\":13,\"candidatesTokenCount\":8,"
            "\"totalTokenCount\":21},\"modelVersion\":\"g\",\"candidates\":[{\"finishReason\":"
            "\"STOP\",\"content\":{\"parts\":[{\"text\":\"The end\"}],\"role\":\"model\"}}]}");
  const std::string_view half = std::string_view(body).substr(0, 140);
  EXPECT_EQ(read("gemini", half).outcome.error_name, "truncated");
}

TEST(StreamReader, ReadsAGeminiStreamThatIsOneList) {
  const Read got = read("gemini",
                        "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]},\n"
                        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},"
                        "\"finishReason\":\"STOP\"}]}]",
                        4);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.events.size(), 2u);
  EXPECT_THAT(got.assembled, HasSubstr("\"text\":\"ab\""));
  EXPECT_EQ(read("gemini", "[{\"candidates\":[]},").outcome.status, Status::kTransport);
}

TEST(StreamReader, ReadsCohere) {
  const char* const body =
      "event: message-start\ndata: "
      "{\"id\":\"x\",\"type\":\"message-start\",\"delta\":{\"message\":"
      "{\"role\":\"assistant\",\"content\":[]}}}\n\n"
      "event: content-start\ndata: "
      "{\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":"
      "{\"content\":{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
      "event: content-delta\ndata: "
      "{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":"
      "{\"content\":{\"text\":\"hi\"}}}}\n\n"
      "event: content-delta\ndata: "
      "{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":"
      "{\"content\":{\"text\":\" you\"}}}}\n\n"
      "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":"
      "\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":44},\"tokens\":{\"input_"
      "tokens\":"
      "1476,\"output_tokens\":58},\"cached_tokens\":1376}}}\n\ndata: [DONE]\n\n";
  const Read got = read("cohere", body, 13);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 1476);
  EXPECT_EQ(got.outcome.usage.output_tokens, 58);
  EXPECT_EQ(got.outcome.usage.cached_input_tokens, 1376);
  EXPECT_THAT(got.assembled,
              HasSubstr("\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
                        "\"text\":\"hi you\"}]}"));
}

TEST(StreamReader, ReadsOllama) {
  const char* const body =
      "{\"model\":\"g\",\"message\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"done\":false}"
      "\n"
      "{\"model\":\"g\",\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n"
      "{\"model\":\"g\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
      "\"done_reason\":\"stop\",\"prompt_eval_count\":26,\"eval_count\":12}\n";
  const Read got = read("ollama", body, 9);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 26);
  EXPECT_EQ(got.outcome.usage.output_tokens, 12);
  EXPECT_EQ(got.assembled,
            "{\"model\":\"g\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":26,"
            "\"eval_count\":12,\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"}}");
  const std::string_view cut = body;
  EXPECT_EQ(read("ollama", cut.substr(0, 150)).outcome.status, Status::kTransport);
}

TEST(StreamReader, ReadsAWholeAnswerWhereAStreamWasAskedFor) {
  const char* const body =
      "\n\n{\"choices\":[{\"message\":{\"content\":\"hi\"}}],"
      "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}";
  const Read got = read("openai", body, 6);
  EXPECT_EQ(got.outcome.status, Status::kOk) << got.outcome.message;
  EXPECT_EQ(got.outcome.usage.input_tokens, 3);
  EXPECT_EQ(got.output_tokens, 1);
  ASSERT_EQ(got.events.size(), 1u);
  EXPECT_TRUE(got.events[0].output);
  EXPECT_EQ(got.assembled, std::string(body).substr(2));
  EXPECT_THAT(read("openai", "<html>").outcome.message, HasSubstr("HTML"));
}

TEST(StreamReader, HasNoUsageWhereNoneIsTold) {
  const Read got = read("vllm",
                        "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"}}]}\n\n"
                        "data: [DONE]\n\n");
  EXPECT_EQ(got.outcome.status, Status::kOk);
  EXPECT_FALSE(got.outcome.usage_known);
  EXPECT_EQ(got.output_tokens, 1);
}

TEST(StreamReader, SkipsWhatIsNoJsonButNotJsonThatIsBroken) {
  EXPECT_EQ(
      read("openai", "data: ping\n\ndata: {\"choices\":[]}\n\ndata: [DONE]\n\n").outcome.status,
      Status::kOk);
  EXPECT_EQ(
      read("openai", "data: {\"choices\":[]}\n\ndata: {x}\n\ndata: [DONE]\n\n").outcome.status,
      Status::kTransport);
}

TEST(StreamReader, BoundsWhatAnAnswerHolds) {
  StreamReader reader(*find_profile("openai"), Operation::kChat);
  std::vector<StreamEvent> events;
  const std::string event =
      "data: {\"choices\":[],\"x\":\"" + std::string(size_t{1} << 20, 'x') + "\"}\n\n";
  for (int i = 0; i < 70; ++i) {
    reader.feed(event, events);
    events.clear();
  }
  EXPECT_TRUE(reader.ended());
  const Outcome outcome = reader.finish({200, {}, ""}, 0, events);
  EXPECT_EQ(outcome.status, Status::kTransport);
  EXPECT_THAT(outcome.message, HasSubstr("larger than 67108864 bytes"));
}

TEST(StreamReader, ShowsTheLimitsOfTheHead) {
  const Read got = read("openai", kChat, 1000, Operation::kChat, 200,
                        {{"x-ratelimit-limit-requests", "60"}, {"X-Request-Id", "r1"}});
  EXPECT_EQ(got.outcome.provider_request_id, "r1");
  ASSERT_EQ(got.outcome.observed.count, 1u);
  EXPECT_EQ(got.outcome.observed.limits[0].limit, 60);
}

}  // namespace
}  // namespace llmq::provider
