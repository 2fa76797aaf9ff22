#include "config/limit_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"

namespace llmq::config {
namespace {

using core::ChargeModel;
using core::LimitKind;

TEST(LimitText, ReadsEveryKindAndOption) {
  const auto limits = parse_limits(
      "requests=500/1m; tokens=30000/90s,charge=arrival "
      ";input_tokens=7/1h,jitter=100ms,charge=realtime;"
      "output_tokens=1/31d;concurrency=8",
      "k");
  ASSERT_TRUE(limits.ok()) << limits.error().message;
  const std::vector<LimitEntry>& l = limits.value();
  ASSERT_EQ(l.size(), 5U);
  EXPECT_EQ(l[0].spec.kind, LimitKind::kRequests);
  EXPECT_EQ(l[0].spec.amount, 500);
  EXPECT_EQ(l[0].spec.period, core::seconds(60));
  EXPECT_EQ(l[0].spec.jitter, core::milliseconds(250));
  EXPECT_EQ(l[1].spec.charge, ChargeModel::kArrival);
  EXPECT_TRUE(l[1].charge_given);
  EXPECT_EQ(l[2].spec.jitter, core::milliseconds(100));
  EXPECT_TRUE(l[2].jitter_given);
  EXPECT_EQ(l[2].spec.charge, ChargeModel::kRealtime);
  EXPECT_EQ(l[3].spec.period, core::seconds(31 * 24 * 3600));
  EXPECT_EQ(l[4].spec.kind, LimitKind::kConcurrency);
  EXPECT_EQ(l[4].spec.period.ns, 0);
}

TEST(LimitText, RefusesWithTheTextAndWhatWasExpected) {
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {"", "KIND=AMOUNT"},
      {"calls=5/1m", "calls=5/1m"},
      {"requests", "requests"},
      {"requests=/1m", "1 .. 1000000000000000"},
      {"requests=0/1m", "1 .. 1000000000000000"},
      {"requests=-1/1m", "1 .. 1000000000000000"},
      {"requests=1000000000000001/1m", "1 .. 1000000000000000"},
      {"requests=1.5/1m", "whole number"},
      {"requests=5", "a period"},
      {"requests=5/1", "a period"},
      {"requests=5/500ms", "1s .. 31d"},
      {"requests=5/32d", "1s .. 31d"},
      {"concurrency=5/1s", "without a period"},
      {"requests=5/1m,charge=actual", "tokens"},
      {"tokens=5/1m,charge=later", "arrival"},
      {"tokens=5/1m,charge=actual,charge=arrival", "charge once"},
      {"tokens=5/1m,colour=2", "charge, jitter"},
      {"tokens=5/1m,", "charge, jitter"},
      {"concurrency=5,jitter=1s", "jitter"},
      {"requests=5/1m;requests=6/60s", "given twice"},
  };
  for (const auto& bad : kBad) {
    const auto limits = parse_limits(bad.text, "the.key");
    ASSERT_FALSE(limits.ok()) << bad.text;
    EXPECT_THAT(limits.error().message, ::testing::HasSubstr(bad.says)) << bad.text;
    EXPECT_THAT(limits.error().message, ::testing::StartsWith("the.key"));
  }
}

TEST(LimitText, SeventeenLimitsAreOneTooMany) {
  std::string text;
  for (int i = 1; i <= 17; ++i)
    text += (i == 1 ? "" : ";") + ("requests=5/" + std::to_string(i)) + "s";
  EXPECT_FALSE(parse_limits(text, "k").ok());
}

TEST(Period, HasAUnit) {
  EXPECT_EQ(parse_period("250ms", "k").value(), core::milliseconds(250));
  EXPECT_EQ(parse_period("2h", "k").value(), core::seconds(7200));
  for (const char* bad : {"", "5", "s", "-1s", "1.5s", "1w", "1 s", "99999999999999999d"}) {
    EXPECT_FALSE(parse_period(bad, "k").ok()) << bad;
  }
}

}  // namespace
}  // namespace llmq::config
