// Several deployments of one model: what each takes from its model, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/keys.h"

namespace llmq::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void set(Config& config, const char* key, const char* value) {
  const auto result = config.set(key, value);
  ASSERT_TRUE(result.ok()) << result.error().message;
}

Config read(const char* json) {
  Config config;
  const auto result = config.set_json(json);
  EXPECT_TRUE(result.ok()) << result.error().message;
  return config;
}

ModelConfig only_model(const Config& config) {
  const auto models = config.models();
  EXPECT_TRUE(models.ok()) << models.error().message;
  return models.ok() ? models.value().at(0) : ModelConfig();
}

std::string fault_of(const char* json) {
  Config config;
  const auto result = config.set_json(json);
  if (!result.ok()) return result.error().message;
  const auto models = config.models();
  return models.ok() ? "" : models.error().message;
}

TEST(Deployments, TakeFromTheirModelWhatTheyDoNotSay) {
  const Config config = read(R"({"models": [{"name": "m", "provider": "openai", "price_input": 1,
      "price_output": 2, "max_in_flight": 7, "deployments": [
        {"name": "east", "base_url": "http://127.0.0.1:1", "rpm": 5, "weight": 3},
        {"name": "west", "provider": "azure", "base_url": "http://127.0.0.1:2", "max_in_flight": 9,
         "order": 1, "price_output": 4}]}]})");
  const ModelConfig model = only_model(config);
  ASSERT_EQ(model.deployments.size(), 2U);
  EXPECT_TRUE(model.is_named());
  const DeploymentConfig& east = model.deployments[0];
  const DeploymentConfig& west = model.deployments[1];
  EXPECT_EQ(east.name, "east");
  EXPECT_EQ(east.title(), "deployment east of model m");
  EXPECT_EQ(east.base_url, "http://127.0.0.1:1");
  EXPECT_EQ(east.profile->name, "openai");
  EXPECT_EQ(east.limits.at(0).amount, 5);
  EXPECT_EQ(east.limits.at(0).shape, core::Shape::kAuto) << "its provider counts it";
  EXPECT_FALSE(east.limits.at(0).ours);
  EXPECT_EQ(east.weight, 3);
  EXPECT_EQ(east.max_in_flight, 7);
  EXPECT_EQ(west.profile->name, "azure");
  EXPECT_TRUE(west.limits.empty());
  EXPECT_EQ(west.max_in_flight, 9);
  EXPECT_EQ(west.order, 1);
  EXPECT_EQ(west.prices.input, 1'000'000);
  EXPECT_EQ(west.prices.output, 4'000'000);
}

TEST(Deployments, HaveKeysOfTheirOwn) {
  Config config;
  set(config, "model.gpt-4.1.provider", "openai");
  set(config, "model.gpt-4.1.deployments.eu.west.base_url", "http://127.0.0.1:1");
  set(config, "model.gpt-4.1.deployments.eu.west.mock.seed", "4");
  set(config, "model.gpt-4.1.deployments.b.tpm", "100");
  EXPECT_THAT(config.deployment_names("gpt-4.1"), ElementsAre("eu.west", "b"));
  const auto text = [&config](const char* key) {
    const auto got = config.get(key, nullptr);
    return got.ok() ? got.value() : got.error().message;
  };
  EXPECT_EQ(text("model.gpt-4.1.deployments.eu.west.base_url"), "http://127.0.0.1:1");
  EXPECT_EQ(text("model.gpt-4.1.deployments.b.base_url"), "https://api.openai.com/v1");
  EXPECT_EQ(text("model.gpt-4.1.deployments.b.provider"), "openai");
  EXPECT_EQ(text("model.gpt-4.1.deployments.b.tpm"), "100");
  EXPECT_EQ(text("model.gpt-4.1.deployments.eu.west.tpm"), "");
  EXPECT_EQ(text("model.gpt-4.1.tpm"), "");
}

TEST(Deployments, LimitsOfTheModelAreOurs) {
  Config config = read(R"({"models": [{"name": "*", "rpd": 900}, {"name": "m",
      "provider": "openai", "tpm": 1000, "limit": "requests=7/1s,per_tenant",
      "deployments": [{"tpm": 10}, {"name": "b"}]}]})");
  const ModelConfig model = only_model(config);
  EXPECT_EQ(model.deployments.at(0).name, "0") << "by its place";
  ASSERT_EQ(model.limits.size(), 2U);
  for (const core::LimitSpec& limit : model.limits) {
    EXPECT_TRUE(limit.ours);
    EXPECT_EQ(limit.shape, core::Shape::kSliding);
    EXPECT_EQ(limit.charge, core::ChargeModel::kActual);
  }
  ASSERT_EQ(model.tenant_limits.size(), 1U);
  EXPECT_EQ(model.tenant_limits[0].amount, 7);
  EXPECT_EQ(model.deployments[0].limits.at(0).charge, core::ChargeModel::kArrival);
  EXPECT_TRUE(model.deployments[1].limits.empty());
  set(config, "model.m.limits", "tokens=5/1m,shape=auto");
  EXPECT_THAT(config.models().error().message, HasSubstr("shape=auto has nothing to learn from"));
}

