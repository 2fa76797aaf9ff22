#include "mock/ideal.h"

#include <gtest/gtest.h>

#include <vector>

#include "mock/random.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LimitSpec spec_of(Shape shape, int64_t amount, Nanos period, int64_t burst_ppm = kFullBurstPpm) {
  LimitSpec spec;
  spec.shape = shape;
  spec.amount = amount;
  spec.period = period;
  spec.burst_ppm = burst_ppm;
  return spec;
}

Nanos ideal_of(const RateLimit& limit, const std::vector<int64_t>& costs) {
  Ideal ideal(limit);
  for (const int64_t cost : costs) ideal.add(cost);
  return ideal.value();
}

TEST(Ideal, IsZeroForWhatFitsAtOnce) {
  for (const Shape shape : {Shape::kSliding, Shape::kFixed, Shape::kBucket, Shape::kTwoBucket}) {
    const RateLimit limit(spec_of(shape, 10, seconds(6)), 1);
    EXPECT_EQ(ideal_of(limit, {}), Nanos(0));
    EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(10, 1)), Nanos(0));
  }
}

TEST(Ideal, OfABucketIsWhatIsBeyondItsCapacityOverTheRate) {
  const RateLimit full(spec_of(Shape::kBucket, 300, seconds(6)), 1);
  EXPECT_EQ(ideal_of(full, std::vector<int64_t>(800, 1)), Nanos(seconds(10)));
  const RateLimit tenth(spec_of(Shape::kBucket, 300, seconds(6), 100'000), 1);
  EXPECT_EQ(ideal_of(tenth, std::vector<int64_t>(800, 1)), Nanos(milliseconds(15'400)));
}

TEST(Ideal, OfASlidingLimitIsOnePeriodPerFurtherWindow) {
  const RateLimit limit(spec_of(Shape::kSliding, 300, seconds(6)), 1);
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(800, 1)), Nanos(seconds(12)));
  // Packed in order, not by the sum: 6 and 6 share no window of 10.
  const RateLimit ten(spec_of(Shape::kSliding, 10, seconds(1)), 1);
  EXPECT_EQ(ideal_of(ten, {6, 6, 4}), Nanos(seconds(1)));
  EXPECT_EQ(ideal_of(ten, {6, 6, 6}), Nanos(seconds(2)));
}

TEST(Ideal, OfAFixedLimitStartsAtItsFirstEdge) {
  const RateLimit limit(spec_of(Shape::kFixed, 300, seconds(6)), 5);
  const Nanos edge = limit.grid()->first_edge();
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(301, 1)), edge);
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(800, 1)), edge + seconds(6));
}

TEST(Ideal, OfAQuantisedLimitCountsSlices) {
  const RateLimit limit(spec_of(Shape::kQuantised, 12, seconds(6)), 1);  // 2 per second
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(5, 1)), Nanos(seconds(2)));
}

// The promise of the word: a client that sends each unit the moment it fits ends exactly then. For
// equal costs; with mixed ones, packing in order is the definition.
TEST(Ideal, IsReachedByAClientThatKnowsEverything) {
  for (const Shape shape :
       {Shape::kSliding, Shape::kFixed, Shape::kQuantised, Shape::kBucket, Shape::kTwoBucket}) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
      Random random(seed);
      RateLimit limit(spec_of(shape, random.between(10, 50), seconds(random.between(1, 6)),
                              random.between(300'000, 1'500'000)),
                      seed);
      Ideal ideal(limit);
      Nanos now{};
      for (int i = 0; i < 200; ++i) {
        now += limit.wait_for(now, 1);
        limit.charge(now, 1);
        ideal.add(1);
        // The bucket's rounds to whole nanoseconds once, its waits at every step.
        ASSERT_NEAR(static_cast<double>(ideal.value().count()), static_cast<double>(now.count()),
                    200.0)
            << name_of(shape) << " seed " << seed << " unit " << i;
      }
    }
  }
}

TEST(Ideal, OfATwoBucketLimitIsWhenTheCounterLetsTheLastThrough) {
  const RateLimit limit(spec_of(Shape::kTwoBucket, 10, seconds(10)), 5);
  const Nanos edge = *limit.first_edge();
  // Ten at once; then one a second, as the window before is forgotten.
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(11, 1)), edge + seconds(1));
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(19, 1)), edge + seconds(9));
  // The twentieth falls on the next edge, after a window of only nine.
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(20, 1)), edge + seconds(10));
  EXPECT_EQ(ideal_of(limit, std::vector<int64_t>(21, 1)),
            edge + seconds(10) + Nanos(1'111'111'112));
  // Four fit when four of the ten are forgotten; ten fit when all is.
  EXPECT_EQ(ideal_of(limit, {10, 4}), edge + seconds(4));
  EXPECT_EQ(ideal_of(limit, {10, 4, 10}), edge + seconds(20));
}

TEST(Ideal, IsNotMovedByWhatCostsNothing) {
  const RateLimit limit(spec_of(Shape::kSliding, 10, seconds(1)), 1);
  EXPECT_EQ(ideal_of(limit, {25, 0, 0}), Nanos(0));
}

TEST(Ideal, GivesACostBeyondTheCapacityAWindowOfItsOwn) {
  const RateLimit limit(spec_of(Shape::kSliding, 10, seconds(1)), 1);
  EXPECT_EQ(ideal_of(limit, {1, 25, 1}), Nanos(seconds(2)));
}

}  // namespace
}  // namespace llmq::mock
