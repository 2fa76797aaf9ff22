// What goes in and what comes out of `llmq run`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

const cJSON* member(const cJSON* object, const char* name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

TEST(RunFormat, AnswersEachLineOnceInTheResultFormat) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(50));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--summary",
                    dir.path("s")});
  ASSERT_EQ(run.wait(), 0) << run.err();
  std::set<std::string> ids;
  for (const base::Json& line : json_lines(dir.read("out.jsonl"))) {
    ids.insert(member(line.get(), "custom_id")->valuestring);
    EXPECT_TRUE(cJSON_IsString(member(line.get(), "id")));
    EXPECT_TRUE(cJSON_IsNull(member(line.get(), "error")));
    const cJSON* response = member(line.get(), "response");
    EXPECT_EQ(member(response, "status_code")->valueint, 200);
    EXPECT_TRUE(cJSON_IsString(member(response, "request_id")));
    EXPECT_TRUE(cJSON_IsArray(member(member(response, "body"), "choices")));
  }
  EXPECT_EQ(ids.size(), 50U);
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "completed"), 50);
  EXPECT_EQ(number(summary, "failed"), 0);
  EXPECT_EQ(number(summary, "attempts"), 50);
  for (const char* name :
       {"retries", "http_429", "elapsed_ms", "ideal_ms", "wait_p50_ms", "wait_p99_ms"}) {
    EXPECT_GE(number(summary, name), 0) << name;
  }
  EXPECT_GT(number(summary, "input_tokens"), 0);
  EXPECT_GT(number(summary, "output_tokens"), 0);
}

TEST(RunFormat, ReadsStandardInputAndWritesStandardOutput) {
  const Directory dir;
  Program run(dir, {"run", "-", "-o", "-", "--provider", "mock", "--quiet"}, {}, chat_lines(7));
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(json_lines(run.out()).size(), 7U);
  EXPECT_EQ(run.err(), "");
}

TEST(RunFormat, RunsEmbeddings) {
  const Directory dir;
  Mock mock(dir);
  const std::string in = dir.write(
      "in.jsonl",
      R"({"custom_id":"e","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":["a","b"]}})");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url()});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const auto lines = json_lines(dir.read("out.jsonl"));
  ASSERT_EQ(lines.size(), 1U);
  const cJSON* body = member(member(lines[0].get(), "response"), "body");
  EXPECT_EQ(cJSON_GetArraySize(member(body, "data")), 2);
}

// The server sees the bytes of the file: a number beyond 2^53, odd spacing and escapes survive.
TEST(RunFormat, SendsTheBodyByteForByte) {
  const Directory dir;
  Mock mock(dir);
  const std::string body =
      R"({ "model" : "m","seed":9007199254740993123, "messages":[ {"role":"user","content":"a\u00e9\/b"} ],"max_tokens":4})";
  const std::string line =
      R"({"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":)";
  const std::string in = dir.write(
      "in.jsonl", line + body + "}\n" + R"({"custom_id":"2","url":"/v1/chat/completions","body":)" +
                      body + "}\n");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url()});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const base::Json stats = mock.stop();
  EXPECT_EQ(number(stats, "duplicates"), 1) << "both bodies must arrive alike";
}

TEST(RunFormat, DoesNotDoubleTheVersionOfTheBaseUrl) {
  const Directory dir;
  Mock mock(dir);
  const std::string in = dir.write("in.jsonl", chat_lines(2));
  std::string root = mock.url();
  root.resize(root.size() - 3);  // without /v1
  Program with_version(dir, {"run", in, "-o", "-", "--base-url", mock.url()});
  EXPECT_EQ(with_version.wait(), 0) << with_version.err();
  Program without(dir, {"run", in, "-o", "-", "--base-url", root + "/"});
  EXPECT_EQ(without.wait(), 0) << without.err();
  Program from_environment(dir, {"run", in, "-o", "-"}, {{"OPENAI_BASE_URL", mock.url()}});
  EXPECT_EQ(from_environment.wait(), 0) << from_environment.err();
  EXPECT_EQ(number(mock.stop(), "accepted"), 6);
}

TEST(RunFormat, LimitsOfOneModelLeaveOthersAlone) {
  const Directory dir;
  Mock mock(dir);
  std::string lines = chat_lines(3);
  lines +=
      R"({"custom_id":"n","url":"/v1/chat/completions","body":{"model":"n:8b","messages":[],"max_tokens":50}})";
  const std::string in = dir.write("in.jsonl", lines + "\n");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
                    "n:8b:tokens=40/1m", "--limit", "tokens=1000/1m"});
  EXPECT_EQ(run.wait(), 2) << run.err();
  EXPECT_THAT(dir.read("out.jsonl"), HasSubstr("LLMQ_ERR_OVERSIZE"));
  EXPECT_THAT(dir.read("out.jsonl"), HasSubstr("tokens/1m"));
  EXPECT_EQ(number(mock.stop(), "accepted"), 3);
}

TEST(RunFormat, RefusesAnOutputThatExists) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const std::string out = dir.write("out.jsonl", "precious\n");
  Program run(dir, {"run", in, "-o", out, "--provider", "mock"});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("--resume"));
  EXPECT_EQ(dir.read("out.jsonl"), "precious\n");
  Program forced(dir, {"run", in, "-o", out, "--provider", "mock", "--force"});
  EXPECT_EQ(forced.wait(), 0);
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 3U);
}

}  // namespace
}  // namespace llmq::test
