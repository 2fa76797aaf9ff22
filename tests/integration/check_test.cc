// `llmq check`: the effective configuration and where each value comes from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

const char kConfig[] = R"({"max_pending": 5000, "models": [
  {"name": "gpt-4o", "limits": [{"requests": 500, "per": "1m"}, {"concurrency": 8}], "timeout_ms": 9000,
   "deployments": [{"provider": "openai", "base_url": "http://127.0.0.1:9/v1"}]}]})";

TEST(Check, NamesTheSourceOfEachValue) {
  const Directory dir;
  const std::string config = dir.write("c.json", kConfig);
  Program check(dir, {"check", config, "--max-attempts", "3"}, {{"LLMQ_TIMEOUT", "4s"}});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("max_pending +5000 +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.retry.max_attempts +3 +--max-attempts"));
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.timeout_ms +4000 +LLMQ_TIMEOUT"));
  EXPECT_THAT(check.out(),
              ContainsRegex("model.gpt-4o.limits +requests=500/1m;concurrency=8 +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.retry.base_ms +500 +default"));
}

TEST(Check, AFlagOverrulesAVariableWhichOverrulesTheFile) {
  const Directory dir;
  const std::string config = dir.write("c.json", kConfig);
  Program check(dir, {"check", config, "--limit", "requests=7/1s"},
                {{"LLMQ_LIMIT", "requests=9/1s;tokens=4/1s"}});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.limits +requests=7/1s +--limit"));
}

TEST(Check, SaysWhatIsWrong) {
  const Directory dir;
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {R"({"models":[{"name":"m","limits":[{"requests":0,"per":"1m"}]}]})", "models[0].limits[0]"},
      {R"({"models":[{"name":"m","rpm":5,"limits":[{"requests":6,"per":"1m"}]}]})", "given twice"},
      {R"({"models":[{"name":"m","deployments":[{},{}]}]})", "2 deployments"},
      {R"({"models":[{"limits":[]}]})", "models[0].name"},
      {R"({"models":[{"name":"m"},{"name":"m"}]})", "given twice"},
      {R"({"history_max":1e300})", "history_max"},
      {R"({"log":{"level":"loud"}})", "log.level"},
      {R"([])", "object"},
      {"", "not valid JSON"},
  };
  for (const auto& bad : kBad) {
    Program check(dir, {"check", dir.write("c.json", bad.text)});
    EXPECT_EQ(check.wait(), 1) << bad.text;
    EXPECT_THAT(check.err(), HasSubstr(bad.says));
  }
}

TEST(Check, AFlagForEveryModelOverrulesAVariableForOne) {
  const Directory dir;
  const std::string config = dir.write("c.json", "{}");
  Program check(dir, {"check", config, "--limit", "requests=7/1s"},
                {{"LLMQ_LIMIT", "gpt-x:requests=9/1s"}, {"OPENAI_API_KEY", "k"}});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-x.limits +requests=7/1s +--limit"));
}

TEST(Check, TellsAProviderOfTheFileFromTheDefault) {
  const Directory dir;
  const std::string config = dir.write(
      "c.json", R"({"models": [{"name": "said", "provider": "openai"}, {"name": "unsaid"}]})");
  Program check(dir, {"check", config}, {{"OPENAI_API_KEY", "k"}});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("model.said.provider +openai +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.unsaid.provider +openai +default"));
}

TEST(Check, NamesADirectoryInPlaceOfAFile) {
  const Directory dir;
  Program check(dir, {"check", dir.path(".")});
  EXPECT_EQ(check.wait(), 1);
  EXPECT_THAT(check.err(), HasSubstr("config " + dir.path(".") + " is a directory"));
}

}  // namespace
}  // namespace llmq::test
