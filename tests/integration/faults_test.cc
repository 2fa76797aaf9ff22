// A provider that misbehaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>

#include "integration/key_server.h"
#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const char kKey[] = "sk-very-secret-0123456789";

TEST(Faults, EveryLineIsAnsweredOnceWhateverTheProviderDoes) {
  const Directory dir;
  Mock mock(dir, {"--fail-server", "0.1", "--fail-overloaded", "0.05", "--fail-rate-limited",
                  "0.05", "--fail-rate-limited-bare", "0.03", "--fail-reset", "0.05", "--fail-hang",
                  "0.02", "--retry-after", "100ms", "--latency", "1ms..5ms"});
  const std::string in = dir.write("in.jsonl", chat_lines(150));
  const std::string config =
      dir.write("config.json", R"({"models":[{"name":"*","retry":{"base_ms":20,"cap_ms":200}}]})");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--timeout",
                    "2s", "--config", config, "--max-attempts", "20", "--limit", "concurrency=16"});
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 150U);
  const base::Json stats = mock.stop();
  EXPECT_GT(number(stats, "resets"), 0);
  EXPECT_GT(number(stats, "client_gone"), 0) << "timed-out calls must close their connections";
}

// Hanging calls need a time-out of a size that answers stay below: 2 s for answers of milliseconds.
TEST(Faults, AFileOfStreamsIsAnsweredWholeByAProviderThatFailsInEveryWay) {
  constexpr int kLines = 400;
  const Directory dir;
  Mock mock(dir, {"--fail-server", "0.1", "--fail-reset", "0.02", "--fail-hang", "0.01",
                  "--fail-stream-cut", "0.02", "--latency", "1ms..5ms"});
  const std::string in = dir.write("in.jsonl", chat_lines(kLines));
  const std::string config =
      dir.write("config.json", R"({"models":[{"name":"*","retry":{"base_ms":20,"cap_ms":200}}]})");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--stream", "--base-url", mock.url(),
                    "--timeout", "2s", "--config", config, "--limit", "concurrency=16", "--summary",
                    dir.path("s")});
  ASSERT_EQ(run.wait(), 0) << run.err();
  std::set<std::string> ids;
  for (const base::Json& line : json_lines(dir.read("out.jsonl"))) {
    ids.insert(cJSON_GetObjectItemCaseSensitive(line.get(), "custom_id")->valuestring);
    EXPECT_TRUE(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(line.get(), "error")));
  }
  EXPECT_EQ(ids.size(), static_cast<size_t>(kLines));
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), static_cast<size_t>(kLines));
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "failed"), 0);
  const base::Json stats = mock.stop();
  EXPECT_GT(number(stats, "resets"), 0);
  EXPECT_GT(number(stats, "hangs"), 0);
  EXPECT_GT(number(stats, "broken_streams"), 0);
}

TEST(Faults, FailuresThatLastAreWrittenWithTheirResponse) {
  const Directory dir;
  Mock mock(dir, {"--fail-server", "1"});
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(),
                    "--max-attempts", "2", "--summary", dir.path("s")});
  EXPECT_EQ(run.wait(), 2);
  for (const base::Json& line : json_lines(dir.read("out.jsonl"))) {
    const cJSON* error = cJSON_GetObjectItemCaseSensitive(line.get(), "error");
    EXPECT_STREQ(cJSON_GetObjectItemCaseSensitive(error, "code")->valuestring, "LLMQ_ERR_SERVER");
    EXPECT_EQ(cJSON_GetObjectItemCaseSensitive(error, "attempts")->valueint, 2);
    const cJSON* history = cJSON_GetObjectItemCaseSensitive(error, "history");
    ASSERT_EQ(cJSON_GetArraySize(history), 2);
    const cJSON* first = cJSON_GetArrayItem(history, 0);
    EXPECT_STREQ(cJSON_GetObjectItemCaseSensitive(first, "status")->valuestring, "LLMQ_ERR_SERVER");
    EXPECT_EQ(cJSON_GetObjectItemCaseSensitive(first, "http_status")->valueint, 500);
    EXPECT_TRUE(cJSON_HasObjectItem(first, "retry_delay_ms"));
    const cJSON* response = cJSON_GetObjectItemCaseSensitive(line.get(), "response");
    EXPECT_EQ(cJSON_GetObjectItemCaseSensitive(response, "status_code")->valueint, 500);
  }
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "failed"), 3);
  EXPECT_EQ(number(summary, "retries"), 3);
  EXPECT_EQ(number(mock.stop(), "requests"), 6);
}

