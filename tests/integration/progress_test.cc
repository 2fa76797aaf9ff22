// What a run says on standard error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Progress, PlainLinesWhereThereIsNoTerminal) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(10));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--limit",
                    "requests=100/1m", "--limit", "tokens=6000/1m"});
  ASSERT_EQ(run.wait(), 0);
  EXPECT_THAT(run.err(),
              AllOf(HasSubstr("10/10 100%"), HasSubstr("failed 0"), HasSubstr("of 1.7 requests/s"),
                    HasSubstr("of 100.0 tokens/s"), HasSubstr("429s 0"), HasSubstr("completed 10"),
                    Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
}

}  // namespace
}  // namespace llmq::test
