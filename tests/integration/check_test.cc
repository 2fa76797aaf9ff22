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
      {R"({"models":[{"name":"m","deployments":[{"name":"a"},{"name":"a"}]}]})", "given twice"},
      {R"({"models":[{"limits":[]}]})", "models[0].name"},
      {R"({"models":[{"name":"m"},{"name":"m"}]})", "given twice"},
      {R"({"history_max":1e300})", "history_max"},
      {R"({"log":{"level":"loud"}})", "log.level"},
      {R"({"models":[{"name":"m","limits":["cost=5/1d"]}]})", "price_input"},
      {R"({"models":[{"name":"m","pool":"p"}]})", "there is no pool"},
      {R"({"pools":[{"name":"p","limits":[]}]})", "the pool has no limits"},
      {R"({"models":[{"name":"m","limits":["requests=5/6s,burst=2"],"shape":"fixed"}]})",
       "burst=2 belongs to"},
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

TEST(Check, APresetBringsProviderAndLimits) {
  const Directory dir;
  const std::string empty = dir.write("empty.json", "{}");
  Program check(dir, {"check", empty, "--preset", "groq/free"}, {{"GROQ_API_KEY", "k"}});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("provider +groq +default"));
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  Program run(dir, {"run", in, "--dry-run", "--preset", "mistral/free"});
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("requests/1s"));
  Program list(dir, {"presets"});
  ASSERT_EQ(list.wait(), 0) << list.err();
  EXPECT_THAT(list.out(), HasSubstr("openai/tier-1 (as of "));
  EXPECT_THAT(list.out(), HasSubstr("  prices as of 20"));
  EXPECT_THAT(list.out(), HasSubstr("; per million tokens: 2.50 in, 1.25 cached, 10 out"));
  Program wrong(dir, {"run", in, "--dry-run", "--preset", "openai/tier-77"});
  EXPECT_EQ(wrong.wait(), 1);
  EXPECT_THAT(wrong.err(), HasSubstr("llmq presets lists them"));
}

// A key of one provider must not go where a variable of another one's programs points.
TEST(Check, TheVariableOfOpenAiIsForThatProviderAlone) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({"models": [
    {"name": "a", "provider": "anthropic"}, {"name": "o", "provider": "openai"}]})");
  const std::map<std::string, std::string> environment = {{"OPENAI_BASE_URL", "https://gateway/v1"},
                                                          {"OPENAI_API_KEY", "k"},
                                                          {"ANTHROPIC_API_KEY", "k"}};
  Program check(dir, {"check", config}, environment);
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(),
              ContainsRegex("model.a.base_url +https://api.anthropic.com/v1 +default"));
  EXPECT_THAT(check.out(), ContainsRegex("model.o.base_url +https://gateway/v1 +OPENAI_BASE_URL"));
  const std::string empty = dir.write("empty.json", "{}");
  Program flag(dir, {"check", empty, "--provider", "mistral"}, environment);
  ASSERT_EQ(flag.wait(), 0) << flag.err();
  EXPECT_THAT(flag.out(), ::testing::Not(HasSubstr("https://gateway")));
}

TEST(Check, ALimitOfOneModelReplacesThatOfItsKindAndPeriodAlone) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({"models": [
    {"name": "gpt-4o", "provider": "mock", "rpm": 500, "limits": ["concurrency=8"]},
    {"name": "other", "provider": "mock", "rpm": 400}]})");
  Program check(
      dir, {"check", config, "--limit", "gpt-4o:requests=7/1m", "--limit", "gpt-4o:tokens=9/1m"});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.limit +requests=7/1m;tokens=9/1m +--limit"));
  EXPECT_THAT(check.out(), ContainsRegex("model.gpt-4o.limits +concurrency=8 +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.other.limit +- +default"));

  const std::string in = dir.write("in.jsonl", chat_lines(1));
  Program twice(dir, {"run", in, "--dry-run", "--config", config, "--limit", "gpt-4o:requests=7/1m",
                      "--limit", "gpt-4o:requests=8/1m"});
  EXPECT_EQ(twice.wait(), 1);
  EXPECT_THAT(twice.err(), HasSubstr("requests/1m is given twice, as 7 and as 8"));
}

// The file's 500 a minute are gone, its limit per second stays: 5 and 2 start in each minute, the
// last one after 121 s, and it lasts 2 s.
TEST(Check, ARunObeysTheLimitOfOneModel) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({"models": [
    {"name": "m", "provider": "mock", "rpm": 500, "limits": ["requests=5/1s,jitter=0s"]}]})");
  const std::string in = dir.write("in.jsonl", chat_lines(20, 60));
  Program before(dir, {"run", in, "--dry-run", "--config", config});
  EXPECT_EQ(before.wait(), 0) << before.err();
  EXPECT_THAT(before.out(), HasSubstr("bound by requests/1s"));
  Program after(
      dir, {"run", in, "--dry-run", "--config", config, "--limit", "m:requests=7/1m,jitter=0s"});
  EXPECT_EQ(after.wait(), 0) << after.err();
  EXPECT_THAT(after.out(), HasSubstr("time       2.05 minutes, bound by requests/1m"));
}

TEST(Check, AMissingKeyIsAWarning) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({"models": [
    {"name": "a", "provider": "openai", "api_key_env": "LLMQ_TEST_A"},
    {"name": "b", "provider": "openai", "api_key_env": "LLMQ_TEST_B"}]})");
  Program check(dir, {"check", config});
  EXPECT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.err(), HasSubstr("warning: model a: the environment variable LLMQ_TEST_A"));
  EXPECT_THAT(check.err(), HasSubstr("warning: model b: the environment variable LLMQ_TEST_B"));
  const std::string file = dir.write("d.json", R"({"models": [
    {"name": "a", "provider": "openai", "api_key_file": "/nowhere/key"}]})");
  Program unreadable(dir, {"check", file});
  EXPECT_EQ(unreadable.wait(), 1);
  EXPECT_THAT(unreadable.err(), HasSubstr("/nowhere/key"));
}

TEST(Check, ShowsPoolsTenantsAndPrices) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({
    "pools": [{"name": "account", "limits": [{"tokens": 90000, "per": "1m"}]}],
    "tenants": [{"name": "a", "weight": 3}],
    "models": [{"name": "m", "provider": "mock", "pool": ["account"], "price_input": 0.15,
      "limits": [{"requests": 300, "per": "6s", "shape": "bucket", "burst": 30}]}]})");
  Program check(dir, {"check", config, "--price-output", "0.6"});
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), ContainsRegex("pool.account.limits +tokens=90000/1m +file"));
  EXPECT_THAT(check.out(), ContainsRegex("pool.account.shape +sliding +default"));
  EXPECT_THAT(check.out(), ContainsRegex("tenant.a.weight +3 +file"));
  EXPECT_THAT(check.out(), ContainsRegex("tenant.\\*.weight +1 +default"));
  EXPECT_THAT(check.out(), ContainsRegex("model.m.pool +account +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.m.price_input +0.15 +file"));
  EXPECT_THAT(check.out(), ContainsRegex("model.m.price_output +0.6 +--price-output"));
  EXPECT_THAT(check.out(),
              ContainsRegex("model.m.limits +requests=300/6s,shape=bucket,burst=30 +file"));
}

TEST(Check, NamesADirectoryInPlaceOfAFile) {
  const Directory dir;
  Program check(dir, {"check", dir.path(".")});
  EXPECT_EQ(check.wait(), 1);
  EXPECT_THAT(check.err(), HasSubstr("config " + dir.path(".") + " is a directory"));
}

}  // namespace
}  // namespace llmq::test
