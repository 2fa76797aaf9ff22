#include "mock/stream.h"

#include <gmock/gmock.h>

#include "wire_support.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Kind = Stream::Step::Kind;

Answer answer_of(int64_t tokens) {
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";
  return make_answer(read_request(route_to(Endpoint::kChat), body), {}, tokens);
}

// What comes from now on until a step that is not data.
struct Burst {
  std::string data;
  int64_t tokens = 0;
  Stream::Step last;
};

Burst burst(Stream& stream, Nanos now) {
  Burst burst;
  while (true) {
    burst.last = stream.next(now);
    burst.data += burst.last.data;
    burst.tokens += burst.last.tokens;
    if (burst.last.kind != Kind::kData) return burst;
  }
}

TEST(Stream, SaysItsTokensAtItsPace) {
  StreamPlan plan;
  plan.start = seconds(1);
  plan.tokens_per_s = 100;
  plan.piece_tokens = 5;
  Stream stream(answer_of(12), kOpenAi, plan);
  EXPECT_EQ(stream.next(Nanos(0)).at, plan.start);
  Burst part = burst(stream, seconds(1));
  EXPECT_THAT(part.data, HasSubstr("\"role\""));
  EXPECT_EQ(part.tokens, 0);
  EXPECT_EQ(part.last.kind, Kind::kWait);
  EXPECT_EQ(part.last.at, milliseconds(1050));
  part = burst(stream, milliseconds(1050));
  EXPECT_EQ(part.tokens, 5);
  EXPECT_EQ(part.last.at, milliseconds(1100));
  // A late look gives all that is due, and no more.
  part = burst(stream, milliseconds(1120));
  EXPECT_EQ(part.tokens, 7);
  EXPECT_EQ(part.last.kind, Kind::kEnd);
  EXPECT_THAT(part.data, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(stream.said(), 12);
}

TEST(Stream, AskedTooEarlyItSaysTheSameWaitAgain) {
  StreamPlan plan;
  plan.tokens_per_s = 1;
  Stream stream(answer_of(4), kOpenAi, plan);
  burst(stream, Nanos(0));
  EXPECT_EQ(stream.next(Nanos(0)).at, seconds(4));
  EXPECT_EQ(stream.next(seconds(3)).at, seconds(4));
  EXPECT_EQ(burst(stream, seconds(4)).tokens, 4);
}

Burst broken(StreamEnd end) {
  StreamPlan plan;
  plan.end = end;
  plan.break_at = 7;
  Stream stream(answer_of(20), kOpenAi, plan);
  return burst(stream, Nanos(0));
}

TEST(BrokenStream, BeginsWithAnError) {
  const Burst all = broken(StreamEnd::kFirstError);
  EXPECT_EQ(all.last.kind, Kind::kEnd);
  EXPECT_EQ(all.tokens, 0);
  EXPECT_THAT(all.data, testing::StartsWith(R"(data: {"error":)"));
}

TEST(BrokenStream, EndsWithAnError) {
  const Burst all = broken(StreamEnd::kError);
  EXPECT_EQ(all.last.kind, Kind::kEnd);
  EXPECT_EQ(all.tokens, 7);
  EXPECT_THAT(all.data, HasSubstr(R"(data: {"error":)"));
  EXPECT_THAT(all.data, Not(HasSubstr(R"("finish_reason":"stop")")));
}

TEST(BrokenStream, IsCutInsideAnEvent) {
  const Burst all = broken(StreamEnd::kCut);
  EXPECT_EQ(all.last.kind, Kind::kCut);
  EXPECT_EQ(all.tokens, 7);
  EXPECT_THAT(all.data, Not(EndsWith("\n")));
  EXPECT_THAT(all.last.data, testing::StartsWith("data: {"));
}

TEST(BrokenStream, EndsWithoutItsMarker) {
  const Burst all = broken(StreamEnd::kUnfinished);
  EXPECT_EQ(all.last.kind, Kind::kEnd);
  EXPECT_EQ(all.tokens, 7);
  EXPECT_THAT(all.data, Not(HasSubstr("[DONE]")));
}

TEST(BrokenStream, Stalls) {
  const Burst all = broken(StreamEnd::kStall);
  EXPECT_EQ(all.last.kind, Kind::kStall);
  EXPECT_EQ(all.tokens, 7);
}

}  // namespace
}  // namespace llmq::mock
