#include "core/limit/fixed_windows.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

constexpr TimeNs kEdge{100'000'000'000};
constexpr DurationNs kTolerance = milliseconds(10);
constexpr DurationNs kJitter = milliseconds(50);

TEST(FixedWindows, TheNextWindowStartsFromNothing) {
  FixedWindows windows(kEdge, seconds(10), kTolerance, kJitter);
  const TimeNs now = kEdge + seconds(3);
  windows.charge(now, 8);
  EXPECT_EQ(windows.earliest(now, 2, 10), now);
  EXPECT_EQ(windows.earliest(now, 3, 10), kEdge + seconds(10) + kTolerance);
  EXPECT_EQ(windows.used(kEdge + seconds(10)), 0);
}

TEST(FixedWindows, ACallThatMayFallIntoEitherIsChargedToBoth) {
  FixedWindows windows(kEdge, seconds(10), kTolerance, kJitter);
  const TimeNs near = kEdge + seconds(10) - milliseconds(30);
  windows.charge(near, 4);
  EXPECT_EQ(windows.used(near), 4);
  EXPECT_EQ(windows.used(kEdge + seconds(11)), 4);
  EXPECT_EQ(windows.earliest(near, 7, 10), kEdge + seconds(20) + kTolerance);
}

TEST(FixedWindows, RefundsGoWhereTheChargeWent) {
  FixedWindows windows(kEdge, seconds(10), kTolerance, kJitter);
  const TimeNs near = kEdge + seconds(10) - milliseconds(30);
  windows.charge(near, 4);
  EXPECT_TRUE(windows.refund(kEdge + seconds(12), near, 3));
  EXPECT_EQ(windows.used(kEdge + seconds(12)), 1);
  EXPECT_FALSE(windows.refund(kEdge + seconds(31), near, 1)) << "its windows are over";
}

TEST(FixedWindows, WhoWaitsBehindAnotherKnowsIt) {
  FixedWindows windows(kEdge, seconds(10), kTolerance, kJitter);
  const TimeNs now = kEdge + seconds(3);
  windows.charge(now, 5);
  EXPECT_EQ(windows.earliest_behind(now, 4, 1, 10), now);
  const TimeNs next = kEdge + seconds(10) + kTolerance;
  EXPECT_EQ(windows.earliest_behind(now, 4, 2, 10), next);
  EXPECT_EQ(windows.earliest_behind(now, 10, 5, 10), next) << "the next one is not touched by it";
}

TEST(FixedWindows, CalendarWindowsMoveOnOnce) {
  FixedWindows days(kEdge, kEdge + seconds(100), kEdge + seconds(200), kTolerance, kJitter);
  days.charge(kEdge + seconds(50), 10);
  EXPECT_EQ(days.earliest(kEdge + seconds(50), 1, 10), kEdge + seconds(100) + kTolerance);
  // The clock was corrected: the same day again, its end a second later.
  days.set_edges(kEdge + seconds(1), kEdge + seconds(101), kEdge + seconds(201));
  EXPECT_EQ(days.used(kEdge + seconds(60)), 10) << "no boundary resets twice";
  days.set_edges(kEdge + seconds(101), kEdge + seconds(201), kEdge + seconds(301));
  EXPECT_EQ(days.used(kEdge + seconds(150)), 0);
}

}  // namespace
}  // namespace llmq::core
