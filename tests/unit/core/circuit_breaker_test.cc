#include "core/policy/circuit_breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/request.h"

namespace llmq::core {
namespace {

using State = CircuitBreaker::State;

class Breaker : public testing::Test {
 protected:
  bool fail(const Request* request = nullptr, bool connected = true) {
    return fail_begun(now, request, connected);
  }
  bool fail_begun(TimeNs begun, const Request* request, bool connected = true) {
    return breaker.failed(now, request, begun, Status::kServer, connected, spec, random);
  }
  bool succeed(const Request* request = nullptr) { return breaker.succeeded(now, request, now); }
  void trip() {
    while (!fail()) {
    }
  }
  void wait_until_half_open() { now = breaker.opens(now); }
  void start(const Request& request) { breaker.started(now, &request, seconds(10)); }

  BreakerSpec spec;
  Random random{3};
  CircuitBreaker breaker;
  TimeNs now{seconds(1'000).ns};
  Request requests[8];
};

TEST_F(Breaker, OpensWhenHalfOfTwentyFailed) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(succeed());
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(fail()) << i;
  EXPECT_EQ(breaker.opens(now), now);
  EXPECT_TRUE(fail());
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_GE(breaker.opens(now), now + seconds(4));
  EXPECT_LE(breaker.opens(now), now + seconds(6));
}

TEST_F(Breaker, ThirtyPercentDoNotOpenItOnceEnoughIsKnown) {
  for (int i = 0; i < 1'000; ++i) {
    now = now + milliseconds(200);
    ASSERT_FALSE(i % 10 < 3 ? fail() : succeed());
  }
}

TEST_F(Breaker, AMinuteOfSuccessDoesNotHideThatNothingGoesWellNow) {
  for (int i = 0; i < 10'000; ++i) succeed();
  for (int i = 0; i < 19; ++i) EXPECT_FALSE(fail());
  EXPECT_TRUE(fail());
}

TEST_F(Breaker, FiveThatGetNoConnectionAreEnough) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail(nullptr, false));
  succeed();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fail(nullptr, false));
  EXPECT_TRUE(fail(nullptr, false));
}

TEST_F(Breaker, WhatFailedMoreThanAMinuteAgoDoesNotCount) {
  for (int i = 0; i < 19; ++i) {
    fail();
    succeed();
    now = now + seconds(7);
  }
  EXPECT_TRUE(breaker.is_closed());
}

TEST_F(Breaker, ThreeProbesAtATimeFindOut) {
  trip();
  wait_until_half_open();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(breaker.opens(now), now);
    start(requests[i]);
  }
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.opens(now), now + seconds(10)) << "the first lease ends";
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(succeed(&requests[i]));
  EXPECT_TRUE(succeed(&requests[2]));
  EXPECT_TRUE(breaker.is_closed());
}

TEST_F(Breaker, ThreeThatFailOpenItForTwiceAsLongUpToTheMost) {
  trip();
  for (const int64_t expected : {10, 20, 40, 80, 120, 120}) {
    wait_until_half_open();
    for (const int i : {0, 1, 2}) start(requests[i]);
    EXPECT_FALSE(fail(&requests[0]));
    EXPECT_FALSE(fail(&requests[1]));
    EXPECT_TRUE(fail(&requests[2]));
    const DurationNs open = breaker.opens(now) - now;
    EXPECT_GE(open, milliseconds(800 * expected));
    EXPECT_LE(open, milliseconds(1'200 * expected));
  }
}

TEST_F(Breaker, ACancelledProbeMakesRoomForAnother) {
  trip();
  wait_until_half_open();
  for (const int i : {0, 1, 2}) start(requests[i]);
  breaker.ended(&requests[1]);
  EXPECT_EQ(breaker.opens(now), now);
  start(requests[3]);
  for (const int i : {0, 3}) succeed(&requests[i]);
  EXPECT_TRUE(succeed(&requests[2]));
}

TEST_F(Breaker, AProbeThatHangsLosesItsPlaceWhenItsLeaseEnds) {
  trip();
  wait_until_half_open();
  for (const int i : {0, 1, 2}) start(requests[i]);
  now = now + seconds(10);
  EXPECT_EQ(breaker.opens(now), now);
  for (const int i : {3, 4, 5}) start(requests[i]);
  EXPECT_GT(breaker.opens(now), now);
  for (const int i : {3, 4}) EXPECT_FALSE(succeed(&requests[i]));
  EXPECT_TRUE(succeed(&requests[5]));
}

// Else a provider that hangs for longer than a lease would be probed for ever.
TEST_F(Breaker, AProbeThatFailsAfterItsLeaseStillTells) {
  trip();
  wait_until_half_open();
  const TimeNs begun = now;
  for (const int i : {0, 1, 2}) start(requests[i]);
  now = now + seconds(10);
  for (const int i : {3, 4, 5}) start(requests[i]);
  now = now + seconds(5);
  for (const int i : {0, 1}) EXPECT_FALSE(fail_begun(begun, &requests[i]));
  EXPECT_TRUE(fail_begun(begun, &requests[2]));
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST_F(Breaker, WhatWasOnItsWayBeforeTellsNothing) {
  trip();
  EXPECT_FALSE(fail());
  const TimeNs before = now;
  wait_until_half_open();
  start(requests[0]);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(breaker.succeeded(now, &requests[7], before));
    EXPECT_FALSE(fail_begun(before, &requests[7]));
  }
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
}

// Whatever mix of outcomes its probes have, it is not held longer than the longest time open.
TEST_F(Breaker, I11_IsNeverHeldForLongerThanTheLongestTimeOpen) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    breaker = CircuitBreaker{};
    random = Random(seed);
    std::vector<const Request*> running;
    for (int i = 0; i < 500; ++i) {
      if (breaker.opens(now) <= now && running.size() < 8) {
        const Request* free = nullptr;
        for (const Request& request : requests) {
          if (std::find(running.begin(), running.end(), &request) == running.end()) free = &request;
        }
        breaker.started(now, free, seconds(30));
        running.push_back(free);
        continue;
      }
      ASSERT_LE(breaker.opens(now) - now, seconds(144));
      if (running.empty() || random.between(0, 2) == 0) {  // they hang
        now = std::max(now + milliseconds(10), std::min(breaker.opens(now), now + seconds(1)));
        if (running.size() == 8) running.erase(running.begin());
        continue;
      }
      const Request* request = running.back();
      running.pop_back();
      switch (random.between(0, 2)) {
        case 0:
          succeed(request);
          break;
        case 1:
          fail(request, random.between(0, 1) == 0);
          break;
        default:
          breaker.ended(request);
          break;
      }
    }
  }
}

}  // namespace
}  // namespace llmq::core
