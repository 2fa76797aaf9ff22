#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"

namespace llmq::config {
namespace {

using ::testing::HasSubstr;

TEST(JsonDocument, SaysEverythingThatKeysSay) {
  Config config;
  const auto result = config.set_json(R"({
    "max_pending": 5, "max_pending_bytes": "1MiB", "log": {"level": "info"},
    "models": [
      {"name": "gpt-4.1", "timeout_ms": 1500, "retry": {"max_attempts": 3},
       "limits": [{"requests": 500, "per": "1m"}, {"tokens": 30000, "per": "1m", "charge": "actual"}, "concurrency=8"],
       "deployments": [{"provider": "openai", "base_url": "http://localhost:1", "allow_insecure": true}]},
      {"name": "*", "rpd": 9}, {"name": "b", "limits": "requests=1/1s", "mock": {"fail_server": 0.5}}]})");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(config.manager().value().max_pending, 5);
  EXPECT_EQ(config.manager().value().log_level, 2);
  const auto models = config.models();
  ASSERT_TRUE(models.ok()) << models.error().message;
  ASSERT_EQ(models.value().size(), 2U);
  const ModelConfig& model = models.value()[0];
  EXPECT_EQ(model.name, "gpt-4.1");
  EXPECT_EQ(model.deployments.at(0).limits.size(), 4U);
  EXPECT_EQ(model.deployments.at(0).limits[1].charge, core::ChargeModel::kActual);
  EXPECT_EQ(model.retry.max_attempts, 3U);
  EXPECT_TRUE(model.deployments.at(0).allow_insecure);
  EXPECT_DOUBLE_EQ(models.value()[1].deployments.at(0).mock.fail_server, 0.5);
}

TEST(JsonDocument, SaysPoolsTenantsAndEveryOptionOfALimit) {
  Config config;
  const auto result = config.set_json(R"({
    "pools": [{"name": "account", "limits": [{"tokens": 90000, "per": "1m"}, "concurrency=20"],
               "time_zone": "Europe/Berlin", "shape": "fixed"}],
    "tenants": [{"name": "a", "weight": 3, "max_pending_bytes": "1MiB"}, {"name": "*", "weight": 2}],
    "models": [{"name": "m", "pool": ["account"], "price_input": 0.15, "price_output": "0.6",
      "limits": [
        {"requests": 300, "per": "6s", "shape": "bucket", "burst": 30, "share": "1/3"},
        {"requests": 100, "per": "1s", "shape": "auto", "burst": 0.25, "refused": "free"},
        {"tokens": 9000, "per": "1m", "shape": "quantised", "slice": "2s", "charge": "unknown",
         "jitter": "auto", "oversize": "alone", "per_tenant": true},
        {"tokens": 9000, "per": "1m", "per_tenant": false},
        {"cost": 12.5, "calendar": "day"}]}]})");
  ASSERT_TRUE(result.ok()) << result.error().message;
  const auto models = config.models();
  ASSERT_TRUE(models.ok()) << models.error().message;
  const auto& limits = models.value().at(0).deployments.at(0).limits;
  const auto& tenants = models.value().at(0).tenant_limits;
  ASSERT_EQ(limits.size(), 4U);
  ASSERT_EQ(tenants.size(), 1U);
  EXPECT_EQ(limits[0].amount, 100);
  EXPECT_EQ(limits[0].burst, 10);
  EXPECT_EQ(limits[1].burst, 25);
  EXPECT_FALSE(limits[1].refused_count);
  EXPECT_EQ(tenants[0].slice, core::seconds(2));
  EXPECT_TRUE(tenants[0].per_tenant);
  EXPECT_TRUE(tenants[0].oversize_alone);
  EXPECT_FALSE(limits[2].per_tenant);
  EXPECT_EQ(limits[3].amount, 12'500'000);
  EXPECT_EQ(limits[3].calendar, core::Calendar::kDay);
  EXPECT_EQ(models.value().at(0).deployments.at(0).prices.output, 600'000);
  EXPECT_EQ(models.value().at(0).deployments.at(0).pools, std::vector<std::string>{"account"});
  EXPECT_EQ(config.pools().value().at(0).limits.size(), 2U);
  EXPECT_EQ(config.manager().value().tenants.at(0).weight, 3);
  EXPECT_EQ(config.manager().value().every_tenant.weight, 2);
}

TEST(JsonDocument, IsAllOrNothing) {
  Config config;
  const Config before = config;
  EXPECT_FALSE(config.set_json(R"({"max_pending": 5, "models": [{"name": "m", "rpm": 0}]})").ok());
  EXPECT_TRUE(config == before);
}

TEST(JsonDocument, NamesThePlaceOfAMistake) {
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {"{\"max_pending\": 5,\n  oops}", "line 2"},
      {"{} {}", "something follows"},
      {"[]", "expected an object"},
      {"\xff", "UTF-8"},
      {R"({"max_pendig": 5})", "max_pendig"},
      {R"({"model.m.rpm": 5})", "model.m.rpm"},
      {R"({"max_pending": null})", "max_pending"},
      {R"({"max_pending": [1]})", "max_pending"},
      {R"({"max_pending": 1.5})", "1.5"},
      {R"({"max_pending": 1, "max_pending": 2})", "given twice"},
      {R"({"seed": 18446744073709551615})", "written as a string"},
      {R"({"models": {}})", "models: expected an array"},
      {R"({"models": [3]})", "models[0]"},
      {R"({"models": [{"rpm": 3}]})", "models[0].name"},
      {R"({"models": [{"name": ""}]})", "1 .. 255"},
      {R"({"models": [{"name": "a"}, {"name": "a"}]})", "models[1].name"},
      {R"({"models": [{"name": "a", "rmp": 3}]})", "models[0].rmp"},
      {R"({"models": [{"name": "a", "retry": {"max_attempts": 0}}]})",
       "models[0].retry.max_attempts"},
      {R"({"models": [{"name": "a", "retry": {"base_ms": 1, "base_ms": 2}}]})", "given twice"},
      {R"({"models": [{"name": "a", "limits": 3}]})", "models[0].limits"},
      {R"({"models": [{"name": "a", "limits": [3]}]})", "models[0].limits[0]"},
      {R"({"models": [{"name": "a", "limits": [{"requests": 1, "tokens": 2, "per": "1m"}]}]})",
       "one too many"},
      {R"({"models": [{"name": "a", "limits": [{"requests": 1}]}]})", "a period"},
      {R"({"models": [{"name": "a", "limits": [{"requests": 1, "per": "1m", "per_tenant": 1}]}]})",
       "per_tenant: expected true or false"},
      {R"({"models": [{"name": "a", "limits": [{"requests": 1, "calendar": "year"}]}]})", "year"},
      {R"({"models": [{"name": "a", "pool": ["x,y"]}]})", "holds a comma"},
      {R"({"models": [{"name": "a", "pool": [1]}]})", "models[0].pool"},
      {R"({"models": [{"name": "a", "pool": 1}]})", "models[0].pool"},
      {R"({"models": [{"name": "a", "price_input": 9876543210.5}]})", "written as a string"},
      {R"({"pools": {}})", "pools: expected an array"},
      {R"({"pools": [{"limits": []}]})", "pools[0].name"},
      {R"({"pools": [{"name": "a,b", "limits": []}]})", "pools[0].name"},
      {R"({"pools": [{"name": "p", "rpm": 5}]})", "pools[0].rpm"},
      {R"({"tenants": [{"name": "t", "limits": "requests=1/1s"}]})", "tenants[0].limits"},
      {R"({"tenants": [{"name": "t", "weight": 0}]})", "tenants[0].weight"},
      {R"({"tenants": [{"name": "t"}, {"name": "t"}]})", "given twice"},
      {R"({"pool.p.limits": "requests=1/1s"})", "pool.p.limits"},
      {R"({"models": [{"name": "a", "deployments": {}}]})", "models[0].deployments"},
      {R"({"models": [{"name": "a", "deployments": []}]})", "models[0].deployments"},
      {R"({"models": [{"name": "a", "deployments": [{"rpm": 4}], "rpm": 5}]})",
       "its only deployment"},
      {R"({"models": [{"name": "a", "deployments": [4]}]})", "deployments[0]"},
      {R"({"models": [{"name": "a", "deployments": [{"timeout_ms": 4}]}]})",
       "belongs to the model"},
      {R"({"models": [{"name": "a", "deployments": [{"what": 4}]}]})", "what"},
  };
  for (const auto& bad : kBad) {
    Config config;
    const auto result = config.set_json(bad.text);
    ASSERT_FALSE(result.ok()) << bad.text;
    EXPECT_THAT(result.error().message, HasSubstr(bad.says)) << bad.text;
  }
}

}  // namespace
}  // namespace llmq::config
