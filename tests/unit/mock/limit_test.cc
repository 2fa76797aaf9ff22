#include "mock/limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "mock/busiest_window.h"
#include "mock/random.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

LimitSpec spec_of(Shape shape, int64_t amount, Nanos period) {
  LimitSpec spec;
  spec.kind = LimitKind::kTokens;
  spec.shape = shape;
  spec.amount = amount;
  spec.period = period;
  return spec;
}

using Charges = std::vector<std::pair<Nanos, int64_t>>;

// The definitions, spelled out: sums over the whole history, one charge at a time.
int64_t sum_after(const Charges& charges, Nanos start) {
  int64_t sum = 0;
  for (const auto& [time, cost] : charges) sum += time > start ? cost : 0;
  return sum;
}

bool oracle_accepts(const RateLimit& limit, const Charges& charges, Nanos now, int64_t cost) {
  const LimitSpec& spec = limit.spec();
  if (const FixedWindow* grid = limit.grid()) {
    const auto window = [&](Nanos time) {
      return time < grid->first_edge() ? -1 : (time - grid->first_edge()) / grid->period();
    };
    int64_t used = 0;
    for (const auto& [time, charged] : charges) used += window(time) == window(now) ? charged : 0;
    return used + cost <= limit.capacity();
  }
  if (limit.two_bucket() != nullptr) {
    const Nanos first_edge = *limit.first_edge();
    const auto window = [&](Nanos time) {
      return time < first_edge ? 0 : 1 + (time - first_edge) / spec.period;
    };
    const int64_t index = window(now);
    int64_t current = 0;
    int64_t previous = 0;
    for (const auto& [time, charged] : charges) {
      current += window(time) == index ? charged : 0;
      previous += window(time) == index - 1 ? charged : 0;
    }
    const Nanos to_come = first_edge + index * spec.period - now;
    const Wide period = spec.period.count();
    return (current + cost) * period + Wide(previous) * to_come.count() <= spec.amount * period;
  }
  if (spec.shape == Shape::kSliding) {
    return sum_after(charges, now - spec.period) + cost <= spec.amount;
  }
  // A bucket never gives more than capacity + rate x t over any t that ends now.
  const Wide period = spec.period.count();
  const auto fits_since = [&](Nanos start, int64_t sum) {
    const Wide room = limit.capacity() * period + Wide((now - start).count()) * spec.amount;
    return (sum + cost) * period <= room;
  };
  int64_t sum = 0;
  for (auto charge = charges.rbegin(); charge != charges.rend(); ++charge) {
    sum += charge->second;
    if (!fits_since(charge->first, sum)) return false;
  }
  return fits_since(now, 0);
}

struct Case {
  Shape shape;
  int64_t burst_ppm;
};

class EveryShape : public testing::TestWithParam<Case> {};

TEST_P(EveryShape, DecidesAsItsDefinitionOnRandomTraces) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    LimitSpec spec =
        spec_of(GetParam().shape, random.between(20, 60), milliseconds(random.between(1500, 4000)));
    spec.burst_ppm = GetParam().burst_ppm;
    RateLimit limit(spec, seed);
    Charges accepted;
    Nanos now{};
    for (int step = 0; step < 300; ++step) {
      now += Nanos(random.between(0, 200'000'000));
      const int64_t cost = random.between(1, 8);
      ASSERT_EQ(limit.would_accept(now, cost), oracle_accepts(limit, accepted, now, cost))
          << "seed " << seed << " step " << step;
      if (!limit.would_accept(now, cost)) continue;
      limit.charge(now, cost);
      accepted.emplace_back(now, cost);
    }
    EXPECT_GT(accepted.size(), 20U);
  }
}

TEST_P(EveryShape, NamesTheEarliestMomentAtWhichACostFits) {
  Random random(7);
  LimitSpec spec = spec_of(GetParam().shape, 50, seconds(3));
  spec.burst_ppm = GetParam().burst_ppm;
  RateLimit limit(spec, 7);
  Nanos now{};
  int refused = 0;
  for (int step = 0; step < 500; ++step) {
    now += Nanos(random.between(0, 90'000'000));
    const int64_t cost = random.between(1, std::min<int64_t>(limit.capacity(), 12));
    const Nanos wait = limit.wait_for(now, cost);
    ASSERT_TRUE(limit.would_accept(now + wait, cost));
    if (wait > Nanos(0)) {
      ++refused;
      ASSERT_FALSE(limit.would_accept(now + wait - Nanos(1), cost));
    } else {
      limit.charge(now, cost);
    }
  }
  EXPECT_GT(refused, 50);
}

