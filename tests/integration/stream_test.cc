// Streams over real sockets, on several wires, with a provider that breaks them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <future>
#include <ostream>
#include <string>
#include <utility>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Wire {
  const char* provider;
  const char* path;       // of the base URL
  const char* end_of_it;  // in the body of a whole answer
};

void PrintTo(const Wire& wire, std::ostream* out) { *out << wire.provider; }

class Streams : public ::testing::TestWithParam<Wire> {
 protected:
  static std::string base_url(const Mock& mock) {
    return mock.url().substr(0, mock.url().size() - 3) + GetParam().path;
  }

  // How one streamed call goes that may be tried three times.
  struct Seen {
    int chunks = 0;
    llmq::response response;
  };
  static Seen call(const Mock& mock) {
    llmq::conf conf;
    conf.set("model.m.provider", GetParam().provider).set("model.m.base_url", base_url(mock));
    conf.set("model.m.limits", "requests=1000/1s").set("model.m.retry.max_attempts", "3");
    conf.set("model.m.retry.base_ms", "1").set("model.m.retry.cap_ms", "1");
    llmq::manager manager(conf);
    std::promise<llmq::response> done;
    Seen seen;
    manager.submit_stream(
        llmq::request{
            "m", R"({"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":8})"},
        [&seen](std::string_view) { ++seen.chunks; },
        [&done](llmq::response response) { done.set_value(std::move(response)); });
    seen.response = done.get_future().get();
    return seen;
  }
};

// Of a file, each line is answered whole, whatever breaks on the way.
TEST_P(Streams, OfAFileAreTriedAgainUntilTheyAreWhole) {
  const Directory dir;
  const Mock mock(
      dir, {"--fail-stream-first", "0.08", "--fail-stream-error", "0.08", "--fail-stream-cut",
            "0.08", "--fail-stream-end", "0.08", "--fail-stream-stall", "0.02", "--fail-server",
            "0.05", "--latency", "1ms..5ms"});
  const std::string in = dir.write("in.jsonl", chat_lines(100));
  const std::string config = dir.write(
      "config.json",
      R"({"models":[{"name":"*","stream_idle_timeout_ms":400,"retry":{"base_ms":10,"cap_ms":50}}]})");
  Program run(dir,
              {"run",
               in,
               "-o",
               dir.path("out.jsonl"),
               "--stream",
               "--config",
               config,
               "--provider",
               GetParam().provider,
               "--base-url",
               base_url(mock),
               "--api-key-env",
               "KEY",
               "--limit",
               "requests=2000/1s",
               "--limit",
               "concurrency=16",
               "--max-attempts",
               "30",
               "--summary",
               dir.path("s")},
              {{"KEY", "k"}});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const std::vector<base::Json> lines = json_lines(dir.read("out.jsonl"));
  EXPECT_EQ(lines.size(), 100U);
  for (const base::Json& line : lines) {
    EXPECT_THAT(base::json_text(line.get()), HasSubstr(GetParam().end_of_it));
  }
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_GT(number(summary, "retries"), 10);
  EXPECT_GT(number(summary, "output_tokens"), 100);
  EXPECT_GT(number(summary, "ttft_p50_ms"), 0);
}

TEST_P(Streams, BringPiecesAndThenTheWholeWithItsUsage) {
  const Directory dir;
  const Mock mock(dir, {"--output-tokens", "8", "--piece", "1"});
  const Seen seen = call(mock);
  ASSERT_TRUE(seen.response.ok()) << seen.response.error_message();
  EXPECT_GE(seen.chunks, 8);
  EXPECT_THAT(std::string(seen.response.data()), HasSubstr(GetParam().end_of_it));
  ASSERT_TRUE(seen.response.usage().has_value());
  EXPECT_EQ(seen.response.usage()->output_tokens, 8);
  EXPECT_GT(seen.response.usage()->input_tokens, 0);
}

TEST_P(Streams, ThatBeginWithAnErrorAreTriedAgain) {
  const Directory dir;
  Mock mock(dir, {"--fail-stream-first", "1"});
  const Seen seen = call(mock);
  EXPECT_FALSE(seen.response.ok());
  EXPECT_EQ(seen.response.attempts(), 3U);
  EXPECT_EQ(seen.chunks, 0);
  EXPECT_EQ(number(mock.stop(), "requests"), 3);
}

TEST_P(Streams, ThatEndWithAnErrorAfterOutputAreNot) {
  const Directory dir;
  Mock mock(dir, {"--fail-stream-error", "1", "--output-tokens", "8"});
  const Seen seen = call(mock);
  EXPECT_THAT(seen.response.status(), AnyOf(LLMQ_ERR_SERVER, LLMQ_ERR_OVERLOADED));
  EXPECT_THAT(std::string(seen.response.error_message()), Not(IsEmpty()));
  EXPECT_EQ(seen.response.attempts(), 1U);
  EXPECT_GT(seen.chunks, 0);
  EXPECT_EQ(number(mock.stop(), "requests"), 1);
}

TEST_P(Streams, ThatAreCutAreNoSuccess) {
  const Directory dir;
  for (const char* const fault : {"--fail-stream-cut", "--fail-stream-end"}) {
    const Mock mock(dir, {fault, "1", "--output-tokens", "8"});
    const Seen seen = call(mock);
    EXPECT_EQ(seen.response.status(), LLMQ_ERR_TRANSPORT) << fault;
    EXPECT_EQ(seen.response.attempts(), 1U) << fault;
  }
}

INSTANTIATE_TEST_SUITE_P(Wires, Streams,
                         ::testing::Values(Wire{"openai", "/v1", "\"finish_reason\":\""},
                                           Wire{"anthropic", "/v1", "\"stop_reason\":\""},
                                           Wire{"gemini", "/v1beta", "\"finishReason\":\""},
                                           Wire{"cohere", "/v2", "\"finish_reason\":\""},
                                           Wire{"ollama", "", "\"done\":true"}),
                         [](const auto& info) { return std::string(info.param.provider); });

}  // namespace
}  // namespace llmq::test
