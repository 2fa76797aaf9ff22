// However a provider says how long to wait, the next attempt comes then: never before, and soon.
#include <gtest/gtest.h>

#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

struct Way {
  const char* name;
  const char* provider;  // of the run
  const char* mock;      // whose errors the mock imitates
  const char* path;      // of the base URL
  const char* hints;
  const char* fault;
};

class RetryAfter : public ::testing::TestWithParam<Way> {};

TEST_P(RetryAfter, IsObeyedAndNeverEarly) {
  const Way& way = GetParam();
  const Directory dir;
  Mock mock(dir, {"--provider", way.mock, way.fault, "0.6", "--retry-after", "700ms", "--hints",
                  way.hints, "--seed", "5"});
  const std::string url = mock.url().substr(0, mock.url().rfind("/v1")) + way.path;
  // Nothing but the hint decides: the backoff of its own is a millisecond.
  const std::string config = dir.write(
      "config.json",
      R"({"models":[{"name":"*","find_limits":false,"retry":{"base_ms":1,"cap_ms":1}}]})");
  // One request at a time: another one's refusal would put off the retry of the first, and rightly.
  for (int i = 0; i < 3; ++i) {
    const std::string in = dir.write("in.jsonl", chat_line("r", "Say " + std::to_string(i)));
    Program run(
        dir,
        {"run", in, "-o", dir.path("out.jsonl"), "--force", "--config", config, "--provider",
         way.provider, "--base-url", url, "--api-key-env", "LLMQ_TEST_KEY", "--max-attempts", "30"},
        {{"LLMQ_TEST_KEY", "sk-test"}});
    ASSERT_EQ(run.wait(), 0) << run.err();
  }
  const base::Json stats = mock.stop();
  EXPECT_GE(number(stats, "retries_told"), 1);
  EXPECT_EQ(number(stats, "early_retries"), 0);
  // How late a machine may be is measured by tools/retry_after; here a minute is as good as never.
  EXPECT_LT(number(stats, "latest_retry_ms"), 60'000);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, RetryAfter,
    ::testing::Values(
        Way{"Seconds", "openai", "openai", "/v1", "seconds", "--fail-rate-limited"},
        Way{"Float", "openai", "openai", "/v1", "float", "--fail-rate-limited"},
        Way{"Milliseconds", "openai", "openai", "/v1", "ms", "--fail-rate-limited"},
        Way{"Date", "openai", "openai", "/v1", "date", "--fail-rate-limited"},
        Way{"BodyText", "openai", "openai", "/v1", "body", "--fail-rate-limited"},
        Way{"RetryInfo", "gemini", "openai", "/v1beta", "body", "--fail-rate-limited"},
        Way{"Overload", "azure", "azure", "/openai/v1", "seconds", "--fail-overloaded"}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace llmq::test
