// Bad input gives a clear error and loses nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_code(const base::Json& line) {
  const cJSON* error = cJSON_GetObjectItemCaseSensitive(line.get(), "error");
  const cJSON* code = cJSON_GetObjectItemCaseSensitive(error, "code");
  return cJSON_IsString(code) ? code->valuestring : "";
}

std::string error_message(const base::Json& line) {
  const cJSON* error = cJSON_GetObjectItemCaseSensitive(line.get(), "error");
  const cJSON* message = cJSON_GetObjectItemCaseSensitive(error, "message");
  return cJSON_IsString(message) ? message->valuestring : "";
}

TEST(BadLines, BecomeErrorResultsWithTheirNumberAndTheRestRuns) {
  const struct {
    const char* line;
    const char* why;
  } kBad[] = {
      {"{", "not valid JSON"},
      {"[1]", "not a JSON object"},
      {"{\"custom_id\":\"a\xff\"}", "UTF-8"},
      {R"({"method":"POST"})", "custom_id is missing"},
      {R"({"custom_id":7})", "custom_id is not a string"},
      {R"({"custom_id":""})", "custom_id has 0 bytes"},
      {R"({"custom_id":"a1","method":"GET"})", "method"},
      {R"({"custom_id":"a2","method":"POST"})", "url is missing"},
      {R"({"custom_id":"a3","method":"POST","url":"/v1/images"})", "/v1/images"},
      {R"({"custom_id":"a4","method":"POST","url":"/v1/embeddings"})", "body is missing"},
      {R"({"custom_id":"a5","method":"POST","url":"/v1/embeddings","body":"x"})",
       "body is not an object"},
      {R"({"custom_id":"a6","method":"POST","url":"/v1/embeddings","body":{}})", "body.model"},
      {R"({"custom_id":"a7","url":"/v1/chat/completions","body":{"model":"m","stream":true}})",
       "stream"},
      {R"({"custom_id":"a8","url":"/v1/chat/completions","body":{"model":"a\tb"}})",
       "body.model holds a control character"},
      {R"({"custom_id":"a9","url":"/v1/chat/completions","body":{"model":"a.deployments."}})",
       "body.model"},
  };
  const Directory dir;
  std::string lines;
  for (const auto& bad : kBad)
    lines += std::string(bad.line) + "\n" + chat_line("good-" + std::to_string(lines.size()));
  const std::string in = dir.write("in.jsonl", lines);
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock"});
  EXPECT_EQ(run.wait(), 2) << run.err();
  std::map<int, std::string> messages;
  size_t good = 0;
  for (const base::Json& line : json_lines(dir.read("out.jsonl"))) {
    if (error_code(line).empty()) {
      ++good;
      continue;
    }
    EXPECT_EQ(error_code(line), "invalid_line");
    const cJSON* error = cJSON_GetObjectItemCaseSensitive(line.get(), "error");
    messages[cJSON_GetObjectItemCaseSensitive(error, "line")->valueint] = error_message(line);
  }
  EXPECT_EQ(good, std::size(kBad));
  int number = 1;
  for (const auto& bad : kBad) {
    EXPECT_THAT(messages[number],
                AllOf(HasSubstr("line " + std::to_string(number)), HasSubstr(bad.why)));
    number += 2;
  }
}

TEST(BadLines, DuplicatesAreRefusedNamingBothLines) {
  const Directory dir;
  const std::string in =
      dir.write("in.jsonl", chat_line("a") + "\n" + chat_line("b") + chat_line("a"));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock"});
  EXPECT_EQ(run.wait(), 2);
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 3U);
  EXPECT_THAT(dir.read("out.jsonl"),
              AllOf(HasSubstr("line 4"), HasSubstr("on line 1"), HasSubstr("duplicate_custom_id")));
}

TEST(BadLines, ALineOfFiftyMegabytesIsNamedAndTheRestRuns) {
  const Directory dir;
  const std::string in =
      dir.write("in.jsonl", chat_line("a") + chat_line("big", std::string(size_t{50} << 20, 'x')) +
                                chat_line("b"));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock"});
  EXPECT_EQ(run.wait(), 2);
  const auto lines = json_lines(dir.read("out.jsonl"));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(dir.read("out.jsonl"), AllOf(HasSubstr("line 2"), HasSubstr("more than 32 MiB")));
}

