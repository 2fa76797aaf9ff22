#include "mock/account.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <vector>

#include "mock/random.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<LimitSpec> limits_of(std::initializer_list<const char*> texts) {
  std::vector<LimitSpec> limits;
  for (const char* text : texts) limits.push_back(parse_limit(text).value());
  return limits;
}

TEST(Account, ARefusedCallIsChargedNowhere) {
  Account account(limits_of({"requests=100/6s", "tokens=100/6s"}), Charge::kArrivalMaxTokens, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {50, 40}));
  const auto refusal = account.arrive(seconds(1), {5, 6});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, LimitKind::kTokens);
  EXPECT_EQ(refusal->told.used, 90);
  EXPECT_EQ(refusal->requested, 11);
  EXPECT_EQ(refusal->wait, Nanos(seconds(5)));
  EXPECT_EQ(account.report()[0].accepted_units, 1);
  EXPECT_EQ(account.report()[1].accepted_units, 90);
  EXPECT_EQ(account.accepted(), 1);
  EXPECT_EQ(account.in_flight(), 1);
}

TEST(Account, NamesTheLimitWithTheLongestWait) {
  Account account(limits_of({"requests=1/1s", "requests=1/9s", "tokens=10/5s", "concurrency=1"}),
                  Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {10, 0}));
  const auto refusal = account.arrive(milliseconds(500), {10, 0});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->told.period, Nanos(seconds(9)));
  EXPECT_EQ(refusal->wait, Nanos(milliseconds(8500)));
}

TEST(Account, ACallThatNeverFitsIsTooLarge) {
  Account account(limits_of({"requests=1/1m", "tokens=100/6s,shape=bucket,burst=0.5"}),
                  Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {50, 0}));
  const auto refusal = account.arrive(Nanos(0), {51, 0});
  ASSERT_TRUE(refusal);
  EXPECT_TRUE(refusal->too_large);
  EXPECT_EQ(refusal->kind, LimitKind::kTokens);
}

TEST(Account, CountsConcurrencyUntilTheCallEnds) {
  Account account(limits_of({"concurrency=2", "concurrency=9"}), Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {1, 0}));
  EXPECT_FALSE(account.is_full());
  EXPECT_FALSE(account.arrive(Nanos(0), {1, 0}));
  EXPECT_TRUE(account.is_full());
  const auto refusal = account.arrive(Nanos(0), {1, 0});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, LimitKind::kConcurrency);
  EXPECT_EQ(refusal->told.amount, 2);
  EXPECT_GT(refusal->wait, Nanos(0));
  account.complete(Nanos(1), {});
  EXPECT_FALSE(account.arrive(Nanos(2), {1, 0}));
  account.abandon();
  EXPECT_FALSE(account.arrive(Nanos(3), {1, 0}));
  EXPECT_EQ(account.max_in_flight(), 2);
  EXPECT_EQ(account.report()[0].busiest_window, 2);
  EXPECT_EQ(account.last_accepted(), Nanos(3));
}

struct Charged {
  Charge charge;
  int64_t tokens_early, input_early, output_early;  // at arrival
  int64_t tokens, input, output;                    // in the end
};

class EveryCharge : public testing::TestWithParam<Charged> {};

TEST_P(EveryCharge, ChargesWhatItSaysWhenItSays) {
  const Charged& expected = GetParam();
  Account account(limits_of({"tokens=1000/6s", "input_tokens=1000/6s", "output_tokens=1000/6s",
                             "requests=10/6s"}),
                  expected.charge, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {30, 200}));
  std::vector<LimitReport> report = account.report();
  EXPECT_EQ(report[0].accepted_units, expected.tokens_early);
  EXPECT_EQ(report[1].accepted_units, expected.input_early);
  EXPECT_EQ(report[2].accepted_units, expected.output_early);
  EXPECT_EQ(report[3].accepted_units, 1);
  account.complete(seconds(1), {30, 12});
  report = account.report();
  EXPECT_EQ(report[0].accepted_units, expected.tokens);
  EXPECT_EQ(report[1].accepted_units, expected.input);
  EXPECT_EQ(report[2].accepted_units, expected.output);
  EXPECT_EQ(report[3].accepted_units, 1);
}

INSTANTIATE_TEST_SUITE_P(Charges, EveryCharge,
                         testing::Values(Charged{Charge::kArrivalInput, 30, 30, 0, 30, 30, 12},
                                         Charged{Charge::kArrivalMaxTokens, 230, 30, 200, 230, 30,
                                                 200},
                                         Charged{Charge::kCompletion, 0, 0, 0, 42, 30, 12}));

TEST(Account, ALimitChargedAtCompletionRefusesOnceItIsUsedUp) {
  Account account(limits_of({"tokens=100/6s"}), Charge::kCompletion, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {90, 900}));
  EXPECT_FALSE(account.arrive(Nanos(0), {90, 900}));  // nobody knows yet
  account.complete(seconds(1), {90, 20});
  const auto refusal = account.arrive(seconds(2), {1, 1});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->wait, Nanos(seconds(5)));
  EXPECT_EQ(account.report()[0].busiest_window, 110);
}

TEST(Account, IdealIsTheLargestOfItsLimits) {
  Account account(limits_of({"requests=2/1s", "tokens=100/6s", "concurrency=1"}),
                  Charge::kArrivalInput, 1);
  Nanos now{};
  for (int i = 0; i < 3; ++i) {
    while (const auto refusal = account.arrive(now, {60, 0})) now += refusal->wait;
    account.complete(now, {60, 1});
  }
  // 3 x 60 tokens take three windows of 100, 3 requests two windows of 2.
  EXPECT_EQ(account.report()[0].ideal, Nanos(seconds(1)));
  EXPECT_EQ(account.report()[1].ideal, Nanos(seconds(12)));
  EXPECT_EQ(account.ideal(), Nanos(seconds(12)));
  EXPECT_EQ(account.last_accepted(), Nanos(seconds(12)));
}

TEST(Account, NoShapeGivesMoreThanItsBusiestWindowMayHold) {
  // Any window of T touches at most two windows of a grid, and a bucket gives its capacity on top.
  const std::map<std::string, int64_t> most{{"requests=40/2s", 40},
                                            {"requests=40/2s,shape=fixed", 80},
                                            {"requests=40/2s,shape=quantised,slice=1s", 60},
                                            {"requests=40/2s,shape=bucket", 80},
                                            {"requests=40/2s,shape=bucket,burst=0.25", 50}};
  for (const auto& [text, bound] : most) {
    Account account({parse_limit(text).value()}, Charge::kArrivalInput, 3);
    Random random(3);
    Nanos now{};
    for (int i = 0; i < 5000; ++i) {
      now += Nanos(random.between(0, 6'000'000));
      if (!account.arrive(now, {1, 0})) account.complete(now, {1, 1});
    }
    const LimitReport report = account.report()[0];
    EXPECT_LE(report.busiest_window, bound) << text;
    EXPECT_GE(report.busiest_window, 40) << text;
    EXPECT_LE(report.max_used, 40) << text;
    EXPECT_GT(report.accepted_units, 200) << text;
  }
}

}  // namespace
}  // namespace llmq::mock
