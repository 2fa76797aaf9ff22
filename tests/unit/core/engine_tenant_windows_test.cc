// Calendar limits that each tenant has to itself: true windows, told once for all of them.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::concurrency;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

constexpr DurationNs kHour = seconds(3600);

LimitSpec own_hours(int64_t requests) {
  LimitSpec spec = per_period(LimitKind::kRequests, requests, kHour);
  spec.shape = Shape::kFixed;
  spec.calendar = Calendar::kHour;
  spec.per_tenant = true;
  return spec;
}

Want of_tenant(TenantIndex tenant) {
  Want want;
  want.tenant = tenant;
  return want;
}

class TenantWindowsTest : public testing::Test {
 protected:
  explicit TenantWindowsTest(int64_t requests = 2) {
    sim_.add_model(model_with({own_hours(requests), concurrency(1000)}));
    sim_.check_wake_ups = true;
    start_ = sim_.now() - seconds(1200);
    tell(start_, kHour);
  }

  // Windows of that length, from `start` on.
  void tell(TimeNs start, DurationNs length) {
    end_ = start + length;
    sim_.step(TenantWindows{0, Calendar::kHour, WindowTimes{start, end_, end_ + kHour}});
  }
  // Time goes on; each window is told when it begins.
  void pass_hours(int hours) {
    for (int i = 0; i < hours; ++i) {
      sim_.run_until(end_);
      tell(end_, kHour);
    }
  }
  void submit(TenantIndex tenant, int requests) {
    for (int i = 0; i < requests; ++i) sim_.submit(of_tenant(tenant));
  }
  int64_t started(TenantIndex tenant) const {
    int64_t count = 0;
    for (const Job& job : sim_.jobs) count += job.tenant == tenant && !job.attempts.empty() ? 1 : 0;
    return count;
  }

  EngineSim sim_;
  TimeNs start_;
  TimeNs end_;
};

// Sliding windows would let the third go an hour after the first.
TEST_F(TenantWindowsTest, EachTenantStartsAnewWhenTheWindowEnds) {
  submit(1, 5);
  submit(2, 3);
  sim_.run_until(end_ + kCalendarTolerance - milliseconds(1));
  EXPECT_EQ(started(1), 2);
  EXPECT_EQ(started(2), 2);
  sim_.run_until(end_ + kCalendarTolerance + milliseconds(2));
  EXPECT_EQ(started(1), 4);
  EXPECT_EQ(started(2), 3);
  pass_hours(1);  // told late: what was known of the next window was enough
  sim_.run_for(kCalendarTolerance + kHour);
  EXPECT_EQ(started(1), 5);
}

TEST_F(TenantWindowsTest, ACallAtTheEdgeCountsInBothWindows) {
  sim_.run_until(end_ - seconds(1));
  submit(1, 3);
  EXPECT_EQ(started(1), 2);
  pass_hours(1);
  sim_.run_for(seconds(600));
  EXPECT_EQ(started(1), 2) << "the provider may count both in the new one";
  pass_hours(1);
  sim_.run_for(seconds(3));
  EXPECT_EQ(started(1), 3);
}

TEST_F(TenantWindowsTest, WhoWasNotLookedAtForLongKnowsThePresentWindow) {
  submit(1, 2);
  pass_hours(7);
  sim_.run_for(seconds(10));
  submit(1, 3);
  EXPECT_EQ(started(1), 4);
  const TimeNs opening = end_ + kCalendarTolerance;
  sim_.run_until(opening + milliseconds(2));
  EXPECT_EQ(started(1), 5);
  EXPECT_GE(*sim_.jobs.back().attempts[0].sent, opening);
}

TEST_F(TenantWindowsTest, NewcomersCountByTheWindowThatWasTold) {
  sim_.run_until(end_ - seconds(60));
  submit(9, 3);
  sim_.run_until(end_ + seconds(3));
  EXPECT_EQ(started(9), 3) << "not an hour after the first";
}

// A clock that was set back: the window lasts longer than was told.
TEST_F(TenantWindowsTest, AnEndThatMovesAwayIsWaitedFor) {
  submit(1, 3);
  const TimeNs told = end_;
  tell(start_, kHour + seconds(900));
  sim_.run_until(told + seconds(800));
  EXPECT_EQ(started(1), 2);
  sim_.run_until(end_ + seconds(3));
  EXPECT_EQ(started(1), 3);
}

TEST_F(TenantWindowsTest, AnEndThatComesNearerWakesWhoWaits) {
  tell(start_, kHour + seconds(900));
  submit(1, 3);
  submit(2, 3);
  tell(start_, kHour);
  sim_.run_until(end_ + seconds(3));
  EXPECT_EQ(started(1), 3);
  EXPECT_EQ(started(2), 3);
}

// Accounts that are not used are dropped; within the tolerance the last window still matters.
TEST_F(TenantWindowsTest, WhatWasUsedIsNotForgottenWhileTheOldWindowMayCount) {
  submit(1, 2);
  sim_.run_until(end_ + milliseconds(500));
  for (TenantIndex other = 10; other < 40; ++other) submit(other, 1);
  submit(1, 1);
  EXPECT_EQ(started(1), 2);
  sim_.run_until(end_ + seconds(3));
  EXPECT_EQ(started(1), 3);
}

TEST_F(TenantWindowsTest, LimitsThatJoinKnowTheWindows) {
  submit(1, 1);
  ModelSpec spec = model_with({own_hours(3), concurrency(1000)});
  LimitSpec tokens = own_hours(100);
  tokens.kind = LimitKind::kTokens;
  spec.limits.push_back(tokens);
  sim_.step(ModelChanged{0, &spec});
  Want want = of_tenant(1);
  want.input_tokens = 100;
  sim_.run_until(end_ - seconds(600));
  Job& first = sim_.submit(want);
  Job& second = sim_.submit(want);
  EXPECT_TRUE(first.running());
  const WaitEstimate wait = sim_.engine.wait_estimate(sim_.now(), *second.record);
  EXPECT_EQ(wait.reason, WaitEstimate::Reason::kTenant);
  EXPECT_EQ(wait.limit, 1) << "of the two that tenants have now";
  EXPECT_EQ(sim_.model(0).parked[1], 1u);
  sim_.run_until(end_ + seconds(3));
  EXPECT_EQ(sim_.model(0).parked[1], 0u);
  EXPECT_EQ(second.attempts.size(), 1u);
}

// One event per edge; who waits for it has one timer, who does not has none.
TEST_F(TenantWindowsTest, AnEdgeCostsTheSameHoweverManyThereAre) {
  sim_.check_wake_ups = false;
  for (TenantIndex tenant = 0; tenant < 2'000; ++tenant) submit(tenant, 1);
  sim_.run_for(seconds(60));
  const uint64_t ticks = sim_.ticks;
  pass_hours(3);
  EXPECT_LE(sim_.ticks - ticks, 10u);
  for (TenantIndex tenant = 0; tenant < 2'000; ++tenant) submit(tenant, 3);
  sim_.run_until(end_ + seconds(60));
  EXPECT_EQ(sim_.model(0).counters.completed, 8'000u);
}

}  // namespace
}  // namespace llmq::core
