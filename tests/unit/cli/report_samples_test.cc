#include "cli/report_samples.h"

#include <gtest/gtest.h>

namespace llmq::cli {
namespace {

constexpr int64_t kStart = 5'000'000'000;
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

ReportSamples started() {
  ReportSamples samples;
  samples.start(kStart);
  return samples;
}

ReportBin sum_of(const ReportSamples& samples) {
  ReportBin sum;
  for (const ReportBin& bin : samples.bins()) sum.merge(bin);
  return sum;
}

TEST(ReportSamples, GrowthOfTotalsCountsForItsBin) {
  ReportSamples samples = started();
  samples.add_totals(kStart, {0, 0, 0, 0});
  samples.add_totals(kStart + 15 * kMs, {4, 1, 1, 700});
  samples.add_totals(kStart + 19 * kMs, {6, 1, 2, 600});  // an estimate gave way
  samples.add_totals(kStart + 31 * kMs, {7, 2, 2, 600});
  ASSERT_EQ(samples.bins().size(), 4U);
  EXPECT_EQ(samples.bins()[0].calls, 0U);
  EXPECT_EQ(samples.bins()[1].calls, 6U);
  EXPECT_EQ(samples.bins()[1].retries, 1U);
  EXPECT_EQ(samples.bins()[1].http_429, 2U);
  EXPECT_EQ(samples.bins()[1].cost_micros, 600);
  EXPECT_EQ(samples.bins()[2].calls, 0U);
  EXPECT_EQ(samples.bins()[3].calls, 1U);
  EXPECT_EQ(samples.length_ns(), 31 * kMs);
}

TEST(ReportSamples, AnAnswerWithoutACallHasNoLatency) {
  ReportSamples samples = started();
  samples.add_answer(kStart, true, 3 * kMs, 40 * kMs);
  samples.add_answer(kStart, false, 9 * kMs, 0);
  const ReportBin& bin = samples.bins().at(0);
  EXPECT_EQ(bin.completed, 1U);
  EXPECT_EQ(bin.failed, 1U);
  EXPECT_NEAR(bin.waits.quantile_ms(1), 9, 9.0 / 16);
  EXPECT_NEAR(bin.latencies.quantile_ms(0), 40, 40.0 / 16);
  EXPECT_NEAR(samples.latencies().quantile_ms(0), 40, 40.0 / 64);
}

// A day of one answer per second: nothing is lost, and no more bins than there may be.
TEST(ReportSamples, ADayFitsIntoTheBins) {
  ReportSamples samples = started();
  constexpr uint64_t kDay = 86'400;
  for (uint64_t i = 1; i <= kDay; ++i) {
    const int64_t now = kStart + static_cast<int64_t>(i) * kSecond;
    samples.add_totals(now, {i, i / 10, i / 100, static_cast<int64_t>(i) * 3});
    samples.add_answer(now, i % 7 != 0, 5 * kMs, 200 * kMs);
    samples.add_load(now, {"m", "requests/1m"}, 60, {static_cast<double>(i % 61), 60});
  }
  EXPECT_LE(samples.bins().size(), ReportSamples::kMaxBins);
  EXPECT_GT(samples.bins().size(), ReportSamples::kMaxBins / 2);
  const ReportBin sum = sum_of(samples);
  EXPECT_EQ(sum.calls, kDay);
  EXPECT_EQ(sum.retries, kDay / 10);
  EXPECT_EQ(sum.http_429, kDay / 100);
  EXPECT_EQ(sum.completed + sum.failed, kDay);
  EXPECT_EQ(sum.failed, kDay / 7);
  EXPECT_EQ(sum.cost_micros, static_cast<int64_t>(kDay) * 3);
  // The same in every bin: what is in a bin happened in its time.
  const auto per_bin = static_cast<double>(samples.bin_ns()) / kSecond;
  for (size_t i = 0; i + 1 < samples.bins().size(); ++i) {
    EXPECT_NEAR(static_cast<double>(samples.bins()[i].calls), per_bin, 1.01) << i;
  }
  ASSERT_EQ(samples.limits().size(), 1U);
  EXPECT_EQ(samples.limits()[0].peak().load, 60);  // highest, not last
  EXPECT_EQ(samples.limits()[0].peak_share(), 1);
  EXPECT_LE(samples.limits()[0].loads.size(), samples.bins().size());
}

TEST(ReportSamples, ABinKeepsWhatCameClosestToTheLimit) {
  ReportSamples samples = started();
  const LimitName name{"m", "tokens/1m"};
  samples.add_load(kStart, name, 100, {80, 100});
  samples.add_load(kStart + kMs, name, 100, {50, 50});  // enforced less: that was closer
  samples.add_load(kStart + 2 * kMs, name, 100, {10, 50});
  samples.add_load(kStart + 30 * kMs, name, 100, {0, 100});
  const LimitSeries& series = samples.limits().at(0);
  ASSERT_EQ(series.loads.size(), 4U);
  EXPECT_EQ(series.loads[0].load, 50);
  EXPECT_EQ(series.loads[0].effective, 50);
  EXPECT_LT(series.loads[1].load, 0);  // nobody looked
  EXPECT_EQ(series.loads[3].load, 0);
}

TEST(ReportSamples, LimitsAreBounded) {
  ReportSamples samples = started();
  for (size_t i = 0; i < ReportSamples::kMaxLimits; ++i) {
    samples.add_load(kStart, {"m" + std::to_string(i), "requests/1m"}, 1, {0, 1});
  }
  EXPECT_FALSE(samples.limits_left_out());
  samples.add_load(kStart, {"one more", "requests/1m"}, 1, {0, 1});
  samples.add_load(kStart, {"m0", "requests/1m"}, 1, {1, 1});
  EXPECT_EQ(samples.limits().size(), ReportSamples::kMaxLimits);
  EXPECT_TRUE(samples.limits_left_out());
  EXPECT_EQ(samples.limits()[0].peak().load, 1);
}

}  // namespace
}  // namespace llmq::cli
