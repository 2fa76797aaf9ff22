// `llmq run --resume`.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
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

TEST(Resume, BeginsWhereThereIsNoOutputYet) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(ids_of(dir.read("out.jsonl")).size(), 3U);
}

// Someone else's file, named by mistake, is not ours to rewrite.
TEST(Resume, LeavesAFileThatHoldsNoResultsAsItIs) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const std::string result = R"({"id":"1","custom_id":"a","response":null,"error":null})";
  const struct {
    std::string text;
    const char* line;
  } kForeign[] = {{"my notes\nand more\n", "line 1"},
                  {"my notes, without an end", "line 1"},
                  {result + "\n{\"x\":1}\n" + result + "\n", "line 2"}};
  for (const auto& foreign : kForeign) {
    const std::string out = dir.write("out", foreign.text);
    Program run(dir, {"run", in, "-o", out, "--provider", "mock", "--resume"});
    EXPECT_EQ(run.wait(), 1);
    EXPECT_THAT(run.err(), ::testing::AllOf(::testing::HasSubstr(foreign.line),
                                            ::testing::HasSubstr("not a result")));
    EXPECT_EQ(dir.read("out"), foreign.text);
    EXPECT_FALSE(dir.has("out.resume"));
  }
}

TEST(Resume, RefusesWhatIsNoRegularFile) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const std::string pipe = dir.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Program run(dir, {"run", in, "-o", pipe, "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), ::testing::HasSubstr("not a regular file"));
}

TEST(Resume, KeepsTheModeOfTheOutputAndALinkToIt) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const std::string out = dir.write("out", "");
  ASSERT_EQ(::chmod(out.c_str(), 0600), 0);
  std::filesystem::create_symlink(out, dir.path("link"));
  Program run(dir, {"run", in, "-o", dir.path("link"), "--provider", "mock", "--resume"});
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_TRUE(std::filesystem::is_symlink(dir.path("link")));
  EXPECT_EQ(ids_of(dir.read("out")).size(), 3U);
  struct stat status {};
  ASSERT_EQ(::stat(out.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

// The new file takes the name OUT.resume for a moment: nothing of the user's may be under it.
TEST(Resume, LeavesAFileThatHasTheNameOfTheNewOne) {
  const Directory dir;
  const std::string result = R"({"id":"1","custom_id":"a","response":null,"error":null})"
                             "\n";
  const std::string out = dir.write("r.jsonl", result);
  const std::string in = dir.write("r.jsonl.resume", chat_lines(3));
  Program of_input(dir, {"run", in, "-o", out, "--provider", "mock", "--resume"});
  EXPECT_EQ(of_input.wait(), 1);
  EXPECT_THAT(of_input.err(), ::testing::HasSubstr("r.jsonl.resume, which is there already"));
  EXPECT_EQ(dir.read("r.jsonl"), result);
  EXPECT_EQ(dir.read("r.jsonl.resume"), chat_lines(3));

  std::filesystem::rename(in, dir.path("in.jsonl"));
  std::filesystem::create_symlink(dir.write("notes", "mine"), in);
  Program of_link(dir, {"run", dir.path("in.jsonl"), "-o", out, "--provider", "mock", "--resume"});
  EXPECT_EQ(of_link.wait(), 1);
  EXPECT_EQ(dir.read("notes"), "mine");
  EXPECT_EQ(dir.read("r.jsonl"), result);
}

TEST(Resume, LeavesAFileThatAnotherRunIsWriting) {
  const Directory dir;
  const std::string pipe = dir.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int input = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);  // the run goes on until it is closed
  ASSERT_GE(input, 0);
  const std::string out = dir.path("out.jsonl");
  for (const bool resumed : {false, true}) {
    const std::string lines = resumed ? chat_line("c") : chat_line("a") + chat_line("b");
    Arguments arguments{"run", pipe, "-o", out, "--provider", "mock"};
    if (resumed) arguments.emplace_back("--resume");
    Program first(dir, arguments);
    ASSERT_EQ(::write(input, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
    ASSERT_TRUE(first.wait_for("out.jsonl", resumed ? R"("c")" : R"("b")")) << first.err();
    const std::string other = dir.write("other.jsonl", chat_line("other"));
    for (const char* way : {"--resume", "--force"}) {
      Program second(dir, {"run", other, "-o", out, "--provider", "mock", way});
      EXPECT_EQ(second.wait(), 1);
      EXPECT_THAT(second.err(), ::testing::HasSubstr("out.jsonl is being written by another run"));
    }
    const std::string more = chat_line(resumed ? "e" : "d");
    ASSERT_EQ(::write(input, more.data(), more.size()), static_cast<ssize_t>(more.size()));
    ASSERT_TRUE(first.wait_for("out.jsonl", resumed ? R"("e")" : R"("d")")) << first.err();
    first.signal(SIGINT);
    EXPECT_EQ(first.wait(), 130) << first.err();
  }
  ::close(input);
  EXPECT_EQ(ids_of(dir.read("out.jsonl")), (std::set<std::string>{"a", "b", "c", "d", "e"}));
}

}  // namespace
}  // namespace llmq::test
