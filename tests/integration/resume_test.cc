// `llmq run --resume`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "integration/program.h"

namespace llmq::test {
namespace {

std::set<std::string> ids_of(const std::string& text) {
  std::set<std::string> ids;
  for (const base::Json& line : json_lines(text)) {
    const cJSON* id = cJSON_GetObjectItemCaseSensitive(line.get(), "custom_id");
    EXPECT_TRUE(ids.insert(cJSON_IsString(id) ? id->valuestring : "null").second);
  }
  return ids;
}

TEST(Resume, SkipsWhatIsFinishedAndRepairsATornLine) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(40));
  Mock mock(dir);
  Program first(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url()});
  ASSERT_EQ(first.wait(), 0) << first.err();
  std::string half = dir.read("out.jsonl");
  half.resize(half.size() / 2);
  const auto whole = std::count(half.begin(), half.end(), '\n');
  dir.write("out.jsonl", half);
  Program second(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--resume",
                       "--summary", dir.path("s")});
  ASSERT_EQ(second.wait(), 0) << second.err();
  EXPECT_EQ(ids_of(dir.read("out.jsonl")).size(), 40U);
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "skipped"), static_cast<double>(whole));
  EXPECT_EQ(number(mock.stop(), "requests"), static_cast<double>(80 - whole));
}

TEST(Resume, RunsRetryableErrorsAgainAndKeepsFinalOnes) {
  const Directory dir;
  const std::string in =
      dir.write("in.jsonl", chat_line("a") + chat_line("b") + chat_line("c") + "oops\n");
  dir.write(
      "out.jsonl",
      R"({"id":"1","custom_id":"a","response":null,"error":{"code":"LLMQ_ERR_SERVER","message":""}})"
      "\n"
      R"({"id":"2","custom_id":"b","response":null,"error":{"code":"LLMQ_ERR_CONTEXT_TOO_LONG","message":""}})"
      "\n"
      R"({"id":"3","custom_id":null,"response":null,"error":{"code":"invalid_line","message":"line 4","line":4}})"
      "\n");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 2) << run.err();
  const std::string out = dir.read("out.jsonl");
  EXPECT_EQ(ids_of(out), (std::set<std::string>{"a", "b", "c", "null"}));
  EXPECT_THAT(out, ::testing::HasSubstr("CONTEXT_TOO_LONG"));
  EXPECT_THAT(out, ::testing::Not(::testing::HasSubstr("ERR_SERVER")));
}

// Reading a device may never end, and its name must not come to stand for a file.
TEST(Resume, NeedsARegularFile) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  Program run(dir, {"run", in, "-o", "/dev/full", "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), testing::HasSubstr("/dev/full"));
  EXPECT_THAT(run.err(), testing::HasSubstr("regular file"));
}

TEST(Resume, BeginsWhereThereIsNoOutputYet) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(ids_of(dir.read("out.jsonl")).size(), 3U);
}

}  // namespace
}  // namespace llmq::test
