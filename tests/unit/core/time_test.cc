#include "core/time.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

TEST(Time, AddsAndSubtracts) {
  EXPECT_EQ(TimeNs{5} + nanoseconds(3), TimeNs{8});
  EXPECT_EQ(TimeNs{5} - TimeNs{3}, nanoseconds(2));
  EXPECT_EQ(TimeNs{5} - nanoseconds(3), TimeNs{2});
  EXPECT_EQ(seconds(1) + milliseconds(500), nanoseconds(1'500'000'000));
  EXPECT_EQ(seconds(1) - milliseconds(500), milliseconds(500));
}

TEST(Time, SaturatesAtNever) {
  EXPECT_EQ(kNever + nanoseconds(1), kNever);
  EXPECT_EQ(TimeNs{kNever.ns - 5} + seconds(1), kNever);
  EXPECT_EQ(kNever + nanoseconds(0), kNever);
}

TEST(Time, Compares) {
  EXPECT_TRUE(TimeNs{1} < kNever && TimeNs{1} <= TimeNs{1} && TimeNs{2} > TimeNs{1});
  EXPECT_TRUE(TimeNs{2} >= TimeNs{2} && TimeNs{1} != TimeNs{2});
  EXPECT_TRUE(seconds(1) > milliseconds(999) && seconds(1) >= milliseconds(1000));
  EXPECT_TRUE(seconds(1) != seconds(2) && seconds(1) <= seconds(2) && seconds(1) < seconds(2));
}

}  // namespace
}  // namespace llmq::core
