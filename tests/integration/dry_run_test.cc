// `llmq run --dry-run`: what a file would take and cost. Nothing is sent, nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// 30 requests under 10 a minute: the last one starts after two minutes and the margins for jitter,
// and lasts 1 s and 60 tokens at 60 a second.
TEST(DryRun, TellsLinesTokensCostMinutesAndTheLimitThatBinds) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(30, 60));
  Program run(dir, {"run", in, "--dry-run", "--limit", "requests=10/1m,jitter=0s", "--limit",
                    "tokens=1000000/1m", "--price-input", "1", "--price-output", "2.5", "--summary",
                    dir.path("s")});
  ASSERT_EQ(run.wait(), 0) << run.err();
  EXPECT_THAT(run.out(),
              AllOf(HasSubstr("lines      30, bad 0"), HasSubstr("requests   30\n"),
                    HasSubstr(" in + 1800 out at most"), ContainsRegex("cost +0.00471 at most"),
                    HasSubstr("time       2.03 minutes, bound by requests/1m")));
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "requests"), 30);
  EXPECT_EQ(number(summary, "lines"), 30);
  EXPECT_EQ(number(summary, "output_tokens"), 1800);
  EXPECT_EQ(number(summary, "duration_ms"), 122'000);
}

// No key is needed, no server is there, and an output that exists stays as it is.
TEST(DryRun, NeedsNoKeySendsNothingAndLeavesTheOutputAlone) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const std::string out = dir.write("out.jsonl", "as it was");
  Mock mock(dir);
  Program with_output(dir, {"run", in, "-o", out, "--dry-run", "--base-url", mock.url(), "--limit",
                            "tokens=900/1m"});
  EXPECT_EQ(with_output.wait(), 0) << with_output.err();
  EXPECT_EQ(dir.read("out.jsonl"), "as it was");
  EXPECT_EQ(number(mock.stop(), "requests"), 0);
  Program without(dir, {"run", in, "--dry-run", "--base-url", "https://api.openai.com/v1"});
  EXPECT_EQ(without.wait(), 0) << without.err();
  EXPECT_THAT(without.out(), Not(HasSubstr("cost")));
}

TEST(DryRun, CountsLinesThatWouldFailAndNamesThem) {
  const Directory dir;
  const std::string in = dir.write(
      "in.jsonl", chat_line("a") + "oops\n\n" + chat_line("a") + chat_line("big", "hello", 5000));
  Program run(dir, {"run", in, "--dry-run", "--limit", "tokens=1000/1m"});
  EXPECT_EQ(run.wait(), 2);
  EXPECT_THAT(run.out(), AllOf(HasSubstr("lines      4, bad 3"),
                               HasSubstr("requests   1, and 1 larger than a limit")));
  EXPECT_THAT(run.err(),
              AllOf(HasSubstr("line 2: it is not valid JSON"),
                    HasSubstr("line 4: custom_id \"a\" was used before, on line 1"),
                    ContainsRegex("line 5: .*limit tokens/1m of model .*, which is 1000")));
}

TEST(DryRun, NamesLinesWithAModelThatNoneCanBe) {
  const Directory dir;
  const auto line = [](const char* id, const char* model) {
    return std::string(R"({"custom_id":")") + id +
           R"(","url":"/v1/chat/completions","body":{"model":")" + model + "\"}}\n";
  };
  const std::string in =
      dir.write("in.jsonl", line("1", "a") + line("2", R"(a\tb)") + line("3", "a.deployments."));
  Program run(dir, {"run", in, "--dry-run"});
  EXPECT_EQ(run.wait(), 2);
  EXPECT_THAT(run.out(), HasSubstr("lines      3, bad 2"));
  EXPECT_THAT(run.err(), AllOf(HasSubstr("line 2: body.model holds a control character"),
                               HasSubstr("line 3: body.model")));
}

TEST(DryRun, TellsOfEachModelAndOfPools) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({
    "pools": [{"name": "account", "limits": ["requests=2/1m"]}],
    "models": [{"name": "a", "pool": "account"}, {"name": "b", "pool": "account"}]})");
  const auto line = [](const char* id, const char* model) {
    return std::string(R"({"custom_id":")") + id +
           R"(","url":"/v1/chat/completions","body":{"model":")" + model + "\"}}\n";
  };
  const std::string in = dir.write("in.jsonl", line("1", "a") + line("2", "b") + line("3", "a") +
                                                   line("4", "b") + line("5", "c"));
  Program run(dir, {"run", in, "--dry-run", "--config", config});
  EXPECT_EQ(run.wait(), 2);
  EXPECT_THAT(run.out(), AllOf(HasSubstr("model a\n  requests   2\n"), HasSubstr("model b\n"),
                               HasSubstr("bound by requests/1m of pool account")));
  EXPECT_THAT(run.err(), HasSubstr("line 5: model \"c\" is not in the configuration"));
}

TEST(DryRun, TellsThatTheBudgetDoesNotDo) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(30, 60));
  const auto run_with = [&](const char* max_cost) {
    return Arguments{"run", in,           "--dry-run", "--price-input", "1", "--price-output",
                     "2.5", "--max-cost", max_cost};
  };
  Program little(dir, run_with("0.004"));  // of 0.00471
  EXPECT_EQ(little.wait(), 0) << little.err();
  EXPECT_THAT(little.out(), HasSubstr("passes --max-cost 0.004"));
  Program enough(dir, run_with("0.005"));
  EXPECT_EQ(enough.wait(), 0) << enough.err();
  EXPECT_THAT(enough.out(), Not(HasSubstr("--max-cost")));
  Program wrong(dir, run_with("five"));
  EXPECT_EQ(wrong.wait(), 1);
  EXPECT_THAT(wrong.err(), HasSubstr("--max-cost"));
}

TEST(DryRun, RefusesWhatItCannotPlan) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  Program resume(dir, {"run", in, "-o", dir.path("out"), "--dry-run", "--resume"});
  EXPECT_EQ(resume.wait(), 1);
  EXPECT_THAT(resume.err(), HasSubstr("--resume"));
  Program empty(dir, {"run", dir.write("empty", ""), "--dry-run"});
  EXPECT_EQ(empty.wait(), 1);
  EXPECT_THAT(empty.err(), HasSubstr("is empty"));
  Program blank(dir, {"run", dir.write("blank", "\n\n"), "--dry-run"});
  EXPECT_EQ(blank.wait(), 1);
  EXPECT_THAT(blank.err(), HasSubstr("holds no requests"));
  Program limit(dir, {"run", in, "--dry-run", "--limit", "requests=9/1m,shape=fixed,burst=3"});
  EXPECT_EQ(limit.wait(), 1);
  EXPECT_THAT(limit.err(), AllOf(HasSubstr("--limit"), HasSubstr("burst=3 belongs to")));
  Program no_output(dir, {"run", in, "--provider", "mock"});
  EXPECT_EQ(no_output.wait(), 1);
  EXPECT_THAT(no_output.err(), HasSubstr("--output is required"));
}

TEST(DryRun, ReadsStandardInput) {
  const Directory dir;
  Program run(dir, {"run", "-", "--dry-run"}, {}, chat_lines(5));
  EXPECT_EQ(run.wait(), 0) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("lines      5, bad 0"));
}

}  // namespace
}  // namespace llmq::test
