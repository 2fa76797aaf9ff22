#include "core/random.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>

namespace llmq::core {
namespace {

// I6: the published sequence of SplitMix64, on every platform.
TEST(Random, I6_GivesTheSameNumbersEverywhere) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Random, DrawsTheWholeRangeAndNothingElse) {
  Random random(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const int64_t drawn = random.between(-3, 4);
    ASSERT_GE(drawn, -3);
    ASSERT_LE(drawn, 4);
    seen.insert(drawn);
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(Random, GivesTheLowEndOfAnEmptyRange) {
  Random random(1);
  EXPECT_EQ(random.between(5, 5), 5);
  EXPECT_EQ(random.between(5, 4), 5);
}

TEST(Random, SurvivesTheWidestRange) {
  Random random(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 100; ++i) {
    seen.insert(
        random.between(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()));
  }
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace llmq::core
