// Ctrl-C: the first lets running calls end, the second aborts them; the output stays valid either
// way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

// Where a limit is given, calls need not go one by one until answers have shown some.
constexpr const char* kNeverBinds = "requests=100000/1m,shape=sliding";

TEST(Signals, TheFirstDrainsAndTheRestCanBeResumed) {
  const Directory dir;
  Mock mock(dir, {"--latency", "300ms"});
  const std::string in = dir.write("in.jsonl", chat_lines(60));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
                    "concurrency=5", "--limit", kNeverBinds});
  ASSERT_TRUE(run.wait_for("out.jsonl", "\n"));
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
  const size_t answered = json_lines(dir.read("out.jsonl")).size();
  EXPECT_GE(answered, 6U) << "what ran was waited for";
  EXPECT_LT(answered, 60U);
  Program again(dir,
                {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--resume"});
  EXPECT_EQ(again.wait(), 0) << again.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 60U);
  EXPECT_EQ(number(mock.stop(), "accepted"), 60) << "nothing was paid twice";
}

TEST(Signals, TheSecondAborts) {
  const Directory dir;
  Mock mock(dir, {"--fail-hang", "1"});
  const std::string in = dir.write("in.jsonl", chat_lines(10));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
                    "concurrency=3", "--limit", kNeverBinds});
  ASSERT_TRUE(run.wait_for("out.jsonl", "") &&
              run.wait_for("err", "\n"));  // a progress line: it runs
  run.signal(SIGINT);
  ASSERT_TRUE(run.wait_for("err", "interrupted"));
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 0U);
  EXPECT_EQ(number(mock.stop(), "client_gone"), 3);
}

}  // namespace
}  // namespace llmq::test
