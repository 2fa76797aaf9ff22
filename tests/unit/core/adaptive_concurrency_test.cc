#include "core/policy/adaptive_concurrency.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/random.h"

namespace llmq::core {
namespace {

constexpr TimeNs kStart{1'000'000'000'007};
constexpr DurationNs kRound = seconds(1);
constexpr int64_t kMost = 100;

// As many successes as it takes for a bound of that size to grow once, all of them needing it.
void clean_round(AdaptiveConcurrency& load, TimeNs now) {
  const int64_t bound = load.bound();
  for (int64_t i = 0; i < bound; ++i) load.succeeded(now, bound - 1, kMost);
}

TEST(AdaptiveConcurrency, IsNotThereUntilOverloadIsMet) {
  AdaptiveConcurrency load;
  for (int i = 0; i < 10'000; ++i) load.succeeded(kStart, i % 100, kMost);
  EXPECT_FALSE(load.bounds());
}

TEST(AdaptiveConcurrency, ACutIsTheShareThatWasRefusedAtMostATenth) {
  for (const int good : {0, 5, 20, 30, 60, 90}) {
    AdaptiveConcurrency load;
    for (int i = 0; i < good; ++i) load.succeeded(kStart, 99, kMost);
    load.overloaded(kStart, 99, kMost, kRound);
    const int64_t share = kMost / (good + 1);
    EXPECT_EQ(load.bound(), kMost - std::clamp<int64_t>(share, 1, kMost / 10)) << good;
  }
}

TEST(AdaptiveConcurrency, OneCutPerRound) {
  AdaptiveConcurrency load;
  for (int i = 0; i < 200; ++i) load.succeeded(kStart, 99, kMost);
  load.overloaded(kStart, 99, kMost, kRound);
  const int64_t bound = load.bound();
  for (int i = 1; i < 10; ++i) load.overloaded(kStart + milliseconds(100 * i), 99, kMost, kRound);
  EXPECT_EQ(load.bound(), bound);
  load.overloaded(kStart + kRound, 99, kMost, kRound);
  EXPECT_LT(load.bound(), bound);
}

TEST(AdaptiveConcurrency, AWaveOfRefusalsLeavesWhatWasAccepted) {
  AdaptiveConcurrency load;
  for (int64_t others = 99; others >= 8; --others) {
    load.overloaded(kStart, others, kMost, kRound);
    EXPECT_LE(load.bound(), std::max<int64_t>(others, 90)) << "no place is filled again";
  }
  EXPECT_EQ(load.bound(), 8);
  load.succeeded(kStart - seconds(2), 7, kMost);
  EXPECT_EQ(load.bound(), 8);
  load.succeeded(kStart + seconds(2), 7, kMost);
  EXPECT_EQ(load.bound(), 8);
}

TEST(AdaptiveConcurrency, AnOutageWhileOldCallsGoOnIsNoWave) {
  AdaptiveConcurrency load;
  for (int64_t others = 99; others >= 0; --others) {  // each end makes room for one that is refused
    load.overloaded(kStart + milliseconds(100), others, kMost, kRound);
    if (others > 0) load.succeeded(kStart, others - 1, kMost);
  }
  EXPECT_EQ(load.bound(), 1);
  EXPECT_TRUE(load.ramps()) << "up to what it was before";
}

TEST(AdaptiveConcurrency, WhereNothingWasAcceptedItRampsUpToWhatItWas) {
  AdaptiveConcurrency load;
  for (int64_t others = 99; others >= 0; --others) load.overloaded(kStart, others, kMost, kRound);
  EXPECT_EQ(load.bound(), 1);
  EXPECT_TRUE(load.ramps());
  load.succeeded(kStart, 0, kMost);
  EXPECT_EQ(load.bound(), 1) << "it had begun before the last refusal";
  for (int64_t running = 1; running < 90; ++running) {
    EXPECT_EQ(load.bound(), running);
    load.succeeded(kStart + kRound, 0, kMost);
  }
  EXPECT_EQ(load.bound(), 90);
  EXPECT_FALSE(load.ramps());
}

TEST(AdaptiveConcurrency, WhatWasRefusedIsTriedAgainMoreAndMoreSeldom) {
  AdaptiveConcurrency load;
  for (int64_t others = 99; others >= 8; --others) load.overloaded(kStart, others, kMost, kRound);
  load.succeeded(kStart + kRound, 7, kMost);
  TimeNs now = kStart;
  for (const int rounds : {1, 2, 4, 8, 8}) {
    for (int round = 0; round < rounds; ++round) {
      EXPECT_EQ(load.bound(), 8);
      clean_round(load, now);
    }
    EXPECT_EQ(load.bound(), 9);
    load.overloaded(now, 8, kMost, kRound);  // not later than a round: a try needs no time to show
    EXPECT_EQ(load.bound(), 8);
  }
}

TEST(AdaptiveConcurrency, WhatHoldsIsPassedFasterAndFaster) {
  AdaptiveConcurrency load;
  for (int64_t others = 99; others >= 8; --others) load.overloaded(kStart, others, kMost, kRound);
  load.succeeded(kStart + kRound, 7, kMost);
  for (const int64_t bound : {9, 11, 13, 16, 20, 25, 31, 38, 47, 58, 72, 90}) {
    clean_round(load, kStart);
    EXPECT_EQ(load.bound(), bound);
  }
  clean_round(load, kStart);
  EXPECT_FALSE(load.bounds()) << "what is configured decides again";
}

TEST(AdaptiveConcurrency, DoesNotGrowWhereItHoldsNothingBack) {
  AdaptiveConcurrency load;
  load.overloaded(kStart, 99, kMost, kRound);
  EXPECT_EQ(load.bound(), 90);
  for (int i = 0; i < 1'000; ++i) load.succeeded(kStart + kRound, 43, kMost);
  EXPECT_EQ(load.bound(), 90);
  for (int i = 0; i < 90; ++i) load.succeeded(kStart + kRound, 44, kMost);
  EXPECT_EQ(load.bound(), 91);
}

TEST(AdaptiveConcurrency, APauseLetsOneGoFirst) {
  AdaptiveConcurrency load;
  load.overloaded(kStart, 50, kMost, kRound);
  load.closed();
  EXPECT_EQ(load.bound(), 1);
  load.succeeded(kStart, 50, kMost);
  EXPECT_EQ(load.bound(), 1) << "it had begun before";
  load.succeeded(kStart + kRound, 0, kMost);
  EXPECT_EQ(load.bound(), 2);
}

TEST(AdaptiveConcurrency, IsNeverBelowOneNorAboveWhatIsConfigured) {
  Random random(5);
  for (int run = 0; run < 50; ++run) {
    AdaptiveConcurrency load;
    TimeNs now = kStart;
    const int64_t most = random.between(1, 300);
    const int64_t bad = random.between(0, 100);
    for (int i = 0; i < 3'000; ++i) {
      now = now + milliseconds(random.between(0, 500));
      const int64_t others = random.between(0, std::min(most, load.bound())) - 1;
      if (random.between(0, 99) < bad) {
        load.overloaded(now, std::max<int64_t>(others, 0), most, kRound);
        if (random.between(0, 20) == 0) load.closed();
        if (random.between(0, 20) == 0) load.told(random.between(-1, 5));
      } else {
        load.succeeded(now - milliseconds(random.between(0, 3'000)), std::max<int64_t>(others, 0),
                       most);
      }
      ASSERT_GE(load.bound(), 1);
      ASSERT_TRUE(!load.bounds() || load.bound() <= most);
    }
  }
}

}  // namespace
}  // namespace llmq::core
