#include "core/limit/sliding_ledger.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "tests/support/windows.h"

namespace llmq::core {
namespace {

using sim::Counted;

constexpr TimeNs kStart{1'000'000'000'007};

DurationNs bucket_of(DurationNs window) {
  return {window.ns /
          (window < seconds(3600) ? SlidingLedger::kBuckets : SlidingLedger::kBucketsOfDays)};
}

TEST(SlidingLedger, IsEmptyAtFirst) {
  SlidingLedger ledger(seconds(1));
  EXPECT_EQ(ledger.used(kStart), 0);
  EXPECT_EQ(ledger.earliest_at_most(kStart, 0), kStart);
  EXPECT_FALSE(ledger.alive(kStart, 0));
  EXPECT_FALSE(ledger.alive(kStart, 1));
}

TEST(SlidingLedger, CountsAChargeForExactlyTheWindow) {
  SlidingLedger ledger(seconds(6));
  ledger.charge(kStart, 10);
  EXPECT_EQ(ledger.used(kStart), 10);
  EXPECT_EQ(ledger.used(kStart + seconds(6) - nanoseconds(1)), 10);
  EXPECT_EQ(ledger.used(kStart + seconds(6)), 0);
}

TEST(SlidingLedger, SaysWhenEnoughHasLeft) {
  SlidingLedger ledger(seconds(6));
  for (int i = 0; i < 3; ++i) ledger.charge(kStart + seconds(i), 10);
  const TimeNs now = kStart + seconds(2);
  EXPECT_EQ(ledger.earliest_at_most(now, 30), now);
  EXPECT_EQ(ledger.earliest_at_most(now, 29), kStart + seconds(6));
  EXPECT_EQ(ledger.earliest_at_most(now, 20), kStart + seconds(6));
  EXPECT_EQ(ledger.earliest_at_most(now, 19), kStart + seconds(7));
  EXPECT_EQ(ledger.earliest_at_most(now, 0), kStart + seconds(8));
  EXPECT_EQ(ledger.earliest_at_most(now, -1), kNever);
}

TEST(SlidingLedger, RefundsGoIntoTheEntryCharged) {
  SlidingLedger ledger(seconds(6));
  const LedgerSeq first = ledger.charge(kStart, 10);
  ledger.charge(kStart + seconds(3), 10);
  EXPECT_TRUE(ledger.refund(kStart + seconds(4), first, 4));
  EXPECT_EQ(ledger.used(kStart + seconds(4)), 16);
  EXPECT_EQ(ledger.used(kStart + seconds(6)), 10) << "only the second charge is left";
}

TEST(SlidingLedger, RefusesARefundOfWhatHasLeft) {
  SlidingLedger ledger(seconds(6));
  const LedgerSeq first = ledger.charge(kStart, 10);
  ledger.charge(kStart + seconds(3), 10);
  EXPECT_FALSE(ledger.refund(kStart + seconds(6), first, 4));
  EXPECT_EQ(ledger.used(kStart + seconds(6)), 10);
}

TEST(SlidingLedger, SharesABucketOnlyWithinItsSpan) {
  const DurationNs span = bucket_of(seconds(6));
  SlidingLedger ledger(seconds(6));
  const LedgerSeq first = ledger.charge(kStart, 1);
  EXPECT_EQ(ledger.charge(kStart + span - nanoseconds(1), 1), first);
  EXPECT_NE(ledger.charge(kStart + span, 1), first);
}

TEST(SlidingLedger, WorksWithWindowsSmallerThanItsBuckets) {
  SlidingLedger ledger(nanoseconds(3));
  ledger.charge(kStart, 5);
  EXPECT_EQ(ledger.used(kStart + nanoseconds(2)), 5);
  EXPECT_EQ(ledger.used(kStart + nanoseconds(3)), 0);
}

// I2: between the exact window and one that is a bucket longer, whatever is charged and refunded.
TEST(SlidingLedger, I2_AgreesWithABruteForceOracle) {
  constexpr DurationNs kWindows[] = {milliseconds(1), seconds(1),    milliseconds(6'060),
                                     seconds(60),     seconds(3600), seconds(86'400)};
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const DurationNs window = kWindows[seed % 6];
    const DurationNs longer = window + bucket_of(window);
    SlidingLedger ledger(window);
    std::vector<Counted> entries;
    std::vector<LedgerSeq> seqs;
    TimeNs now = kStart;
    const int64_t step = window.ns / (int64_t{1} << random.between(1, 9));
    for (int i = 0; i < 600; ++i) {
      now = now + DurationNs{random.between(0, step)};
      if (random.between(0, 3) > 0) {
        const int64_t cost = random.between(0, 1000);
        seqs.push_back(ledger.charge(now, cost));
        entries.push_back(Counted{now, cost});
      } else if (!entries.empty()) {
        const auto which =
            static_cast<size_t>(random.between(0, static_cast<int64_t>(entries.size()) - 1));
        const int64_t cost = random.between(0, entries[which].cost);
        const bool in_window = now - entries[which].at < window;
        const bool taken = ledger.refund(now, seqs[which], cost);
        EXPECT_TRUE(taken || !in_window);
        if (taken) entries[which].cost -= cost;
      }
      const int64_t used = ledger.used(now);
      ASSERT_GE(used, sum_in_window(entries, now, window)) << "seed " << seed << " step " << i;
      ASSERT_LE(used, sum_in_window(entries, now, longer)) << "seed " << seed << " step " << i;

      const int64_t room = random.between(0, used);
      const TimeNs at = ledger.earliest_at_most(now, room);
      ASSERT_NE(at, kNever);
      SlidingLedger then = ledger;
      if (at > now) {
        ASSERT_GT(then.used(at - nanoseconds(1)), room) << "it could have been earlier";
      }
      ASSERT_LE(then.used(at), room) << "it is too early";
    }
  }
}

// I1: who charges only what fits never has more than N in any window, however the arrivals fall.
TEST(SlidingLedger, I1_NeverMoreThanTheAmountInAnyWindow) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const DurationNs window = {random.between(1'000'000, 10'000'000'000)};
    const int64_t amount = random.between(1, 2000);
    const int64_t largest = random.between(1, amount);
    SlidingLedger ledger(window);
    std::vector<Counted> entries;
    TimeNs now = kStart;
    for (int i = 0; i < 1500; ++i) {
      const int64_t cost = random.between(1, largest);
      const TimeNs at = ledger.earliest_at_most(now, amount - cost);
      ASSERT_NE(at, kNever);
      // Mostly at the first moment, where a mistake would show; at times after a pause.
      now = random.between(0, 20) > 0 ? at : at + DurationNs{random.between(0, window.ns)};
      ledger.charge(now, cost);
      entries.push_back(Counted{now, cost});
    }
    ASSERT_LE(sim::most_in_any_window(entries, window), amount) << "seed " << seed;
  }
}

struct Saturated {
  int64_t amount;
  DurationNs period;
};

class SlidingLedgerEfficiency : public testing::TestWithParam<Saturated> {};

// I5: a lone user reaches 99 % of what the margin for jitter leaves, even when the first calls
// trickled in so that every bucket is in use.
TEST_P(SlidingLedgerEfficiency, I5_LoneUserGetsWhatTheMarginLeaves) {
  const auto [amount, period] = GetParam();
  const DurationNs jitter{
      std::max<int64_t>(20'000'000, std::min<int64_t>(250'000'000, period.ns / 100))};
  const DurationNs window = period + jitter;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    Random random(seed);
    SlidingLedger ledger(window);
    TimeNs now = kStart;
    for (int64_t i = 0; i < amount; ++i) {
      now = now + DurationNs{random.between(0, 2 * window.ns / amount)};
      now = ledger.earliest_at_most(now, amount - 1);
      ledger.charge(now, 1);
    }
    constexpr int kWindows = 20;
    const TimeNs begin = now;
    const TimeNs end = begin + DurationNs{kWindows * window.ns};
    int64_t admitted = 0;
    for (;;) {
      now = ledger.earliest_at_most(now, amount - 1);
      if (now > end) break;
      ledger.charge(now, 1);
      ++admitted;
    }
    const double ideal = static_cast<double>(amount) * kWindows;  // T/(T+J) x N, per T
    EXPECT_GE(static_cast<double>(admitted), 0.99 * ideal) << "seed " << seed;
    EXPECT_LE(admitted, amount * (kWindows + 1));
  }
}

INSTANTIATE_TEST_SUITE_P(SeveralLimits, SlidingLedgerEfficiency,
                         testing::Values(Saturated{1, seconds(1)}, Saturated{7, seconds(1)},
                                         Saturated{300, seconds(6)}, Saturated{5000, seconds(6)},
                                         Saturated{500, seconds(60)}, Saturated{3000, seconds(60)},
                                         Saturated{10'000, seconds(3600)},
                                         Saturated{4'000, seconds(86'400)}));

}  // namespace
}  // namespace llmq::core
