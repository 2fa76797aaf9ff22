// Ctrl-C: the first lets running calls end, the second aborts them; the output stays valid either
// way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(Signals, EndARunThatWaitsForAPipeToBeOpened) {
  const Directory dir;
  const std::string pipe = dir.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  Program run(
      dir, {"run", in, "-o", pipe, "--force", "--provider", "mock", "--summary", dir.path("made")});
  while (!dir.has("made")) ::usleep(5000);  // the last that it does before
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait(), 128 + SIGTERM);
}

TEST(Signals, TheSecondEndsARunWhoseOutputNobodyReads) {
  const Directory dir;
  const std::string pipe = dir.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  const std::string in = dir.write("in.jsonl", chat_lines(2000));  // more than a pipe holds
  Program run(dir, {"run", in, "-o", "-", "--provider", "mock", "--limit", kNeverBinds}, {}, "",
              pipe);
  pollfd full{reader, POLLOUT, 0};
  while (::poll(&full, 1, 0) == 1) ::usleep(5000);  // a pipe that fills up gives no event
  run.signal(SIGINT);
  ASSERT_TRUE(run.wait_for("err", "interrupted"));
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
  EXPECT_THAT(run.err(), ::testing::HasSubstr("output - did not take all results"));
  ::close(reader);
}

}  // namespace
}  // namespace llmq::test
