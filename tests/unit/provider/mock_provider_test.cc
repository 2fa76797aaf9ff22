#include "provider/mock_provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "provider/json.h"
#include "provider/stream_reader.h"

namespace llmq::provider {
namespace {

const Profile& openai() { return *find_profile("openai"); }

using core::Status;
using ::testing::HasSubstr;

constexpr const char* kChat =
    R"({"model":"m","messages":[{"role":"user","content":"12345678"}],"max_tokens":9})";

MockReply chat(const MockOptions& options, uint64_t call_number, const char* payload = kChat) {
  return mock_reply(options, "my-model", Operation::kChat, payload, call_number);
}

TEST(MockReply, IsAnAnswerThatTheParserReadsTheSameWay) {
  const MockReply reply = chat({}, 0);
  EXPECT_FALSE(reply.hangs);
  EXPECT_EQ(reply.http_status, 200);
  EXPECT_EQ(reply.outcome.status, Status::kOk);
  const Outcome parsed =
      parse_response(openai(), Operation::kChat, WireResponse{200, {}, reply.body}, 0);
  EXPECT_EQ(parsed.status, Status::kOk);
  ASSERT_TRUE(parsed.usage_known);
  ASSERT_TRUE(reply.outcome.usage_known);
  EXPECT_EQ(parsed.usage.input_tokens, 6);
  EXPECT_EQ(reply.outcome.usage.input_tokens, 6);
  EXPECT_EQ(parsed.usage.output_tokens, reply.outcome.usage.output_tokens);
  EXPECT_GE(parsed.usage.output_tokens, 1);
  EXPECT_LE(parsed.usage.output_tokens, 9);
  EXPECT_THAT(reply.body, HasSubstr(R"("model":"my-model")"));
  EXPECT_THAT(reply.outcome.provider_request_id, HasSubstr("req-mock-"));
}

TEST(MockReply, RepeatsItselfFromItsSeed) {
  const MockOptions options;
  const MockReply first = chat(options, 3);
  const MockReply again = chat(options, 3);
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(first.latency, again.latency);
  MockOptions other = options;
  other.seed = 2;
  EXPECT_NE(chat(other, 3).body, first.body);
  EXPECT_NE(chat(options, 4).body, first.body);
  EXPECT_NE(chat(options, 3, R"({"messages":[]})").latency, first.latency);
}

TEST(MockReply, GivesAsManyChoicesAsAsked) {
  const MockReply reply = chat({}, 0, R"({"n":3,"max_tokens":2})");
  const ParsedJson parsed = parse_json(reply.body);
  EXPECT_EQ(cJSON_GetArraySize(member(parsed.value.get(), "choices")), 3);
  EXPECT_LE(reply.outcome.usage.output_tokens, 6);
}

TEST(MockReply, EmbedsEveryInput) {
  const auto vectors = [](const char* payload) {
    const MockReply reply = mock_reply({}, "m", Operation::kEmbeddings, payload, 0);
    EXPECT_EQ(reply.outcome.usage.output_tokens, 0);
    const ParsedJson parsed = parse_json(reply.body);
    const cJSON* const data = member(parsed.value.get(), "data");
    const int size = cJSON_GetArraySize(member(cJSON_GetArrayItem(data, 0), "embedding"));
    return std::pair(cJSON_GetArraySize(data), size);
  };
  EXPECT_EQ(vectors(R"({"input":"a"})"), std::pair(1, 8));
  EXPECT_EQ(vectors(R"({"input":["a","b","c"]})"), std::pair(3, 8));
  EXPECT_EQ(vectors(R"({"input":[1,2,3],"dimensions":5})"), std::pair(1, 5));
  EXPECT_EQ(vectors(R"({"input":[[1,2],[3]]})"), std::pair(2, 8));
}

TEST(MockReply, AnswersWhatIsNoJson) {
  const MockReply reply = mock_reply({}, "m", Operation::kCustom, "123456789", 0);
  EXPECT_EQ(reply.outcome.status, Status::kOk);
  EXPECT_EQ(reply.outcome.usage.input_tokens, 3);
  EXPECT_EQ(mock_reply({}, "m", Operation::kCustom, "", 0).outcome.usage.input_tokens, 0);
}

TEST(MockReply, TakesItsTimeWithinTheBounds) {
  MockOptions options;
  options.latency_min = core::milliseconds(5);
  options.latency_max = core::milliseconds(7);
  std::set<int64_t> seen;
  for (uint64_t call = 0; call < 100; ++call) {
    const core::DurationNs latency = chat(options, call).latency;
    EXPECT_GE(latency, options.latency_min);
    EXPECT_LE(latency, options.latency_max);
    seen.insert(latency.ns);
  }
  EXPECT_GT(seen.size(), 90u);
}

TEST(MockReply, StreamsInPiecesThatMeanTheSame) {
  const std::string payload = R"({"messages":[],"max_tokens":40,"n":3})";
  MockOptions options;
  const MockReply whole = mock_reply(options, "m", Operation::kChat, payload, 1);
  const MockReply streamed = mock_reply(options, "m", Operation::kChat, payload, 1, true);
  EXPECT_EQ(streamed.body, "");
  EXPECT_EQ(streamed.gap, core::milliseconds(10));
  StreamReader reader(*find_profile("openai"), Operation::kChat);
  std::vector<StreamEvent> events;
  for (const std::string& piece : streamed.pieces) reader.feed(piece, events);
  WireResponse head;
  head.http_status = 200;
  const Outcome outcome = reader.finish(head, 0, events);
  EXPECT_EQ(outcome.status, Status::kOk);
  EXPECT_EQ(outcome.usage.input_tokens, whole.outcome.usage.input_tokens);
  EXPECT_EQ(outcome.usage.output_tokens, whole.outcome.usage.output_tokens);
  for (const auto& body : {reader.take_assembled(), whole.body}) {
    EXPECT_THAT(body, HasSubstr(R"("index":2)"));
  }
  EXPECT_TRUE(whole.pieces.empty());
}

TEST(MockReply, BreaksStreamsOffAsOftenAsTold) {
  MockOptions options;
  options.fail_cut = 0.3;
  int cut = 0;
  constexpr int kCalls = 2000;
  for (uint64_t call = 0; call < kCalls; ++call) {
    const MockReply reply =
        mock_reply(options, "m", Operation::kChat, R"({"messages":[]})", call, true);
    ASSERT_FALSE(reply.pieces.empty());
    cut += reply.pieces.back() == "data: [DONE]\n\n" ? 0 : 1;
  }
  EXPECT_NEAR(cut, 0.3 * kCalls, 80);
}

TEST(MockReply, FailsAsTold) {
  MockOptions server;
  server.fail_server = 1;
  const MockReply broken = chat(server, 0);
  EXPECT_EQ(broken.http_status, 500);
  EXPECT_EQ(broken.outcome.status, Status::kServer);
  EXPECT_THAT(broken.body, HasSubstr("told to fail"));
  EXPECT_THAT(broken.outcome.provider_request_id, HasSubstr("req-mock-"));

  MockOptions limited;
  limited.fail_rate_limited = 1;
  limited.retry_after = core::nanoseconds(1'500'000);
  const MockReply refused = chat(limited, 0);
  EXPECT_EQ(refused.http_status, 429);
  EXPECT_EQ(refused.outcome.status, Status::kRateLimited);
  EXPECT_EQ(refused.outcome.retry_after, core::milliseconds(2));
  limited.retry_after = {};
  EXPECT_EQ(chat(limited, 0).outcome.retry_after, core::milliseconds(0));

  MockOptions hanging;
  hanging.fail_hang = 1;
  EXPECT_TRUE(chat(hanging, 0).hangs);
}

TEST(MockReply, FailsAsOftenAsTold) {
  MockOptions options;
  options.fail_server = 0.2;
  options.fail_rate_limited = 0.3;
  options.fail_hang = 0.1;
  int server = 0;
  int limited = 0;
  int hanging = 0;
  constexpr int kCalls = 10'000;
  for (uint64_t call = 0; call < kCalls; ++call) {
    const MockReply reply = chat(options, call);
    hanging += reply.hangs ? 1 : 0;
    server += reply.http_status == 500 ? 1 : 0;
    limited += reply.http_status == 429 ? 1 : 0;
  }
  EXPECT_NEAR(server, 0.2 * kCalls, 200);
  EXPECT_NEAR(limited, 0.3 * kCalls, 200);
  EXPECT_NEAR(hanging, 0.1 * kCalls, 200);
}

}  // namespace
}  // namespace llmq::provider
