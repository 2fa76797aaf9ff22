// Requests that another model answers, over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

std::string two_models(const Mock& first, const std::string& second_provider, const Mock& second,
                       const std::string& more) {
  return R"({"models":[{"name":"m","provider":"openai","api_key_env":"K","base_url":")" +
         first.url() + "\"" + more + R"(},{"name":"n","api_key_env":"K","provider":")" +
         second_provider + R"(","base_url":")" + second.url() + R"("}]})";
}

// The body that was written for one wire goes over another one, in the other model's name.
TEST(Fallback, WhatOneModelCannotAnswerAnotherOneDoes) {
  for (const std::string provider : {"openai", "anthropic"}) {
    SCOPED_TRACE(provider);
    const Directory dir;
    Mock broken(dir, {"--fail-server", "1"});
    Mock works(dir);  // it speaks both
    const std::string config = dir.write(
        "c", two_models(broken, provider, works,
                        R"(,"fallback":{"models":["n"]},"retry":{"max_attempts":2,"base_ms":1})"));
    const std::string in = dir.write("in.jsonl", chat_lines(5));
    Program run(dir,
                {"run", in, "-o", dir.path("out"), "--config", config, "--summary", dir.path("s")},
                {{"K", "sk-x"}});
    ASSERT_EQ(run.wait(), 0) << run.err() << dir.read("out");
    EXPECT_EQ(json_lines(dir.read("out")).size(), 5U);
    const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
    EXPECT_EQ(number(summary, "completed"), 5);
    EXPECT_EQ(status_count(broken.stop(), "500"), 10);
    EXPECT_EQ(status_count(works.stop(), "200"), 5);
  }
}

TEST(Fallback, AWaitBeyondTheBoundEndsThere) {
  const Directory dir;
  Mock slow(dir, {"--limit", "requests=2/1h"});
  Mock works(dir);
  const std::string config = dir.write(
      "c",
      two_models(
          slow, "openai", works,
          R"(,"limits":"requests=2/1h,shape=sliding","fallback":{"models":["n"],"after_ms":200})"));
  const std::string in = dir.write("in.jsonl", chat_lines(10));
  Program run(dir, {"run", in, "-o", dir.path("out"), "--config", config}, {{"K", "sk-x"}});
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_EQ(json_lines(dir.read("out")).size(), 10U);
  EXPECT_EQ(status_count(slow.stop(), "200"), 2);
  EXPECT_EQ(status_count(works.stop(), "200"), 8);
}

TEST(Fallback, ToNoRegisteredModelIsAnErrorThatNamesIt) {
  const Directory dir;
  Mock mock(dir);
  const std::string config = dir.write(
      "c",
      R"({"models":[{"name":"m","provider":"openai","api_key_env":"K","fallback":{"models":"nosuch"},"base_url":")" +
          mock.url() + R"("}]})");
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  Program run(dir, {"run", in, "-o", dir.path("out"), "--config", config}, {{"K", "sk-x"}});
  EXPECT_NE(run.wait(), 0);
  EXPECT_THAT(run.err(), HasSubstr("model.m.fallback.models"));
  EXPECT_THAT(run.err(), HasSubstr("nosuch"));
  mock.stop();
}

}  // namespace
}  // namespace llmq::test