TEST_P(EveryShape, ViewStaysInBounds) {
  LimitSpec spec = spec_of(GetParam().shape, 50, seconds(3));
  spec.burst_ppm = GetParam().burst_ppm;
  RateLimit limit(spec, 7);
  const int64_t full = limit.view(Nanos(0)).remaining();
  EXPECT_EQ(full, limit.capacity());
  limit.charge(milliseconds(10), 5);
  EXPECT_EQ(limit.used(milliseconds(10)), 5);
  const LimitView view = limit.view(milliseconds(10));
  EXPECT_EQ(view.remaining(), full - 5);
  EXPECT_GT(view.reset, Nanos(0));
  limit.charge(milliseconds(10), 500);
  EXPECT_EQ(limit.view(milliseconds(10)).remaining(), 0);
}

TEST_P(EveryShape, IsHiddenBehindABucketOfItsAmountIfTold) {
  LimitSpec spec = spec_of(GetParam().shape, 60, seconds(6));
  spec.burst_ppm = GetParam().burst_ppm;
  spec.told = Told::kBucket;
  RateLimit limit(spec, 7);
  limit.charge(Nanos(0), 6);
  const LimitView view = limit.view(milliseconds(100));
  EXPECT_EQ(view.amount, 60);
  EXPECT_EQ(view.remaining(), 55);
  EXPECT_EQ(view.period, Nanos(seconds(6)));
  EXPECT_EQ(view.reset, Nanos(milliseconds(500)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape,
                         testing::Values(Case{Shape::kSliding, kFullBurstPpm},
                                         Case{Shape::kFixed, kFullBurstPpm},
                                         Case{Shape::kQuantised, kFullBurstPpm},
                                         Case{Shape::kTwoBucket, kFullBurstPpm},
                                         Case{Shape::kBucket, kFullBurstPpm},
                                         Case{Shape::kBucket, kFullBurstPpm * 2 / 5}));

TEST(FixedLimit, HasItsFirstEdgeAtLeastASecondAfterTheFirstArrival) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Nanos edge = first_edge_after_arrival(seconds(6), seed);
    ASSERT_GE(edge, Nanos(seconds(1)));
    ASSERT_LE(edge, Nanos(seconds(6)));
  }
  EXPECT_NE(first_edge_after_arrival(seconds(6), 1), first_edge_after_arrival(seconds(6), 2));
  EXPECT_EQ(first_edge_after_arrival(milliseconds(500), 1), Nanos(milliseconds(500)));
}

TEST(BucketLimit, MayGoIntoDebtAndPaysItBack) {
  RateLimit limit(spec_of(Shape::kBucket, 10, seconds(1)), 1);
  limit.charge(Nanos(0), 25);
  EXPECT_EQ(limit.used(Nanos(0)), 25);
  EXPECT_FALSE(limit.would_accept(milliseconds(1500), 1));
  EXPECT_EQ(limit.wait_for(Nanos(0), 1), Nanos(milliseconds(1600)));
}

// What the headers say, shape by shape.
TEST(LimitView, OfABucketIsItsLevelAndTheTimeUntilItIsFull) {
  LimitSpec spec = spec_of(Shape::kBucket, 300, seconds(6));
  spec.burst_ppm = 100'000;
  RateLimit limit(spec, 1);
  EXPECT_EQ(limit.view(Nanos(0)).amount, 300);
  EXPECT_EQ(limit.view(Nanos(0)).remaining(), 30);
  EXPECT_EQ(limit.view(Nanos(0)).reset, Nanos(0));
  limit.charge(Nanos(0), 10);
  EXPECT_EQ(limit.view(milliseconds(20)).remaining(), 21);
  EXPECT_EQ(limit.view(milliseconds(20)).reset, Nanos(milliseconds(180)));
  limit.charge(milliseconds(20), 40);  // in debt by 19
  EXPECT_EQ(limit.view(milliseconds(20)).remaining(), 0);
  EXPECT_EQ(limit.view(milliseconds(20)).reset, Nanos(milliseconds(980)));
}

TEST(LimitView, OfABucketMayPointToTheAmountInstead) {
  LimitSpec spec = spec_of(Shape::kBucket, 300, seconds(6));
  spec.burst_ppm = 100'000;
  spec.bucket_reset = BucketReset::kAmount;
  RateLimit limit(spec, 1);
  limit.charge(Nanos(0), 10);
  // (300 - 20) x 6 s / 300
  EXPECT_EQ(limit.view(Nanos(0)).reset, Nanos(milliseconds(5600)));
}

