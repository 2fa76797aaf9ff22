// The options of limits: what each means, and which contradict each other.
#include "config/limit_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

namespace llmq::config {
namespace {

using ::testing::HasSubstr;

core::LimitSpec spec_of(const char* text) {
  const auto entry = parse_limit_entry(text, "k");
  EXPECT_TRUE(entry.ok()) << text << ": " << entry.error().message;
  return entry.ok() ? entry.value().spec : core::LimitSpec();
}

// The one limit of a model with these settings.
core::LimitSpec of_model(std::initializer_list<std::pair<const char*, const char*>> settings) {
  Config config;
  for (const auto& [key, value] : settings) {
    const auto set = config.set(std::string("model.m.") + key, value);
    EXPECT_TRUE(set.ok()) << set.error().message;
  }
  const auto models = config.models();
  EXPECT_TRUE(models.ok()) << models.error().message;
  if (!models.ok()) return {};
  const ModelConfig& model = models.value().at(0);
  return model.tenant_limits.empty() ? model.deployments.at(0).limits.at(0)
                                     : model.tenant_limits.at(0);
}

TEST(LimitOptions, EachSaysWhatItMeans) {
  EXPECT_EQ(spec_of("requests=300/6s,shape=paced").shape, core::Shape::kPaced);
  EXPECT_EQ(spec_of("requests=300/6s,shape=bucket,burst=30").burst, 30);
  EXPECT_EQ(spec_of("requests=300/6s,shape=bucket,burst=0.1").burst, 30);
  EXPECT_EQ(spec_of("requests=300/6s,burst=1.0,shape=auto").burst, 300);
  EXPECT_EQ(spec_of("requests=3/6s,shape=bucket,burst=0.1").burst, 1);
  EXPECT_EQ(spec_of("requests=300/6s,shape=quantised,slice=2s").slice, core::seconds(2));
  EXPECT_EQ(spec_of("tokens=300/6s,charge=unknown").charge, core::ChargeModel::kUnknown);
  EXPECT_EQ(spec_of("tokens=300/6s,jitter=auto").jitter, core::milliseconds(60));
  EXPECT_EQ(spec_of("tokens=300/6s,jitter=20ms").jitter, core::milliseconds(20));
  EXPECT_TRUE(spec_of("requests=5/1m,per_tenant").per_tenant);
  EXPECT_FALSE(spec_of("requests=5/1m,refused=free").refused_count);
  EXPECT_TRUE(spec_of("requests=5/1m,refused=count").refused_count);
  EXPECT_TRUE(spec_of("tokens=5/1m,oversize=alone").oversize_alone);
  EXPECT_FALSE(spec_of("tokens=5/1m,oversize=refuse").oversize_alone);
  EXPECT_TRUE(spec_of("concurrency=8,share=1/4,per_tenant").per_tenant);
}

TEST(LimitOptions, AShareIsWhatIsLeftForThisProcess) {
  const core::LimitSpec spec = spec_of("requests=300/6s,shape=bucket,burst=40,share=1/4");
  EXPECT_EQ(spec.amount, 75);
  EXPECT_EQ(spec.burst, 10);
  EXPECT_EQ(spec.share, 4U);
  EXPECT_EQ(spec_of("concurrency=9,share=1/4").amount, 2);
}

TEST(LimitOptions, CostIsMoneyInMillionths) {
  const core::LimitSpec spec = spec_of("cost=12.50/1d");
  EXPECT_EQ(spec.kind, core::LimitKind::kCost);
  EXPECT_EQ(spec.amount, 12'500'000);
  EXPECT_EQ(spec_of("cost=3/1h").amount, 3'000'000);
  EXPECT_EQ(spec_of("cost=0.000001/1h").amount, 1);
}

TEST(LimitOptions, ACalendarTakesThePlaceOfThePeriod) {
  const struct {
    const char* text;
    core::Calendar calendar;
    int64_t seconds;
  } kCalendars[] = {{"requests=1000,calendar=minute", core::Calendar::kMinute, 60},
                    {"requests=1000,calendar=hour", core::Calendar::kHour, 3600},
                    {"requests=1000,calendar=day", core::Calendar::kDay, 86'400},
                    {"requests=1000/1d,calendar=day", core::Calendar::kDay, 86'400},
                    {"tokens=1000,calendar=week", core::Calendar::kWeek, 7 * 86'400},
                    {"cost=1000,calendar=month", core::Calendar::kMonth, 31 * 86'400}};
  for (const auto& one : kCalendars) {
    const core::LimitSpec spec = spec_of(one.text);
    EXPECT_EQ(spec.calendar, one.calendar) << one.text;
    EXPECT_EQ(spec.period, core::seconds(one.seconds)) << one.text;
    EXPECT_EQ(spec.shape, core::Shape::kFixed) << one.text;
  }
  // A model's default shape is not for calendar windows.
  EXPECT_EQ(of_model({{"limits", "requests=10,calendar=day"}, {"shape", "sliding"}}).shape,
            core::Shape::kFixed);
}

TEST(LimitOptions, TheSameKindMayStandOncePerPeriodCalendarAndTenant) {
  EXPECT_TRUE(
      parse_limits("requests=5/1s;requests=100/1m;requests=1000/1d;requests=900,calendar=day;"
                   "requests=50/1m,per_tenant",
                   "k")
          .ok());
  EXPECT_FALSE(parse_limits("cost=5/1d;cost=6/1d", "k").ok());
  EXPECT_THAT(parse_limits("cost=5.5/1d;cost=6/1d", "k").error().message,
              HasSubstr("cost/1d is given twice, as 5.5 and as 6"));
}

TEST(LimitOptions, ContradictionsAreNamedWithTheOptionAndTheValue) {
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {"requests=300/6s,shape=sliding,burst=30", "burst=30 belongs to shape=bucket or shape=auto"},
      {"requests=300/6s,shape=fixed,slice=1s", "slice=1s belongs to shape=quantised"},
      {"requests=300/6s,shape=quantised,slice=7s", "slice=7s is longer than the period of 6s"},
      {"requests=300/6s,shape=quantised,slice=500ms", "slice= a time of 1s"},
      {"requests=300/6s,shape=quantised,slice=x", "it is \"x\""},
      {"requests=300/6s,shape=round", "it is \"round\""},
      {"requests=300/6s,shape", "it is \"\""},
      {"concurrency=3,shape=bucket", "shape at limits with a period alone"},
      {"concurrency=3,calendar=day", "calendar at limits with a period alone"},
      {"requests=300/6s,shape=bucket,burst=0", "it is \"0\""},
      {"requests=300/6s,shape=bucket,burst=1.5", "it is \"1.5\""},
      {"requests=300/6s,shape=bucket,burst=0.0", "it is \"0.0\""},
      {"requests=300/6s,shape=bucket,burst=-3", "it is \"-3\""},
      {"requests=300/6s,shape=bucket,burst=.5", "it is \".5\""},
      {"requests=300/6s,share=1/400", "share=1/400 leaves nothing of an amount of 300"},
      {"requests=300/6s,share=1/0", "it is \"1/0\""},
      {"requests=300/6s,share=2/3", "it is \"2/3\""},
      {"requests=300/6s,share=0.25", "it is \"0.25\""},
      {"requests=300/1h,calendar=day", "calendar=day and a period of 1h"},
      {"requests=300,calendar=year", "it is \"year\""},
      {"requests=300,calendar=day,shape=bucket", "calendar=day has fixed windows"},
      {"requests=300/1m,charge=actual", "charge at limits of tokens or cost alone"},
      {"tokens=300/1m,refused=free", "refused at limits of requests alone"},
      {"requests=300/1m,oversize=alone", "oversize at limits of tokens or cost alone"},
      {"tokens=300/1m,oversize=never", "it is \"never\""},
      {"requests=300/1m,per_tenant=yes", "per_tenant without a value; it is \"yes\""},
      {"requests=300/1m,per_tenant,per_tenant", "per_tenant once"},
      {"requests=300/1m,jitter=2h", "it is \"2h\""},
      {"requests=300/1m,colour=red", "one is \"colour=red\""},
      {"requests=300/1m,", "no option but shape, burst"},
      {"cost=1.2345678/1d", "at most 6 decimals"},
      {"cost=0/1d", "0.000001"},
      {"cost=-1/1d", "0.000001"},
      {"cost=5", "a period"},
      {"tokens=1.5/1m", "whole number"},
  };
  for (const auto& bad : kBad) {
    const auto entry = parse_limit_entry(bad.text, "the.key");
    ASSERT_FALSE(entry.ok()) << bad.text;
    EXPECT_EQ(entry.error().code, core::Status::kInvalidValue);
    EXPECT_EQ(entry.error().key, "the.key");
    EXPECT_THAT(entry.error().message, HasSubstr(bad.says)) << bad.text;
    EXPECT_THAT(entry.error().message, HasSubstr(std::string(bad.text).substr(0, 8)));
  }
}

TEST(LimitOptions, WhatALimitDoesNotSayComesFromItsModel) {
  EXPECT_EQ(of_model({{"rpm", "5"}}).shape, core::Shape::kSliding);
  EXPECT_EQ(of_model({{"rpm", "5"}, {"provider", "mock"}}).shape, core::Shape::kSliding);
  EXPECT_EQ(of_model({{"rpm", "5"}, {"provider", "openai"}}).shape, core::Shape::kAuto);
  EXPECT_EQ(of_model({{"rpm", "5"}, {"shape", "paced"}}).shape, core::Shape::kPaced);
  EXPECT_EQ(of_model({{"limits", "requests=5/1m,shape=fixed"}, {"shape", "paced"}}).shape,
            core::Shape::kFixed);
  EXPECT_EQ(of_model({{"concurrency", "5"}, {"shape", "paced"}}).shape, core::Shape::kSliding);
  EXPECT_EQ(of_model({{"limits", "tokens=5/1m"}, {"charge", "unknown"}}).charge,
            core::ChargeModel::kUnknown);
  EXPECT_EQ(of_model({{"limits", "requests=60/1m"}, {"shape", "quantised"}}).slice,
            core::seconds(1));
  EXPECT_EQ(of_model({{"limits", "requests=300/6s,burst=30"}, {"shape", "bucket"}}).burst, 30);
}

// The shape may come later than the option: the contradiction shows when both are known.
TEST(LimitOptions, AModelsShapeMayContradictALimit) {
  Config config;
  ASSERT_TRUE(config.set("model.m.limits", "requests=300/6s,burst=30").ok());
  const auto models = config.models();
  ASSERT_FALSE(models.ok());
  EXPECT_EQ(models.error().key, "model.m.limits");
  EXPECT_THAT(models.error().message,
              HasSubstr("requests/6s contradicts itself: burst=30 belongs to"));
}

TEST(LimitOptions, MergingReplacesWhatCountsTheSame) {
  EXPECT_EQ(merged_limits("requests=5/1m;tokens=9/1m", "requests=7/60s"),
            "tokens=9/1m;requests=7/60s");
  EXPECT_EQ(merged_limits("", "requests=7/60s"), "requests=7/60s");
  EXPECT_EQ(merged_limits("requests=5/1m", "requests=7/1s"), "requests=5/1m;requests=7/1s");
}

}  // namespace
}  // namespace llmq::config
