#include "core/limit/token_bucket.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

constexpr TimeNs kStart{5'000'000'000};

TEST(TokenBucket, HoldsItsCapacityAndRefills) {
  TokenBucket bucket(10, seconds(1), 5, {});
  EXPECT_EQ(bucket.level(kStart), 5);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(bucket.earliest(kStart, 1), kStart);
    bucket.charge(kStart, 1);
  }
  EXPECT_EQ(bucket.level(kStart), 0);
  EXPECT_EQ(bucket.earliest(kStart, 1), kStart + milliseconds(100));
  EXPECT_EQ(bucket.earliest(kStart, 5), kStart + milliseconds(500));
  EXPECT_EQ(bucket.level(kStart + milliseconds(250)), 2);
  EXPECT_EQ(bucket.level(kStart + seconds(9)), 5);
}

TEST(TokenBucket, LeavesRoomForTheJitterInBurstsAlone) {
  TokenBucket bucket(10, seconds(1), 5, milliseconds(100));
  bucket.charge(kStart, 1);
  EXPECT_EQ(bucket.earliest(kStart, 3), kStart);
  EXPECT_EQ(bucket.earliest(kStart, 4), kStart + milliseconds(100));
  bucket.charge(kStart, 4);
  TimeNs last = kStart;
  for (int i = 0; i < 10; ++i) {
    const TimeNs at = bucket.earliest(last, 1);
    bucket.charge(at, 1);
    if (i > 0) {
      EXPECT_EQ(at - last, milliseconds(100)) << "no rate is lost";
    }
    last = at;
  }
}

TEST(TokenBucket, WhatIsShownOnlyTakes) {
  TokenBucket bucket(10, seconds(1), 5, {});
  bucket.charge(kStart, 1);
  bucket.shown(kStart, kStart, 5, 0);
  EXPECT_EQ(bucket.level(kStart), 4);
  bucket.shown(kStart + milliseconds(10), kStart, 2, 0);
  EXPECT_EQ(bucket.level(kStart), 2);
}

TEST(TokenBucket, AnAnswerMayBeOlderThanTheCallsBehindIt) {
  TokenBucket bucket(10, seconds(1), 5, {});
  bucket.charge(kStart, 1);
  bucket.charge(kStart, 1);
  // Shown 4 after the first of them: the second is either in it or not.
  bucket.shown(kStart, kStart, 4, 1);
  EXPECT_EQ(bucket.level(kStart), 3);
}

TEST(TokenBucket, RefundsAreLostWhereItIsFull) {
  TokenBucket bucket(10, seconds(1), 5, {});
  bucket.charge(kStart, 3);
  bucket.refund(kStart, 2, kStart);
  EXPECT_EQ(bucket.level(kStart), 4);
  bucket.refund(kStart + seconds(1), 2, kStart);
  bucket.charge(kStart + seconds(1), 5);
  EXPECT_EQ(bucket.level(kStart + seconds(1)), 0);
}

// 4 of 5 taken at 0, of which the provider soon gave 3 back, so that it was full at 0.1 s; 5 more
// at 0.4 s emptied it. We hear of the 3 only now: they are gone.
TEST(TokenBucket, ALateRefundFillsNoBucketThatHasBeenFullSince) {
  TokenBucket bucket(10, seconds(1), 5, {});
  bucket.charge(kStart, 4);
  const TimeNs later = kStart + milliseconds(400);
  bucket.charge(later, 5);
  TimeNs full = bucket.full_after(kStart, kStart, 1);
  full = bucket.full_after(full, later, 5);
  bucket.refund(later, 3, full);
  EXPECT_EQ(bucket.level(later), 0);
  bucket.refund(later, 3, later);
  EXPECT_EQ(bucket.level(later), 3) << "given back at once it counts";
}

TEST(TokenBucket, AChangeKeepsWhatIsMissing) {
  TokenBucket bucket(10, seconds(1), 10, {});
  bucket.charge(kStart, 6);
  bucket.change(kStart, 20, seconds(1), 8, {});
  EXPECT_EQ(bucket.level(kStart), 2);
  EXPECT_EQ(bucket.earliest(kStart, 4), kStart + milliseconds(100));
}

}  // namespace
}  // namespace llmq::core