TEST(LimitView, OfASlidingLimitPointsToItsOldestCharge) {
  RateLimit limit(spec_of(Shape::kSliding, 10, seconds(6)), 1);
  EXPECT_EQ(limit.view(Nanos(0)).reset, Nanos(0));
  limit.charge(seconds(1), 4);
  limit.charge(seconds(3), 2);
  EXPECT_EQ(limit.view(seconds(5)).remaining(), 4);
  EXPECT_EQ(limit.view(seconds(5)).reset, Nanos(seconds(2)));
  EXPECT_EQ(limit.view(seconds(7)).remaining(), 8);
  EXPECT_EQ(limit.view(seconds(7)).reset, Nanos(seconds(2)));
}

TEST(LimitView, OfAGridPointsToItsEdge) {
  for (const Shape shape : {Shape::kFixed, Shape::kTwoBucket}) {
    RateLimit limit(spec_of(shape, 10, seconds(6)), 3);
    const Nanos edge = *limit.first_edge();
    limit.charge(Nanos(0), 4);
    EXPECT_EQ(limit.view(milliseconds(400)).reset, edge - milliseconds(400));
    EXPECT_EQ(limit.view(edge + seconds(2)).reset, Nanos(seconds(4)));
    // A third of the window has passed: two thirds of the 4 still count for the counter.
    EXPECT_EQ(limit.view(edge + seconds(2)).remaining(), shape == Shape::kFixed ? 10 : 7);
  }
}

TEST(LimitView, OfAQuantisedLimitShowsTheSlice) {
  LimitSpec spec = spec_of(Shape::kQuantised, 300, seconds(6));
  RateLimit limit(spec, 3);
  limit.charge(Nanos(0), 20);
  const LimitView view = limit.view(milliseconds(250));
  EXPECT_EQ(view.amount, 50);
  EXPECT_EQ(view.remaining(), 30);
  EXPECT_EQ(view.period, Nanos(seconds(1)));
  EXPECT_EQ(view.reset, Nanos(milliseconds(750)));
}

TEST(LimitSpec, IsRefusedWithTheReason) {
  EXPECT_STREQ(check_limit_spec(spec_of(Shape::kSliding, 1, seconds(1))), "");
  EXPECT_STRNE(check_limit_spec(spec_of(Shape::kSliding, 0, seconds(1))), "");
  EXPECT_STRNE(check_limit_spec(spec_of(Shape::kSliding, kMaxAmount + 1, seconds(1))), "");
  EXPECT_STRNE(check_limit_spec(spec_of(Shape::kSliding, 1, Nanos(0))), "");
  EXPECT_STRNE(check_limit_spec(spec_of(Shape::kSliding, 1, kMaxPeriod + Nanos(1))), "");
  // A slice of one second out of sixty leaves half a request.
  EXPECT_STRNE(check_limit_spec(spec_of(Shape::kQuantised, 30, seconds(60))), "");
  LimitSpec bucket = spec_of(Shape::kBucket, 5, seconds(1));
  bucket.burst_ppm = 100'000;
  EXPECT_STRNE(check_limit_spec(bucket), "");
  bucket.burst_ppm = 0;
  EXPECT_STRNE(check_limit_spec(bucket), "");
  LimitSpec slice = spec_of(Shape::kQuantised, 30, seconds(6));
  slice.slice = seconds(7);
  EXPECT_STRNE(check_limit_spec(slice), "");
  LimitSpec concurrency;
  concurrency.kind = LimitKind::kConcurrency;
  concurrency.amount = 1;
  EXPECT_STREQ(check_limit_spec(concurrency), "");
}

TEST(BusiestWindow, IsTheLargestSumOfAnyWindow) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    BusiestWindow window(seconds(1));
    Charges charges;
    Nanos now{};
    for (int i = 0; i < 200; ++i) {
      // Whole steps, so that many charges lie exactly a period apart.
      now += milliseconds(50 * random.between(0, 4));
      charges.emplace_back(now, random.between(0, 9));
      window.add(now, charges.back().second);
    }
    int64_t busiest = 0;
    for (const auto& first : charges) {
      int64_t sum = 0;
      for (const auto& [time, cost] : charges) {
        const bool inside = time >= first.first && time < first.first + seconds(1);
        sum += inside ? cost : 0;
      }
      busiest = std::max(busiest, sum);
    }
    EXPECT_EQ(window.busiest(), busiest);
  }
}

}  // namespace
}  // namespace llmq::mock
