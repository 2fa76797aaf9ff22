// Real limits, in every shape that a provider has: nothing fails, and where the shape is known,
// nothing is refused.
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

struct Case {
  const char* name;
  const char* shape;  // of the requests and tokens limits
  Arguments mock;
  const char* told = "";  // to llmq; "" = auto
};

class Shapes : public ::testing::TestWithParam<Case> {};

// The margin for jitter is generous, so that a slow machine does not invent a 429.
TEST_P(Shapes, RunsWithoutAnyRefusal) {
  const Directory dir;
  const std::string shape = GetParam().shape;
  const std::string told = GetParam().told;
  Arguments options{"--limit", "requests=40/2s" + shape, "--limit",   "tokens=1200/2s" + shape,
                    "--limit", "concurrency=16",         "--latency", "5ms..20ms"};
  options.insert(options.end(), GetParam().mock.begin(), GetParam().mock.end());
  Mock mock(dir, options);
  const std::string in = dir.write("in.jsonl", chat_lines(100, 16));
  Program run(
      dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
            "requests=40/2s,jitter=500ms" + told, "--limit", "tokens=1200/2s,jitter=500ms" + told,
            "--limit", "concurrency=16", "--summary", dir.path("s")});
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 100U);
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  const base::Json stats = mock.stop();
  EXPECT_EQ(status_count(stats, "429"), 0);
  EXPECT_EQ(number(summary, "http_429"), 0);
  EXPECT_EQ(number(stats, "accepted"), 100);
  EXPECT_EQ(number(stats, "duplicates"), 100 - 1) << "one body, a hundred times";
  EXPECT_LE(number(stats, "max_concurrency"), 16);
  EXPECT_GE(number(summary, "ideal_ms"), 4000);
}

INSTANTIATE_TEST_SUITE_P(
    All, Shapes,
    ::testing::Values(
        Case{"sliding", "", {}}, Case{"fixed", ",shape=fixed", {}},
        Case{"bucket", ",shape=bucket,burst=1.0", {}},
        Case{"quantised", ",shape=quantised,slice=2s", {}},
        Case{"hidden", ",shape=quantised,slice=2s,headers=bucket", {}, ",shape=sliding"},
        Case{"chars", "", {"--charge", "input"}},
        Case{"completion", "", {"--charge", "completion"}},
        Case{"silent", "", {"--headers", "off", "--hints", "none"}, ",shape=sliding"}),
    [](const auto& info) { return std::string(info.param.name); });

// A bucket that holds a tenth refuses bursts; that is known of no configuration here, so retries
// must do.
TEST(StrictShapes, RetriesUntilEveryLineIsAnswered) {
  const Directory dir;
  Mock mock(dir, {"--limit", "requests=100/1s,shape=bucket,burst=0.1", "--latency", "5ms"});
  const std::string in = dir.write("in.jsonl", chat_lines(60));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
                    "requests=100/1s", "--limit", "concurrency=8", "--max-attempts", "60"});
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(number(mock.stop(), "accepted"), 60);
}

}  // namespace
}  // namespace llmq::test
