#include "core/limit/limit_names.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

TEST(LimitNames, NameEveryKind) {
  EXPECT_STREQ(kind_name(LimitKind::kRequests), "requests");
  EXPECT_STREQ(kind_name(LimitKind::kTokens), "tokens");
  EXPECT_STREQ(kind_name(LimitKind::kInputTokens), "input_tokens");
  EXPECT_STREQ(kind_name(LimitKind::kOutputTokens), "output_tokens");
  EXPECT_STREQ(kind_name(LimitKind::kConcurrency), "concurrency");
  EXPECT_STREQ(kind_name(static_cast<LimitKind>(99)), "?");
}

TEST(LimitNames, NameEveryCharge) {
  EXPECT_STREQ(charge_name(ChargeModel::kArrival), "arrival");
  EXPECT_STREQ(charge_name(ChargeModel::kCompletion), "completion");
  EXPECT_STREQ(charge_name(ChargeModel::kRealtime), "realtime");
  EXPECT_STREQ(charge_name(ChargeModel::kActual), "actual");
  EXPECT_STREQ(charge_name(static_cast<ChargeModel>(99)), "?");
}

TEST(LimitNames, WritePeriodsInTheGreatestUnitThatFits) {
  EXPECT_EQ(period_text(seconds(1)), "1s");
  EXPECT_EQ(period_text(seconds(6)), "6s");
  EXPECT_EQ(period_text(seconds(90)), "90s");
  EXPECT_EQ(period_text(seconds(60)), "1m");
  EXPECT_EQ(period_text(seconds(3600)), "1h");
  EXPECT_EQ(period_text(seconds(86'400)), "1d");
  EXPECT_EQ(period_text(seconds(7 * 86'400)), "7d");
  EXPECT_EQ(period_text(milliseconds(1500)), "1500ms");
  EXPECT_EQ(period_text(DurationNs{}), "0ms");
}

TEST(LimitNames, NameALimitByKindAndPeriod) {
  LimitSpec spec;
  spec.kind = LimitKind::kTokens;
  spec.period = seconds(60);
  EXPECT_EQ(limit_name(spec), "tokens/1m");
  spec.kind = LimitKind::kConcurrency;
  EXPECT_EQ(limit_name(spec), "concurrency");
}

TEST(LimitSpec, JitterIsAHundredthOfThePeriodWithinBounds) {
  EXPECT_EQ(default_jitter(seconds(1)), milliseconds(20));
  EXPECT_EQ(default_jitter(seconds(6)), milliseconds(60));
  EXPECT_EQ(default_jitter(seconds(60)), milliseconds(250));
  EXPECT_EQ(default_jitter(seconds(86'400)), milliseconds(250));
}

}  // namespace
}  // namespace llmq::core