TEST(Faults, ARejectedKeyStopsTheRunAndLeavesTheRest) {
  const Directory dir;
  Mock mock(dir);
  const std::string in = dir.write("in.jsonl", chat_lines(5000));
  Program run(dir,
              {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
               "concurrency=2"},
              {{"OPENAI_API_KEY", "invalid"}});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("--resume"));
  EXPECT_LT(json_lines(dir.read("out.jsonl")).size(), 4000U);
  Program again(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--resume"},
                {{"OPENAI_API_KEY", kKey}});
  EXPECT_EQ(again.wait(), 0) << again.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 5000U);
}

TEST(Faults, AnExhaustedQuotaStopsTheRun) {
  const Directory dir;
  Mock mock(dir);
  const std::string in = dir.write("in.jsonl", chat_lines(50));
  Program run(dir,
              {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--limit",
               "concurrency=2"},
              {{"OPENAI_API_KEY", "quota"}});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), HasSubstr("quota"));
  EXPECT_LE(json_lines(dir.read("out.jsonl")).size(), 2U) << "those that met it; the rest is left";
}

TEST(Faults, NothingPrintsTheKey) {
  const Directory dir;
  Mock mock(dir, {"--fail-server", "0.5"});
  const std::string in = dir.write("in.jsonl", chat_lines(20));
  Program run(
      dir,
      {"run", in, "-o", dir.path("out.jsonl"), "--base-url", mock.url(), "--max-attempts", "2"},
      {{"OPENAI_API_KEY", kKey}, {"LLMQ_LOG", "trace:" + dir.path("log")}});
  run.wait();
  EXPECT_THAT(dir.read("log"), Not(HasSubstr(kKey)));
  EXPECT_GT(dir.read("log").size(), 0U);
  EXPECT_THAT(dir.read("out.jsonl"), Not(HasSubstr(kKey)));
  EXPECT_THAT(run.err(), Not(HasSubstr(kKey)));
}

// Refuses what asks for a "secret".
class Forbidding {
 public:
  Forbidding()
      : server_([this](http::Connection& connection) {
          while (const auto request = connection.read_request()) {
            ++calls_;
            const bool forbidden = request->find("secret") != std::string::npos;
            connection.write(
                forbidden ? http::answer(R"({"error":{"message":"not for you"}})", "403 Forbidden")
                          : http::answer(kGood));
          }
        }) {}
  std::string url() const { return server_.url() + "/v1"; }
  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_{0};
  http::ScriptedServer server_;
};

std::string secrets(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += chat_line("s" + std::to_string(i), "secret");
  return all;
}

TEST(Forbidden, OneLineIsNoRejectedKey) {
  const Directory dir;
  Forbidding server;
  const std::string in = dir.write("in.jsonl", secrets(1) + chat_lines(3));
  const std::string out = dir.path("out.jsonl");
  Program run(dir, {"run", in, "-o", out, "--base-url", server.url()});
  EXPECT_EQ(run.wait(), 2) << run.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 4U);
  const std::string more = dir.write("more.jsonl", secrets(2) + chat_lines(4));
  Program again(dir, {"run", more, "-o", out, "--base-url", server.url(), "--resume"});
  EXPECT_EQ(again.wait(), 2) << again.err();
  EXPECT_EQ(json_lines(dir.read("out.jsonl")).size(), 6U);
}

TEST(Forbidden, EveryLineIsARejectedKey) {
  const Directory dir;
  Forbidding server;
  const std::string in = dir.write("in.jsonl", secrets(60));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--base-url", server.url(), "--limit",
                    "concurrency=1"});
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(run.err(), ::testing::HasSubstr("the key was rejected: "));
  EXPECT_LT(server.calls(), 10);
}

}  // namespace
}  // namespace llmq::test
