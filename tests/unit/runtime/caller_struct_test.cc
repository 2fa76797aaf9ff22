#include "runtime/caller_struct.h"

#include <gtest/gtest.h>

#include <array>

namespace llmq::runtime {

// As it is known here; the first header ended with `first`.
struct Known {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t first;
  int64_t appended;
};
template <>
struct FirstSize<Known> : std::integral_constant<size_t, offsetof(Known, appended)> {};

namespace {

// The same of a header that has one more.
struct Later {
  Known known;
  int64_t later;
};

Known known(size_t size) { return Known{static_cast<uint32_t>(size), 0, 1, 2}; }

TEST(CallerStruct, OfAnOlderHeaderIsReadWithoutWhatLiesBehindIt) {
  const Known older = known(16);  // the 2 is not its own
  EXPECT_TRUE(readable(older));
  const Whole<Known> whole(older);
  EXPECT_EQ(whole->struct_size, sizeof(Known));
  EXPECT_EQ(whole->first, 1);
  EXPECT_EQ(whole->appended, 0);
}

TEST(CallerStruct, OfThisHeaderIsReadInPlace) {
  const Known same = known(sizeof(Known));
  EXPECT_TRUE(readable(same));
  EXPECT_EQ(&*Whole<Known>(same), &same);
}

TEST(CallerStruct, OfALaterHeaderIsReadIfItUsesNothingLater) {
  Later later{known(sizeof(Later)), 0};
  EXPECT_TRUE(readable(later.known));
  EXPECT_EQ(&*Whole<Known>(later.known), &later.known);
  later.later = 3;
  EXPECT_FALSE(readable(later.known));
}

TEST(CallerStruct, SizesThatNoHeaderHasAreRefused) {
  for (const size_t size : {size_t{0}, size_t{15}, kMostStructSize + 1, size_t{UINT32_MAX}}) {
    const Known strange = known(size);
    EXPECT_FALSE(plausible<Known>(size)) << size;
    EXPECT_FALSE(readable(strange)) << size;
    EXPECT_EQ(&*Whole<Known>(strange), &strange) << size;  // left for readable to refuse
  }
}

TEST(CallerStruct, IsFilledToItsEndAndNoFurther) {
  for (const size_t size : {size_t{16}, sizeof(Known), sizeof(Later)}) {
    std::array<unsigned char, 64> to{};
    to.fill(0xa5);
    hand_over(known(size), to.data(), size);
    Later got{};
    std::memcpy(&got, to.data(), size);
    EXPECT_EQ(got.known.first, 1);
    EXPECT_EQ(got.known.appended, size > 16 ? 2 : 0);
    EXPECT_EQ(got.later, 0);
    for (size_t i = size; i < to.size(); ++i) EXPECT_EQ(to[i], 0xa5) << size << ' ' << i;
  }
}

}  // namespace
}  // namespace llmq::runtime