TEST(Deployments, TakeLimitsOfThePresetEach) {
  const Config config = read(R"({"models": [{"name": "gpt-4o", "provider": "openai",
      "preset": "openai/tier-1", "deployments": [{}, {"rpm": 3}]}]})");
  const ModelConfig model = only_model(config);
  EXPECT_TRUE(model.limits.empty());
  EXPECT_EQ(model.deployments.at(0).limits.size(), model.deployments.at(1).limits.size());
  EXPECT_EQ(model.deployments[1].limits.at(0).amount, 3);
  EXPECT_GT(model.deployments[0].limits.at(0).amount, 3);
}

TEST(Deployments, SharePoolsOfTheirAccounts) {
  const Config config = read(R"({"pools": [{"name": "east", "limits": "tokens=90/1m"}],
      "models": [
        {"name": "a", "provider": "openai", "deployments": [{"pool": "east"}, {"name": "w"}]},
        {"name": "b", "provider": "mock", "pool": "east"}]})");
  const auto models = config.models();
  ASSERT_TRUE(models.ok()) << models.error().message;
  EXPECT_THAT(models.value()[0].deployments[0].pools, ElementsAre("east"));
  EXPECT_TRUE(models.value()[0].deployments[1].pools.empty());
  EXPECT_EQ(config.pools().value()[0].limits[0].shape, core::Shape::kAuto) << "of the first member";
  const Config part = config.only_model("a");
  EXPECT_THAT(part.deployment_names("a"), ElementsAre("0", "w"));
  EXPECT_TRUE(part.models().ok()) << part.models().error().message;
  EXPECT_THAT(config.only_pool("east").pools().value()[0].limits[0].shape, core::Shape::kAuto);
}

TEST(Deployments, OneWithoutANameIsTheModel) {
  const Config config = read(R"({"models": [{"name": "m", "timeout_ms": 10,
      "deployments": [{"provider": "openai", "rpm": 5, "limits": [{"requests": 9, "per": "1d"}]}]}]})");
  const ModelConfig model = only_model(config);
  EXPECT_FALSE(model.is_named());
  EXPECT_TRUE(model.limits.empty());
  EXPECT_EQ(model.deployments.at(0).limits.size(), 2U);
  EXPECT_EQ(model.deployments[0].title(), "model m");
  EXPECT_EQ(config.get("model.m.rpm", nullptr).value(), "5");
  const ModelConfig named =
      only_model(read(R"({"models": [{"name": "m", "rpm": 5, "deployments": [{"name": "a"}]}]})"));
  EXPECT_TRUE(named.limits.at(0).ours);
}

// What the model's only deployment had stays its own, also what "*" and presets gave it.
TEST(Deployments, JoinAModelThatHadOneWithoutAName) {
  Config config = read(R"({"models": [{"name": "*", "rpd": 900, "rpm": 70}, {"name": "m", "rpm": 5,
      "provider": "mock", "limit": "tokens=8/1s,per_tenant"}]})");
  const Config before = config;
  Config part = config.only_model("m");
  part.add_deployment(read(R"({"models": [{"name": "m", "deployments": [{"name": "b", "tpm": 4}]}],
      "pools": [{"name": "p", "limits": "requests=1/1s"}]})"),
                      "m", "b");
  const ModelConfig old = only_model(before);
  const ModelConfig model = only_model(part);
  ASSERT_THAT(part.deployment_names("m"), ElementsAre("0", "b"));
  EXPECT_TRUE(model.limits.empty());
  EXPECT_EQ(model.tenant_limits.size(), 1U);
  ASSERT_EQ(model.deployments.at(0).limits.size(), 2U);
  for (const core::LimitSpec& limit : model.deployments[0].limits) {
    EXPECT_EQ(limit.amount, limit.period == core::seconds(60) ? 5 : 900);
    EXPECT_FALSE(limit.ours);
  }
  EXPECT_EQ(old.deployments.at(0).limits.size(), 2U);
  set(part, "model.m.deployments.0.rpm", "6");
  EXPECT_TRUE(part.models().ok()) << part.models().error().message;
  EXPECT_EQ(model.deployments.at(1).limits.at(0).amount, 4);
  EXPECT_EQ(model.deployments[1].provider, ProviderKind::kMock);
  EXPECT_EQ(part.pool_names().size(), 1U);
  part.remove_deployment("m", "0");
  EXPECT_THAT(part.deployment_names("m"), ElementsAre("b"));
}

