// Pools, tenants and prices: settings beside those of models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"

namespace llmq::config {
namespace {

using ::testing::HasSubstr;

void set(Config& config, const char* key, const char* value) {
  const auto result = config.set(key, value);
  ASSERT_TRUE(result.ok()) << result.error().message;
}

TEST(Pools, AreNamedByTheModelsThatShareThem) {
  Config config;
  set(config, "pool.account.limits", "tokens=90000/1m;concurrency=20");
  set(config, "model.a.pool", "account");
  set(config, "model.b.pool", "account");
  set(config, "model.b.rpm", "5");
  const auto models = config.models();
  ASSERT_TRUE(models.ok()) << models.error().message;
  EXPECT_EQ(models.value().at(1).deployments.at(0).pools, std::vector<std::string>{"account"});
  EXPECT_EQ(models.value().at(1).deployments.at(0).limits.size(), 1U);
  const auto pools = config.pools();
  ASSERT_TRUE(pools.ok()) << pools.error().message;
  ASSERT_EQ(pools.value().size(), 1U);
  EXPECT_EQ(pools.value()[0].name, "account");
  EXPECT_EQ(pools.value()[0].limits.size(), 2U);
  EXPECT_EQ(pools.value()[0].limits[0].shape, core::Shape::kSliding);
}

TEST(Pools, TakeTheDefaultsOfTheProviderThatDrawsOnThem) {
  Config config;
  set(config, "pool.account.limits", "tokens=90000/1m");
  set(config, "model.a.pool", "account");
  set(config, "model.a.provider", "openai");
  EXPECT_EQ(config.pools().value().at(0).limits.at(0).shape, core::Shape::kAuto);
  EXPECT_EQ(config.get("pool.account.shape", nullptr).value(), "auto");
  set(config, "pool.account.shape", "fixed");
  set(config, "pool.account.charge", "actual");
  set(config, "pool.account.jitter_ms", "7");
  set(config, "pool.account.time_zone", "Europe/Berlin");
  const PoolConfig pool = config.pools().value().at(0);
  EXPECT_EQ(pool.limits.at(0).shape, core::Shape::kFixed);
  EXPECT_EQ(pool.limits.at(0).charge, core::ChargeModel::kActual);
  EXPECT_EQ(pool.limits.at(0).jitter, core::milliseconds(7));
  EXPECT_EQ(pool.time_zone, "Europe/Berlin");
}

TEST(Pools, MistakesAreNamed) {
  Config unknown;
  set(unknown, "model.m.pool", "acount");
  EXPECT_THAT(unknown.models().error().message, HasSubstr("there is no pool \"acount\""));
  EXPECT_EQ(unknown.models().error().key, "model.m.pool");
  Config empty;
  set(empty, "pool.p.shape", "fixed");
  EXPECT_THAT(empty.pools().error().message, HasSubstr("pool.p.limits: the pool has no limits"));
  Config many;
  std::string text;
  for (int i = 1; i <= 9; ++i)
    text += (i == 1 ? "" : ";") + ("requests=5/" + std::to_string(i)) + "s";
  set(many, "pool.p.limits", text.c_str());
  set(many, "model.m.limits", text.c_str());
  set(many, "model.m.pool", "p");
  EXPECT_THAT(many.models().error().message, HasSubstr("18 limits"));
  Config config;
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, const char*>>{{"pool.a b.limits", "requests=5/1m"},
                                                        {"pool.p.limits", "requests=5"},
                                                        {"pool.p.rpm", "5"},
                                                        {"model.m.pool", "a,a"},
                                                        {"model.m.pool", "a,,b"},
                                                        {"model.m.pool", "*"},
                                                        {"model.m.time_zone", "../etc/passwd"},
                                                        {"model.m.time_zone", ""}}) {
    EXPECT_FALSE(config.set(key, value).ok()) << key << "=" << value;
  }
}

TEST(Prices, AreMoneyPerMillionTokens) {
  Config config;
  set(config, "model.m.price_input", "0.15");
  set(config, "model.m.price_output", "0.6");
  ModelConfig model = config.models().value().at(0);
  EXPECT_EQ(model.deployments.at(0).prices.input, 150'000);
  EXPECT_EQ(model.deployments.at(0).prices.output, 600'000);
  EXPECT_EQ(model.deployments.at(0).prices.cached_input, 150'000) << "without a price of its own";
  set(config, "model.m.price_cached_input", "0.075");
  model = config.models().value().at(0);
  EXPECT_EQ(model.deployments.at(0).prices.cached_input, 75'000);
  EXPECT_TRUE(model.deployments.at(0).has_prices);
  EXPECT_EQ(config.get("model.m.price_input", nullptr).value(), "0.15");
  for (const char* bad : {"-1", "1.2345678", "free", "1000000001"}) {
    const auto result = config.set("model.m.price_input", bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_THAT(result.error().message, HasSubstr("money 0 .. 1000000000"));
  }
}

TEST(Prices, ALimitOfCostNeedsThem) {
  Config config;
  set(config, "model.m.limits", "cost=12.50/1d");
  ASSERT_FALSE(config.models().ok());
  EXPECT_EQ(config.models().error().key, "model.m.price_input");
  set(config, "model.m.price_output", "0");
  EXPECT_TRUE(config.models().ok());
  Config pooled;
  set(pooled, "pool.p.limits", "cost=1,calendar=month");
  set(pooled, "model.m.pool", "p");
  EXPECT_THAT(pooled.models().error().message, HasSubstr("of pool p needs price_input"));
}

TEST(Tenants, HaveSettingsOfTheirOwnOrThoseOfAll) {
  Config config;
  set(config, "tenant.*.weight", "2");
  set(config, "tenant.big.weight", "6");
  set(config, "tenant.acme.eu.max_pending", "50");
  set(config, "tenant.acme.eu.max_pending_bytes", "1MiB");
  const ManagerConfig made = config.manager().value();
  EXPECT_EQ(made.every_tenant.weight, 2);
  EXPECT_EQ(made.every_tenant.max_pending, 0);
  ASSERT_EQ(made.tenants.size(), 2U);
  EXPECT_EQ(made.tenants[0].name, "big");
  EXPECT_EQ(made.tenants[0].weight, 6);
  EXPECT_EQ(made.tenants[1].name, "acme.eu");
  EXPECT_EQ(made.tenants[1].weight, 2);
  EXPECT_EQ(made.tenants[1].max_pending, 50);
  EXPECT_EQ(made.tenants[1].max_pending_bytes, 1 << 20);
  EXPECT_EQ(Config().manager().value().every_tenant.weight, 1);
  for (const char* bad : {"0", "-1", "1000001", "x"}) {
    EXPECT_FALSE(config.set("tenant.big.weight", bad).ok()) << bad;
  }
  EXPECT_EQ(config.set("tenant.big.rpm", "5").error().code, core::Status::kUnknownKey);
}

TEST(OneLimit, ReplacesThatOfItsKindAndPeriodAlone) {
  Config config;
  set(config, "model.m.limits", "requests=500/1m;concurrency=8");
  set(config, "model.m.tpm", "1000");
  set(config, "model.m.limit", "requests=7/1m");
  set(config, "model.m.limit", "tokens=5/1m");
  const auto limits = config.models().value().at(0).deployments.at(0).limits;
  ASSERT_EQ(limits.size(), 3U);
  EXPECT_EQ(limits[0].amount, 7);
  EXPECT_EQ(limits[1].amount, 5);
  EXPECT_EQ(limits[2].kind, core::LimitKind::kConcurrency);
  EXPECT_EQ(config.get("model.m.limit", nullptr).value(), "requests=7/1m;tokens=5/1m");
  set(config, "model.m.limits", "requests=9/1m");
  EXPECT_EQ(config.models().value().at(0).deployments.at(0).limits.at(0).amount, 9)
      << "replaces every limit";
}

// What get() gives is what was set, and makes the same settings again.
TEST(RoundTrip, TextGoesInAndComesOut) {
  const std::pair<const char*, const char*> kTexts[] = {
      {"model.m.limits",
       "requests=300/6s,shape=bucket,burst=0.1,share=1/4;tokens=9000/1m,charge=unknown,jitter=auto;"
       "cost=12.50,calendar=day,per_tenant;concurrency=8"},
      {"model.m.limit", "requests=20/1s,refused=free"},
      {"model.m.pool", "account"},
      {"model.m.price_output", "0.60"},
      {"model.m.time_zone", "America/Argentina/Buenos_Aires"},
      {"model.m.shape", "quantised"},
      {"pool.account.limits", "tokens=90000/1m,oversize=alone"},
      {"tenant.*.weight", "3"}};
  Config first;
  Config second;
  for (const auto& [key, value] : kTexts) set(first, key, value);
  for (const auto& [key, value] : kTexts) {
    const std::string text = first.get(key, nullptr).value();
    EXPECT_EQ(text, value);
    set(second, key, text.c_str());
  }
  EXPECT_TRUE(first == second);
  EXPECT_TRUE(first.models().ok()) << first.models().error().message;
}

TEST(Parts, HoldWhatOneModelOrPoolIsMadeFrom) {
  Config config;
  set(config, "pool.p.limits", "tokens=9/1m");
  set(config, "pool.q.limits", "tokens=9/1m");
  set(config, "model.*.timeout_ms", "77");
  set(config, "model.m.pool", "p");
  set(config, "model.m.provider", "openai");
  set(config, "model.other.rpm", "5");
  const Config model = config.only_model("m");
  EXPECT_EQ(model.model_names(), std::vector<std::string>{"m"});
  EXPECT_EQ(model.pool_names(), std::vector<std::string>{"p"});
  EXPECT_EQ(model.models().value().at(0).timeout, core::milliseconds(77));
  const Config pool = config.only_pool("p");
  EXPECT_EQ(pool.pool_names(), std::vector<std::string>{"p"});
  EXPECT_EQ(pool.pools().value().at(0).limits.at(0).shape, core::Shape::kAuto);
}

}  // namespace
}  // namespace llmq::config