TEST(BadCommand, IsNamedWithThoseThatThereAre) {
  const Directory dir;
  Program unknown(dir, {"dry-run", "x.jsonl"});
  EXPECT_EQ(unknown.wait(), 1);
  EXPECT_THAT(unknown.err(), AllOf(HasSubstr("no command \"dry-run\""), HasSubstr(" run "),
                                   HasSubstr(" presets"), HasSubstr("--help")));
  Program none(dir, {});
  EXPECT_EQ(none.wait(), 1);
  EXPECT_THAT(none.err(), HasSubstr("A subcommand is required"));
}

struct SetUp {
  const char* name;
  Arguments arguments;
  const char* says;
};
class BadSetUp : public ::testing::TestWithParam<SetUp> {};

TEST_P(BadSetUp, ExitsWithOneSaysWhyAndLeavesNoOutput) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  const std::string config = dir.write("bad.json", "{\"max_pending\": 3,\n oops}");
  const std::string unknown = dir.write("unknown.json", R"({"max_pendig": 3})");
  dir.write("empty", "");
  dir.write("blank", "\n \n");
  Arguments arguments{"run"};
  for (std::string argument : GetParam().arguments) {
    if (argument[0] == '@') argument = dir.path(argument.substr(1));
    arguments.push_back(argument);
  }
  Program run(dir, arguments);
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr(GetParam().says));
  EXPECT_FALSE(dir.has("out"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadSetUp,
    ::testing::Values(
        SetUp{"NoInput", {"@none", "-o", "@out", "--provider", "mock"}, "cannot be read"},
        SetUp{"EmptyInput", {"@empty", "-o", "@out", "--provider", "mock"}, "is empty"},
        SetUp{"BlankInput", {"@blank", "-o", "@out", "--provider", "mock"}, "holds no requests"},
        SetUp{"OutputNowhere",
              {"@in.jsonl", "-o", "@no/out", "--provider", "mock"},
              "cannot be written"},
        SetUp{"OutputIsInput",
              {"@in.jsonl", "-o", "@in.jsonl", "--force", "--provider", "mock"},
              "input itself"},
        SetUp{"MissingKey",
              {"@in.jsonl", "-o", "@out", "--api-key-env", "NO_SUCH_KEY"},
              "NO_SUCH_KEY is not set"},
        SetUp{"KeyOverHttp",
              {"@in.jsonl", "-o", "@out", "--base-url", "http://example.com", "--api-key-env",
               "PATH"},
              "http"},
        SetUp{"BadConfig", {"@in.jsonl", "-o", "@out", "--config", "@bad.json"}, "line 2"},
        SetUp{"UnknownKey", {"@in.jsonl", "-o", "@out", "--config", "@unknown.json"}, "max_pendig"},
        SetUp{"NoConfig", {"@in.jsonl", "-o", "@out", "--config", "@none.json"}, "cannot be read"},
        SetUp{
            "ZeroLimit", {"@in.jsonl", "-o", "@out", "--limit", "requests=0/1m"}, "requests=0/1m"},
        SetUp{"NegativeLimit",
              {"@in.jsonl", "-o", "@out", "--limit", "tokens=-5/1m"},
              "tokens=-5/1m"},
        SetUp{"LimitWithoutPeriod", {"@in.jsonl", "-o", "@out", "--limit", "requests=5"}, "period"},
        SetUp{"UnknownLimit", {"@in.jsonl", "-o", "@out", "--limit", "calls=5/1s"}, "calls=5/1s"},
        SetUp{"BadUrl", {"@in.jsonl", "-o", "@out", "--base-url", "ftp://x"}, "http://"},
        SetUp{"BadTimeout", {"@in.jsonl", "-o", "@out", "--timeout", "soon"}, "soon"},
        SetUp{"BadProvider", {"@in.jsonl", "-o", "@out", "--provider", "openia"}, "openia"},
        SetUp{"UnknownFlag", {"@in.jsonl", "-o", "@out", "--limits", "x"}, "--limits"},
        SetUp{"NoOutput", {"@in.jsonl"}, "--output"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(BadOutput, AFullDiskEndsTheRunWithWholeLines) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(20));
  Program run(dir, {"run", in, "-o", "/dev/full", "--force", "--provider", "mock"});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), AllOf(HasSubstr("/dev/full"), HasSubstr("No space left")));
}

TEST(BadOutput, AStandardOutputThatTakesNothingIsTold) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  const std::string config = dir.write("c.json", "{}");
  const Arguments kCommands[] = {
      {"run", in, "--dry-run"}, {"check", config}, {"presets"}, {"--help"}};
  for (const Arguments& arguments : kCommands) {
    Program run(dir, arguments, {}, "", "/dev/full");
    EXPECT_EQ(run.wait(), 1) << arguments.front();
    EXPECT_THAT(run.err(), HasSubstr("stdout cannot be written")) << arguments[0];
  }
}