TEST(Deployments, SayWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"models":[{"name":"m","deployments":[{"name":"a"},{"name":"b"}]}]})",
       "model.m.deployments.b.provider: none has a processor"},
      {R"({"models":[{"name":"m","provider":"mock","deployments":[{"name":"a"},{"name":"a"}]}]})",
       "models[0].deployments[1].name: \"a\" is given twice"},
      {R"({"models":[{"name":"m","provider":"mock","deployments":[{"name":"1"},{}]}]})",
       "\"1\" is given twice"},
      {R"({"models":[{"name":"m","deployments":[{"name":"*"},{}]}]})", "is not *"},
      {R"({"models":[{"name":"m","deployments":[{"name":""},{}]}]})", "1 .. 255 bytes"},
      {R"({"models":[{"name":"m","deployments":[{"name":4}]}]})",
       "expected the name of the deployment as a string"},
      {R"({"models":[{"name":"*","deployments":[{"name":"a"}]}]})", "* has none"},
      {R"({"models":[{"name":"m","tpm":9,"deployments":[{"limits":"requests=5/1m"}]}]})",
       "deployments[0].limits: the model has limits too"},
      {R"({"models":[{"name":"m","deployments":[{"preset":"x"}],"preset":"y"}]})",
       "deployments[0].preset: the model says it too"},
      {R"({"models":[{"name":"m","deployments":[{"name":"a","timeout_ms":5}]}]})",
       "deployments[0].timeout_ms: it belongs to the model"},
      {R"({"models":[{"name":"m","deployments":[{"name":"a","what":5}]}]})",
       "deployments[0].what\" is not a key"},
      {R"({"models":[{"name":"m","deployments":[{"name":"a","limits":"requests=5/1m,per_tenant"}]}]})",
       "requests/1m is per_tenant: such limits are the model's"},
      {R"({"models":[{"name":"m","deployments":[{"name":"a","pool":"p"}]}]})",
       "model.m.deployments.a.pool: there is no pool \"p\""},
      {R"({"models":[{"name":"m","provider":"azure","deployments":[{"name":"a"}]}]})",
       "model.m.deployments.a.base_url: it must be set"},
      {R"({"models":[{"name":"m","provider":"mock","limits":"cost=5/1d","deployments":[{"name":"a",
       "price_input":1,"price_output":1},{"name":"b"}]}]})",
       "model.m.deployments.b.price_input: a limit of cost of model m needs"},
      {R"({"models":[{"name":"m","provider":"mock","deployments":[{"name":"a","preset":"openai/tier-1"}]}]})",
       "model.m.deployments.a.preset: preset openai/tier-1 says nothing"},
      {R"({"models":[{"name":"m","deployments":[{"name":"a","weight":0}]}]})",
       "integer 1 .. 1000000"},
      {R"({"models":[{"name":"a.deployments.b"}]})", "does not hold \".deployments.\""},
  };
  for (const auto& [json, words] : cases) EXPECT_THAT(fault_of(json), HasSubstr(words)) << json;
  Config config;
  EXPECT_THAT(config.set("model.m.deployments.a.timeout_ms", "5").error().message,
              HasSubstr("it belongs to the model"));
  EXPECT_FALSE(config.set("model.m.deployments..rpm", "5").ok());
  EXPECT_FALSE(config.set("model.*.deployments.a.rpm", "5").ok());
  EXPECT_TRUE(config.model_names().empty());
}

TEST(Deployments, CountTheirLimitsWithThoseOfTheModelAndItsPools) {
  std::string json = R"({"models":[{"name":"m","provider":"mock","limits":")";
  for (int i = 1; i <= 9; ++i)
    json += (i == 1 ? "" : ";") + ("requests=5/" + std::to_string(i)) + "s";
  json += R"(","deployments":[{"name":"a","limits":")";
  for (int i = 1; i <= 8; ++i)
    json += (i == 1 ? "" : ";") + ("requests=5/" + std::to_string(i)) + "s";
  json += R"("}]}]})";
  EXPECT_THAT(fault_of(json.c_str()),
              HasSubstr("17 limits, those of its pools and of its model among them, are more than "
                        "the 16 that a deployment may have"));
}

}  // namespace
}  // namespace llmq::config
