#include "cli/report_sampler.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/handles.h"

namespace llmq::cli {
namespace {

TEST(ReportSampler, ReadsTheLimitsOfModelsDeploymentsAndPools) {
  const base::Json info(cJSON_Parse(R"({"models": [
    {"model": "a", "limits": [
      {"limit": "requests/1m", "kind": "requests", "amount": 60, "effective": 50,
       "used": 7, "reserved": 2},
      {"limit": "cost/1d", "kind": "cost", "amount": 5000000, "effective": 5000000,
       "used": 250000, "reserved": 0}]},
    {"model": "b", "limits": [], "deployments": [
      {"name": "east", "limits": [{"limit": "tokens/1m", "kind": "tokens", "pool": "shared",
        "amount": 900, "effective": 900, "used": -3, "reserved": 0}]},
      {"name": "west", "limits": [{"limit": "concurrency", "kind": "concurrency", "amount": 8,
        "effective": 8, "used": 3, "reserved": 0}]}]}]})"));
  ASSERT_NE(info, nullptr);
  ReportSamples samples;
  samples.start(0);
  add_loads(info.get(), 1, samples);
  ASSERT_EQ(samples.limits().size(), 4U);
  const auto is = [&](size_t i, const char* owner, const char* limit, double amount, double load,
                      double effective) {
    const LimitSeries& series = samples.limits()[i];
    EXPECT_EQ(series.name.owner, owner);
    EXPECT_EQ(series.name.limit, limit);
    EXPECT_EQ(series.amount, amount);
    ASSERT_EQ(series.loads.size(), 1U);
    EXPECT_EQ(series.loads[0].load, load);
    EXPECT_EQ(series.loads[0].effective, effective);
  };
  is(0, "a", "requests/1m", 60, 9, 50);
  is(1, "a", "cost/1d", 5, 0.25, 5);
  EXPECT_TRUE(samples.limits()[1].name.money);
  is(2, "pool shared", "tokens/1m", 900, 0, 900);
  is(3, "b at west", "concurrency", 8, 3, 8);
}

TEST(ReportSampler, AManagerThatHasDoneNothing) {
  llmq_conf_t* conf = nullptr;
  expect_ok(llmq_conf_create(&conf));
  const Conf own(conf);
  expect_ok(llmq_conf_set(conf, "model.m.provider", "mock", nullptr));
  expect_ok(llmq_conf_set(conf, "model.m.limits", "requests=60/1m", nullptr));
  llmq_manager_t* manager = nullptr;
  expect_ok(llmq_manager_create(conf, &manager, nullptr));
  const ManagerHandle end(manager);
  ReportSamples samples;
  samples.start(llmq_now_ns());
  ReportSampler sampler(samples);
  const int64_t before = llmq_now_ns();
  sampler.look(manager, 5);
  EXPECT_EQ(samples.totals().calls, 0U);
  EXPECT_EQ(samples.totals().cost_micros, 5);
  bool found = false;
  for (const LimitSeries& series : samples.limits()) {
    if (series.name.limit != "requests/1m") continue;
    found = true;
    EXPECT_EQ(series.name.owner, "m");
    EXPECT_EQ(series.peak().load, 0);
    EXPECT_EQ(series.peak().effective, 60);
  }
  EXPECT_TRUE(found);
  EXPECT_GE(sampler.next_ns(), before + ReportSamples::kFirstBin);
}

}  // namespace
}  // namespace llmq::cli