// A file size limit stands for a disk that fills up halfway.
TEST(BadOutput, WhatWasWrittenBeforeTheDiskWasFullCanBeResumed) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(200));
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{16'000, old.rlim_max};
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--quiet"});
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("cannot be written"));
  const size_t kept = json_lines(dir.read("out.jsonl")).size();
  EXPECT_GT(kept, 0U);
  EXPECT_LT(kept, 200U);
  Program again(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--resume"});
  EXPECT_EQ(again.wait(), 0) << again.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 200U);
}

TEST(BadProvider, ANameThatDoesNotResolveFailsTheLines) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  Program run(dir,
              {"run", in, "-o", dir.path("out.jsonl"), "--base-url", "https://no-such-host.invalid",
               "--api-key-env", "PATH", "--max-attempts", "1"});
  EXPECT_EQ(run.wait(), 2) << run.err();
  EXPECT_THAT(dir.read("out.jsonl"),
              AllOf(HasSubstr("LLMQ_ERR_TRANSPORT"), HasSubstr("no-such-host.invalid")));
}

// Some editors begin a file with a byte order mark.
TEST(InputForm, AByteOrderMarkCarriageReturnsAndBlankLinesAreNoRequests) {
  const Directory dir;
  std::string windows = chat_line("b");
  windows.insert(windows.size() - 1, "\r");
  std::string last = chat_line("c");
  last.pop_back();
  const std::string in =
      dir.write("in.jsonl", "\xef\xbb\xbf" + chat_line("a") + "\n" + windows + "\r\n" + last);
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock"});
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 3U);
  EXPECT_THAT(dir.read("out.jsonl"), HasSubstr(R"("custom_id":"a")"));
  EXPECT_THAT(run.err(), HasSubstr("3/3 100%"));
}

TEST(BadSummary, IsFoundBeforeTheFirstCall) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  Program run(dir, {"run", in, "-o", dir.path("out"), "--provider", "mock", "--summary",
                    dir.path("no/summary")});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("no/summary cannot be written"));
  EXPECT_FALSE(dir.has("out"));
}

TEST(BadSummary, IsAFileOfItsOwn) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  const std::string config = dir.write("c.json", "{}");
  const struct {
    const char* flag;
    std::string path;
    const char* why;
  } kWrong[] = {{"--summary", "-", "summary needs a file, not -"},
                {"--report", "-", "report needs a file, not -"},
                {"--summary", config, "c.json is the configuration"},
                {"--report", config, "c.json is the configuration"},
                {"-o", config, "c.json is the configuration"}};
  for (const auto& wrong : kWrong) {
    Arguments arguments{"run", in, "--provider", "mock", "--config", config, "--force"};
    if (std::string(wrong.flag) != "-o") arguments.insert(arguments.end(), {"-o", dir.path("out")});
    arguments.insert(arguments.end(), {wrong.flag, wrong.path});
    Program run(dir, arguments);
    EXPECT_EQ(run.wait(), 1) << wrong.flag;
    EXPECT_THAT(run.err(), HasSubstr(wrong.why));
    EXPECT_EQ(dir.read("c.json"), "{}");
    EXPECT_FALSE(dir.has("out"));
  }
}

TEST(BadSummary, DoesNotTakeThePlaceOfInputOrOutput) {
  const Directory dir;
  const std::string requests = chat_lines(2);
  const std::string in = dir.write("in.jsonl", requests);
  Program over_input(dir,
                     {"run", in, "-o", dir.path("out"), "--provider", "mock", "--summary", in});
  EXPECT_EQ(over_input.wait(), 1);
  EXPECT_THAT(over_input.err(), HasSubstr("is the input itself"));
  EXPECT_EQ(dir.read("in.jsonl"), requests);
  Program over_output(
      dir, {"run", in, "-o", dir.path("out"), "--provider", "mock", "--summary", dir.path("out")});
  EXPECT_EQ(over_output.wait(), 1);
  EXPECT_THAT(over_output.err(), HasSubstr("is the output itself"));
  EXPECT_FALSE(dir.has("out"));
  const std::string old = dir.write("old", "kept\n");
  Program over_old(dir, {"run", in, "-o", old, "--force", "--provider", "mock", "--summary", old});
  EXPECT_EQ(over_old.wait(), 1);
  EXPECT_EQ(dir.read("old"), "kept\n");
}

}  // namespace
}  // namespace llmq::test
