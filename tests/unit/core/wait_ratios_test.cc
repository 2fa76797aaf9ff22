#include "core/policy/wait_ratios.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

TEST(WaitRatios, SayNothingWhileFewAreKnown) {
  WaitRatios ratios;
  for (int i = 0; i < 7; ++i) ratios.add(seconds(1), seconds(3));
  EXPECT_EQ(ratios.percentile(50), WaitRatios::kOne);
  ratios.add(seconds(1), seconds(3));
  EXPECT_EQ(ratios.percentile(50), 3 * WaitRatios::kOne);
}

TEST(WaitRatios, KnowTheLast256) {
  WaitRatios ratios;
  for (int i = 0; i < 1000; ++i) ratios.add(seconds(1), seconds(500));
  for (int i = 1; i <= 256; ++i) ratios.add(seconds(100), seconds(i));
  EXPECT_NEAR(static_cast<double>(ratios.percentile(50)), 1.28 * WaitRatios::kOne, 12);
  EXPECT_NEAR(static_cast<double>(ratios.percentile(90)), 2.30 * WaitRatios::kOne, 24);
}

TEST(WaitRatios, StandWhatIsOutOfProportion) {
  WaitRatios ratios;
  for (int i = 0; i < 8; ++i) ratios.add(DurationNs{}, seconds(1'000'000));
  EXPECT_EQ(ratios.percentile(50), 1000 * WaitRatios::kOne);
  for (int i = 0; i < 256; ++i) ratios.add(seconds(1), DurationNs{});
  EXPECT_EQ(ratios.percentile(90), 1);
}

}  // namespace
}  // namespace llmq::core
