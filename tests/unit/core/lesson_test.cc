// What refusals alone have taught holds for a day, then it is tried again.
#include <gtest/gtest.h>

#include <vector>

#include "core/limit/limit.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

constexpr TimeNs kStart{777'000'000'000'123};
constexpr DurationNs kPeriod = seconds(6);
constexpr DurationNs kDay = seconds(24 * 3600);

LimitSpec auto_spec() {
  LimitSpec spec = sim::per_period(LimitKind::kRequests, 300, kPeriod, ChargeModel::kArrival,
                                   default_jitter(kPeriod));
  spec.shape = Shape::kAuto;
  return spec;
}

// One limit and its calls, without a provider: the test says how each call ends.
struct Calls {
  Limit limit{auto_spec()};
  TimeNs now = kStart;
  std::vector<Hold> holds;

  void send(int count) {
    for (int i = 0; i < count; ++i) {
      const TimeNs at = limit.earliest(now, 1);
      ASSERT_NE(at, kNever);
      now = std::max(now, at);
      holds.emplace_back();
      limit.reserve(now, holds.back(), 1);
      limit.sent(now, holds.back());
    }
  }
  void accept_all() {
    now = now + milliseconds(2);
    for (Hold& hold : holds) {
      limit.settle(now, hold, Settlement{Settlement::Kind::kKnown, {}});
    }
    holds.clear();
  }
  void refuse_last(DurationNs retry_after) {
    now = now + milliseconds(2);
    Refusal refusal;
    refusal.retry_after = retry_after;
    limit.refused(now, &holds.back(), refusal);
    limit.settle(now, holds.back(), Settlement{Settlement::Kind::kRejected, {}});
    holds.pop_back();
  }
};

// The ramp of a first burst ends there, so somebody who waits may start earlier than he was told.
TEST(Lesson, I7_TheAnswerThatProvesABurstMakesRoom) {
  Calls calls;
  calls.send(1);
  Observation shown;
  shown.limit = 300;
  shown.remaining = 299;
  shown.reset = kPeriod;
  calls.limit.observe(calls.now, &calls.holds[0], shown);
  calls.send(280);
  const TimeNs ramp = calls.limit.earliest(calls.now, 1);
  ASSERT_GT(ramp, calls.now);
  const Settlement settlement{Settlement::Kind::kKnown, {}};
  EXPECT_FALSE(calls.limit.settle(calls.now, calls.holds[0], settlement));
  EXPECT_FALSE(calls.limit.settle(calls.now, calls.holds[100], settlement));
  EXPECT_EQ(calls.limit.earliest(calls.now, 1), ramp);
  EXPECT_TRUE(calls.limit.settle(calls.now, calls.holds[280], settlement));
  EXPECT_EQ(calls.limit.earliest(calls.now, 1), calls.now);
}

TEST(Lesson, TheBucketThatARefusalShowedIsTriedAgainAfterADay) {
  Calls calls;
  for (int i = 0; i < 3; ++i) {
    calls.send(10);
    calls.accept_all();
  }
  calls.send(1);
  calls.refuse_last(milliseconds(18));
  const TimeNs taught = calls.now;
  ASSERT_EQ(calls.limit.enforced_shape(), Shape::kBucket);
  EXPECT_EQ(calls.limit.learner()->lesson_ends(), taught + kDay);

  calls.now = taught + kDay - DurationNs{1};
  (void)calls.limit.earliest(calls.now, 1);
  EXPECT_EQ(calls.limit.enforced_shape(), Shape::kBucket);
  EXPECT_LT(calls.limit.capacity(), 60);

  calls.now = taught + kDay;
  (void)calls.limit.earliest(calls.now, 1);
  EXPECT_EQ(calls.limit.enforced_shape(), Shape::kSliding);
  EXPECT_EQ(calls.limit.learner()->lesson_ends(), kNever);
  EXPECT_TRUE(calls.limit.learner()->starting());  // as carefully as the first time
}

TEST(Lesson, AnotherRefusalPutsTheEndOff) {
  Calls calls;
  calls.send(20);
  calls.accept_all();
  calls.send(1);
  calls.refuse_last(milliseconds(18));
  ASSERT_EQ(calls.limit.enforced_shape(), Shape::kBucket);
  calls.now = calls.now + seconds(3600);
  calls.send(1);
  calls.refuse_last(milliseconds(18));
  EXPECT_EQ(calls.limit.learner()->lesson_ends(), calls.now + kDay);
}

TEST(Lesson, SlicesHoldForADay) {
  Calls calls;
  calls.send(50);
  calls.accept_all();
  calls.send(1);
  calls.refuse_last(milliseconds(100));
  const TimeNs taught = calls.now;
  ASSERT_EQ(calls.limit.enforced_shape(), Shape::kQuantised);
  (void)calls.limit.earliest(taught + kDay - DurationNs{1}, 1);
  EXPECT_EQ(calls.limit.enforced_shape(), Shape::kQuantised);
  (void)calls.limit.earliest(taught + kDay, 1);
  EXPECT_EQ(calls.limit.enforced_shape(), Shape::kSliding);
}

// What headers show does not end with what a refusal taught beside it.
TEST(Lesson, WhatHeadersShowStays) {
  Learner learner(auto_spec());
  Seen seen;
  Observation shown;
  shown.limit = 300;
  for (int i = 1; i <= 20; ++i) {  // a bucket of 100: full again after (100 - remaining) * T/N
    seen.now = seen.sent = kStart + milliseconds(i);
    seen.cost = 4;
    shown.remaining = 100 - 4 * i;
    shown.reset = milliseconds(4 * i * 20);
    learner.observe(seen, shown);
  }
  ASSERT_EQ(learner.learnt().shape, Shape::kBucket);
  ASSERT_EQ(learner.learnt().capacity, 100);
  seen.room = 4;
  const auto in_slice = [](DurationNs) { return int64_t{0}; };
  ASSERT_TRUE(learner.refused(seen, Refusal{}, in_slice));
  ASSERT_GT(learner.learnt().jitter.ns, 0);
  EXPECT_FALSE(learner.end_lesson());
  EXPECT_EQ(learner.learnt().shape, Shape::kBucket);
  EXPECT_EQ(learner.learnt().capacity, 100);
  EXPECT_EQ(learner.learnt().jitter.ns, 0);
}

// A cut comes back by 1 % per clean window; in long windows the whole is tried after a day.
TEST(Lesson, ACutEndsAfterADay) {
  LimitSpec spec = auto_spec();
  spec.period = seconds(7 * 24 * 3600);
  spec.amount = 604'800;
  Learner learner(spec);
  const auto all_of_it = [](DurationNs slice) { return slice.ns / 1'000'000'000; };
  Refusal refusal;
  refusal.retry_after = milliseconds(900) + seconds(9);
  TimeNs now = kStart;
  for (int i = 0; i < 3; ++i) {  // slices of 10 s; but elsewhere; nothing explains it
    Seen seen;
    seen.sent = now;
    seen.now = now + milliseconds(1);
    seen.cost = 1;
    learner.refused(seen, refusal, all_of_it);
    now = now + seconds(1);
  }
  ASSERT_EQ(learner.learnt().shape, Shape::kQuantised);
  EXPECT_EQ(learner.cut_ppm(now + kDay - seconds(2)), 900'000);
  EXPECT_TRUE(learner.end_lesson());
  EXPECT_EQ(learner.cut_ppm(now), 1'000'000);
  EXPECT_EQ(learner.learnt().shape, Shape::kAuto);
}

}  // namespace
}  // namespace llmq::core
