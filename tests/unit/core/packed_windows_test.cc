#include "core/limit/packed_windows.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

TEST(PackedWindows, NothingTakesNoTime) {
  PackedWindows packed;
  EXPECT_EQ(packed.ideal(seconds(6)), DurationNs{});
  packed.add(0, 10);
  EXPECT_EQ(packed.ideal(seconds(6)), DurationNs{});
}

TEST(PackedWindows, TheFirstWindowIsFree) {
  PackedWindows packed;
  for (int i = 0; i < 10; ++i) packed.add(1, 10);
  EXPECT_EQ(packed.ideal(seconds(6)), DurationNs{});
  packed.add(1, 10);
  EXPECT_EQ(packed.ideal(seconds(6)), seconds(6));
}

TEST(PackedWindows, PacksInOrderAndSplitsNoCall) {
  PackedWindows packed;
  for (int i = 0; i < 4; ++i) packed.add(6, 10);
  EXPECT_EQ(packed.ideal(seconds(6)), seconds(18));
}

}  // namespace
}  // namespace llmq::core
