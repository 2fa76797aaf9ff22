// Money: --max-cost, prices, and what the summary tells of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

// 40 output tokens at 100 a million: 0.004 at most for each, less when it has been answered.
const Arguments kPrices = {"--price-input", "0", "--price-output", "100"};

Arguments run_of(const Directory& dir, const std::string& in, const Arguments& more) {
  Arguments all = {"run",        in,     "-o",        dir.path("out"),
                   "--provider", "mock", "--summary", dir.path("s")};
  all.insert(all.end(), kPrices.begin(), kPrices.end());
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(MaxCost, IsNeverPassedAndTheRestIsLeftForResume) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(100, 40));
  Program first(dir, run_of(dir, in, {"--max-cost", "0.05"}));
  ASSERT_EQ(first.wait(), 3) << first.err();
  EXPECT_THAT(first.err(), HasSubstr("the next call would pass --max-cost 0.05"));
  base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  const double completed = number(summary, "completed");
  EXPECT_LE(number(summary, "cost"), 0.05);
  EXPECT_GT(number(summary, "cost") + 0.004, 0.05) << "it stopped though there was money";
  EXPECT_DOUBLE_EQ(number(summary, "cost"), number(summary, "output_tokens") * 100 / 1e6);
  EXPECT_EQ(number(summary, "max_cost"), 0.05);
  EXPECT_GE(completed, 12) << "at least what the estimates allow";
  EXPECT_EQ(number(summary, "left"), 100 - completed);
  EXPECT_EQ(json_lines(dir.read("out")).size(), static_cast<size_t>(completed));

  Program second(dir, run_of(dir, in, {"--max-cost", "9", "--resume"}));
  EXPECT_EQ(second.wait(), 0) << second.err();
  summary.reset(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "skipped"), completed);
  EXPECT_EQ(number(summary, "completed"), 100 - completed);
  EXPECT_EQ(json_lines(dir.read("out")).size(), 100U);
}

TEST(MaxCost, MayAllowNothingAtAll) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(5, 40));
  Program run(dir, run_of(dir, in, {"--max-cost", "0.003999"}));
  EXPECT_EQ(run.wait(), 3) << run.err();
  EXPECT_FALSE(dir.has("out"));
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "cost"), 0);
  EXPECT_EQ(number(summary, "left"), 5);
}

// Calls that the provider refused or failed cost nothing; nobody knows of one that timed out.
TEST(MaxCost, CountsWhatMayHaveBeenBilled) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(4, 40));
  const std::string failing =
      dir.write("c.json", R"({"models": [{"name": "*", "mock": {"fail_server": 1}}]})");
  Program failed(
      dir, run_of(dir, in, {"--config", failing, "--max-attempts", "1", "--max-cost", "0.004"}));
  EXPECT_EQ(failed.wait(), 2) << failed.err();
  const std::string hanging = dir.write(
      "d.json", R"({"models": [{"name": "*", "mock": {"fail_hang": 1}, "timeout_ms": 20}]})");
  Program hung(
      dir, run_of(dir, in,
                  {"--config", hanging, "--max-attempts", "1", "--max-cost", "0.008", "--force"}));
  EXPECT_EQ(hung.wait(), 3) << hung.err();
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "failed"), 2);
  EXPECT_EQ(number(summary, "cost"), 0.008);
}

TEST(MaxCost, NeedsPricesAndAnAmount) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  const Arguments plain = {"run", in, "-o", dir.path("out"), "--provider", "mock", "--max-cost"};
  Arguments none = plain;
  none.emplace_back("5");
  Program unpriced(dir, none);
  EXPECT_EQ(unpriced.wait(), 1);
  EXPECT_THAT(unpriced.err(), HasSubstr("--max-cost needs prices: --price-input"));
  for (const char* bad : {"0", "five", "1.2345678", "-1", "1e9"}) {
    Arguments wrong = plain;
    wrong.emplace_back(bad);
    Program run(dir, wrong);
    EXPECT_EQ(run.wait(), 1) << bad;
    EXPECT_THAT(run.err(), HasSubstr("--max-cost")) << bad;
  }
  Program price(dir,
                {"run", in, "-o", dir.path("out"), "--provider", "mock", "--price-input", "x"});
  EXPECT_EQ(price.wait(), 1);
  EXPECT_THAT(price.err(), HasSubstr("--price-input: model.*.price_input: \"x\""));
  EXPECT_FALSE(dir.has("out"));
}

TEST(Cost, IsInTheSummaryWhereThereArePrices) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(5, 40));
  Mock mock(dir);
  Program run(dir, {"run", in, "-o", dir.path("out"), "--base-url", mock.url(), "--summary",
                    dir.path("s"), "--price-input", "1.5", "--price-output", "100"});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  const double expected =
      (number(summary, "input_tokens") * 1.5 + number(summary, "output_tokens") * 100) / 1e6;
  EXPECT_NEAR(number(summary, "cost"), expected, 5e-6) << "each call is rounded up to a millionth";
  EXPECT_FALSE(cJSON_HasObjectItem(summary.get(), "max_cost"));
}

}  // namespace
}  // namespace llmq::test
