#include "core/policy/peak_latency.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

constexpr TimeNs at(int64_t ms) { return TimeNs{} + milliseconds(ms); }

TEST(PeakLatency, FollowsARiseAtOnce) {
  PeakLatency latency;
  EXPECT_EQ(latency.average().ns, 0);
  latency.add(at(0), milliseconds(100));
  latency.add(at(1), milliseconds(900));
  EXPECT_EQ(latency.average(), milliseconds(900));
}

TEST(PeakLatency, FollowsAFallByTheTimeThatHasPassed) {
  PeakLatency latency;
  latency.add(at(0), milliseconds(900));
  latency.add(at(0), milliseconds(100));
  EXPECT_EQ(latency.average(), milliseconds(900));  // no time has passed
  latency.add(at(10'000), milliseconds(100));       // dt = tau: half of the way
  EXPECT_EQ(latency.average(), milliseconds(500));
  for (int64_t second = 11; second < 200; ++second)
    latency.add(at(second * 1000), milliseconds(100));
  EXPECT_LT(latency.average(), milliseconds(101));
  EXPECT_GE(latency.average(), milliseconds(100));
}

}  // namespace
}  // namespace llmq::core
