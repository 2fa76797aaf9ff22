#include "cli/time_histogram.h"

#include <gtest/gtest.h>

namespace llmq::cli {
namespace {

TEST(TimeHistogram, QuantilesAreAtMostOneStepTooLow) {
  TimeHistogram fine;
  BasicTimeHistogram<16, uint32_t> coarse;
  for (int64_t ms = 1; ms <= 1000; ++ms) {
    fine.add(ms * 1'000'000);
    coarse.add(ms * 1'000'000);
  }
  for (const double q : {0.01, 0.5, 0.99, 1.0}) {
    const double exact = q * 1000;
    EXPECT_LE(fine.quantile_ms(q), exact);
    EXPECT_GE(fine.quantile_ms(q), exact * (1 - 1.0 / 64));
    EXPECT_LE(coarse.quantile_ms(q), exact);
    EXPECT_GE(coarse.quantile_ms(q), exact * (1 - 1.0 / 16));
  }
}

TEST(TimeHistogram, EmptyAndEnds) {
  TimeHistogram times;
  EXPECT_TRUE(times.empty());
  EXPECT_EQ(times.quantile_ms(0.5), 0);
  times.add(-1);
  EXPECT_EQ(times.quantile_ms(1), 0);
  times.add(INT64_MAX);
  EXPECT_NEAR(times.quantile_ms(1) / 9.223372e12, 1, 1.0 / 64);
}

TEST(TimeHistogram, MergesToWhatOneWouldHaveSeen) {
  TimeHistogram one;
  TimeHistogram a;
  TimeHistogram b;
  for (int64_t i = 0; i < 100; ++i) {
    one.add(i * i * 12345);
    (i % 3 == 0 ? a : b).add(i * i * 12345);
  }
  a.merge(b);
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(a.quantile_ms(i / 100.0), one.quantile_ms(i / 100.0));
}

}  // namespace
}  // namespace llmq::cli
