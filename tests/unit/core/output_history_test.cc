#include "core/limit/output_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

constexpr Pace kRealtime{seconds(1), false};
constexpr Pace kCompletion{seconds(1), true};

// 40 .. 10,240 tokens, the shorter the likelier, at 50 tokens/s.
std::vector<int64_t> some_lengths(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<int64_t> lengths(count);
  for (int64_t& length : lengths) {
    length = 40 << random.between(0, 7);
    length += random.between(0, length);
  }
  return lengths;
}

void add_all(OutputHistory& history, const std::vector<int64_t>& lengths) {
  for (const int64_t length : lengths) history.add(length, length, DurationNs{length * 20'000'000});
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

// Of what is added within `age` cells of 50 tokens by those longer than `least`; nothing kept, all
// counted anew.
Moments counted_anew(const std::vector<int64_t>& lengths, bool at_end, int64_t seen, int64_t least,
                     int64_t age) {
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (const int64_t length : lengths) {
    if (length <= least) continue;
    const int64_t more = 50 * age;
    double adds = static_cast<double>(std::min(length - seen, more));
    if (at_end) adds = length - seen <= more ? static_cast<double>(length) : 0;
    count += 1;
    sum += adds;
    squares += adds * adds;
  }
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(squares / count - mean * mean, 0.0))};
}

Moments told(const OutputCurve& curve, int64_t age) {
  const SummedCurve summed(curve);
  const auto at = static_cast<size_t>(age);
  return {static_cast<double>(summed.mean[at]) / kTokenParts,
          std::sqrt(static_cast<double>(summed.variance[at]))};
}

TEST(OutputHistory, TellsNothingBeforeEnoughIsKnown) {
  OutputHistory history;
  const std::vector<int64_t> lengths = some_lengths(1, OutputHistory::kEnough);
  for (const int64_t length : lengths) {
    EXPECT_FALSE(history.knows());
    history.add(length, length, DurationNs{length * 20'000'000});
  }
  EXPECT_TRUE(history.knows());
  EXPECT_GT(history.newcomer(kRealtime).mean.back(), 0);
}

TEST(OutputHistory, AgreesWithCountingAnew) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::vector<int64_t> lengths = some_lengths(seed, OutputHistory::kKept);
    OutputHistory history;
    add_all(history, lengths);
    for (const Pace& pace : {kRealtime, kCompletion}) {
      for (const int64_t seen : {0, 100, 400}) {
        for (const int64_t least : {seen, seen + 150}) {
          const OutputCurve curve = history.to_come(pace, seen, least).value();
          double sure = 0;  // completion: the variance never falls
          for (const int64_t age : kCurvePoints) {
            const Moments is = told(curve, age);
            const Moments wanted = counted_anew(lengths, pace.at_end, seen, least, age);
            sure = std::max(sure, wanted.deviation);
            // Bins are an eighth of an octave wide, and lines straight.
            const double blur = pace.at_end ? 0.15 : 0.06;
            const double least_blur = pace.at_end ? 50 : 12;  // tokens
            EXPECT_NEAR(is.mean, wanted.mean, least_blur + blur * wanted.mean)
                << "seed " << seed << " seen " << seen << " least " << least << " age " << age;
            EXPECT_NEAR(is.deviation, sure, 2.6 * least_blur + blur * sure)
                << "seed " << seed << " seen " << seen << " least " << least << " age " << age;
          }
        }
      }
    }
  }
}

TEST(OutputHistory, IsExactOfNewcomersInTheLongRun) {
  const std::vector<int64_t> lengths = some_lengths(3, OutputHistory::kEnough + 49 * 16);
  OutputHistory history;
  add_all(history, lengths);
  const Moments wanted = counted_anew(lengths, true, 0, -1, 1'000'000);
  const Pace slow{seconds(60), true};  // everything ends within a few cells
  const Moments is{static_cast<double>(history.newcomer(slow).mean.back()) / kTokenParts,
                   std::sqrt(static_cast<double>(history.newcomer(slow).variance.back()))};
  EXPECT_NEAR(is.mean, wanted.mean, 1);
  EXPECT_NEAR(is.deviation, wanted.deviation, 1);
}

TEST(OutputHistory, TellsHowFarTheLongestReach) {
  OutputHistory history;
  for (int i = 0; i < 1000; ++i) history.add(i % 10 == 0 ? 1000 : 100, 100, seconds(2));
  // Mean 190: (0.9 x -90^3 + 0.1 x 810^3) / (0.9 x 90^2 + 0.1 x 810^2).
  EXPECT_EQ(history.skew(), 720);
  OutputHistory alike;
  for (int i = 0; i < 300; ++i) alike.add(100, 100, seconds(2));
  EXPECT_EQ(alike.skew(), 0);
}

TEST(OutputHistory, KnowsNothingOfWhatIsLongerThanAll) {
  OutputHistory history;
  add_all(history, std::vector<int64_t>(300, 100));
  EXPECT_TRUE(history.to_come(kRealtime, 50, 50).has_value());
  EXPECT_FALSE(history.to_come(kRealtime, 100, 100).has_value());
  EXPECT_FALSE(history.to_come(kRealtime, 0, 5'000'000).has_value());
}

TEST(OutputHistory, ForgetsTheOldest) {
  OutputHistory history;
  add_all(history, std::vector<int64_t>(OutputHistory::kKept, 100));
  add_all(history, std::vector<int64_t>(OutputHistory::kKept + 15, 300));
  const SummedCurve& curve = history.newcomer(kRealtime);
  EXPECT_NEAR(static_cast<double>(curve.mean.back()) / kTokenParts, 300, 1);
  EXPECT_EQ(curve.variance.back(), 0);
}

TEST(OutputHistory, NineteenOfTwentyStreamsAreAsFastAsItSays) {
  OutputHistory history;
  for (int64_t i = 0; i < 1000; ++i) {  // 10 .. 109 tokens/s
    history.add(1000, 1000, DurationNs{1'000'000'000'000 / (10 + i % 100)});
  }
  EXPECT_NEAR(static_cast<double>(history.least_in(seconds(100))), 1'500, 150);
  const SummedCurve& curve = history.newcomer(kRealtime);
  EXPECT_NEAR(static_cast<double>(curve.mean[1]) / kTokenParts, 105, 6);
}

TEST(OutputHistory, OutputsThatCameInOnePieceTellNoSpeed) {
  OutputHistory history;
  for (int i = 0; i < 300; ++i) history.add(500, 500, DurationNs{});
  for (int i = 0; i < 300; ++i) history.add(500, 10, seconds(1));
  EXPECT_EQ(history.least_in(seconds(1000)), 0);
  EXPECT_EQ(history.newcomer(kRealtime).mean[1] / kTokenParts, 500) << "all may come at once";
}

}  // namespace
}  // namespace llmq::core
