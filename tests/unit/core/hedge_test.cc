// When a call counts as slow, and how many second calls that pays for (policy/hedge.h).
#include "core/policy/hedge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

TEST(FirstOutputs, KnowsNothingUntilEnoughWereSeen) {
  FirstOutputs outputs;
  for (size_t i = 0; i + 1 < FirstOutputs::kEnough; ++i) {
    outputs.add(milliseconds(100));
    EXPECT_FALSE(outputs.known());
  }
  outputs.add(milliseconds(100));
  EXPECT_TRUE(outputs.known());
  EXPECT_EQ(outputs.p95(), milliseconds(100));
}

TEST(FirstOutputs, NineteenOfTwentyTookNoLonger) {
  Random random(1);
  FirstOutputs outputs;
  std::vector<int64_t> all;
  for (int i = 0; i < 1'000; ++i) {
    all.push_back(random.between(1, 10'000));
    outputs.add(milliseconds(all.back()));
    if (all.size() < FirstOutputs::kEnough || all.size() % 8 != 0) continue;
    const size_t kept = std::min(all.size(), FirstOutputs::kKept);
    std::vector<int64_t> last(all.end() - static_cast<std::ptrdiff_t>(kept), all.end());
    std::sort(last.begin(), last.end());
    const DurationNs told = outputs.p95();
    const auto longer = std::count_if(last.begin(), last.end(),
                                      [told](int64_t ms) { return milliseconds(ms) > told; });
    EXPECT_LE(longer * 20, static_cast<std::ptrdiff_t>(kept));
    EXPECT_GT((longer + 1) * 20, static_cast<std::ptrdiff_t>(kept) - 20) << "nor much less";
  }
}

TEST(FirstOutputs, FollowsAChange) {
  FirstOutputs outputs;
  for (int i = 0; i < 500; ++i) outputs.add(milliseconds(100));
  for (size_t i = 0; i < FirstOutputs::kKept; ++i) outputs.add(seconds(2));
  EXPECT_EQ(outputs.p95(), seconds(2));
}

TEST(HedgeBudget, BeginsWithNothing) {
  HedgeBudget budget;
  EXPECT_FALSE(budget.covers(0));
  EXPECT_FALSE(budget.covers(1));
}

TEST(HedgeBudget, OneOfFiftyCallsOfASize) {
  HedgeSpec spec;
  HedgeBudget budget;
  int spent = 0;
  for (int i = 1; i <= 1'000; ++i) {
    budget.attempt(700, spec);
    if (!budget.covers(700)) continue;
    budget.spend(700);
    ++spent;
    EXPECT_EQ(i % 50, 0);
  }
  EXPECT_EQ(spent, 20);
}

TEST(HedgeBudget, CallsWithoutTokensCountAsCalls) {
  HedgeSpec spec;
  HedgeBudget budget;
  for (int i = 0; i < 49; ++i) budget.attempt(0, spec);
  EXPECT_FALSE(budget.covers(0));
  budget.attempt(0, spec);
  EXPECT_TRUE(budget.covers(0));
}

TEST(HedgeBudget, AQuietTimeSavesUpFewCalls) {
  HedgeSpec spec;
  HedgeBudget budget;
  for (int i = 0; i < 100'000; ++i) budget.attempt(100, spec);
  int burst = 0;
  while (budget.covers(100)) {
    budget.spend(100);
    ++burst;
  }
  EXPECT_EQ(burst, HedgeBudget::kCallsSaved);
}

TEST(HedgeBudget, NeverMoreThanItsPartWhateverComes) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    HedgeSpec spec;
    spec.percent = random.between(0, 100);
    HedgeBudget budget;
    int64_t all = 0;
    int64_t spent = 0;
    for (int i = 0; i < 2'000; ++i) {
      const int64_t tokens = random.between(1, random.between(1, 100'000));
      if (random.between(0, 2) > 0) {
        budget.attempt(tokens, spec);
        all += tokens;
      } else if (budget.covers(tokens)) {
        budget.spend(tokens);
        spent += tokens;
      }
      ASSERT_LE(spent * 100, all * spec.percent) << "seed " << seed;
    }
    EXPECT_TRUE(spec.percent < 5 || spent > 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace llmq::core
