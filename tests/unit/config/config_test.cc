#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/keys.h"

namespace llmq::config {
namespace {

using ::testing::HasSubstr;

void set(Config& config, const char* key, const char* value) {
  const auto result = config.set(key, value);
  ASSERT_TRUE(result.ok()) << result.error().message;
}

ModelConfig only_model(const Config& config) {
  const auto models = config.models();
  EXPECT_TRUE(models.ok()) << models.error().message;
  return models.value().at(0);
}

TEST(Config, DefaultsAreThoseOfTheTypes) {
  const ManagerConfig defaults;
  const ManagerConfig made = Config().manager().value();
  EXPECT_EQ(made.max_pending, defaults.max_pending);
  EXPECT_EQ(made.max_pending_bytes, defaults.max_pending_bytes);
  EXPECT_EQ(made.keep_age, defaults.keep_age);
  EXPECT_EQ(made.log_level, defaults.log_level);
  Config config;
  config.mention({Owner::kModel, "m", {}});
  const ModelConfig model = only_model(config);
  EXPECT_EQ(model.deployments.at(0).max_in_flight, DeploymentConfig().max_in_flight);
  EXPECT_EQ(model.timeout, ModelConfig().timeout);
  EXPECT_EQ(model.retry.base, ModelConfig().retry.base);
  EXPECT_TRUE(model.limits.empty());
  EXPECT_TRUE(model.deployments.at(0).limits.empty());
  EXPECT_EQ(model.deployments.at(0).weight, DeploymentConfig().weight);
  EXPECT_EQ(model.deployments.at(0).order, DeploymentConfig().order);
}

TEST(Config, ProvidersChangeTheDefaults) {
  Config config;
  set(config, "model.m.provider", "openai");
  set(config, "model.m.tpm", "100");
  const ModelConfig model = only_model(config);
  EXPECT_EQ(model.deployments.at(0).base_url, "https://api.openai.com/v1");
  EXPECT_EQ(model.deployments.at(0).api_key_env, "OPENAI_API_KEY");
  EXPECT_EQ(model.est_output_tokens, 256);
  EXPECT_EQ(model.deployments.at(0).limits.at(0).charge, core::ChargeModel::kArrival);
  bool is_default = false;
  EXPECT_EQ(config.get("model.m.charge", &is_default).value(), "arrival");
  EXPECT_TRUE(is_default);
  Config processor;
  set(processor, "model.m.tpm", "100");
  EXPECT_EQ(only_model(processor).deployments.at(0).limits.at(0).charge,
            core::ChargeModel::kActual);
}

TEST(Config, ShorthandsAreLimits) {
  Config config;
  for (const char* key : {"rpm", "rpd", "tpm", "tpd", "itpm", "otpm", "concurrency"}) {
    set(config, (std::string("model.m.") + key).c_str(), "10");
  }
  EXPECT_EQ(only_model(config).deployments.at(0).limits.size(), 7U);
  Config old_form;
  set(old_form, "model.m.rate_limit", "5");
  set(old_form, "model.m.time_period_s", "10");
  EXPECT_EQ(only_model(old_form).deployments.at(0).limits.at(0).period, core::seconds(10));
}

TEST(Config, LimitsReplaceWhatWasSetBefore) {
  Config config;
  set(config, "model.m.rpm", "10");
  set(config, "model.m.limits", "requests=5/1m;concurrency=2");
  set(config, "model.m.tpm", "9");
  EXPECT_EQ(only_model(config).deployments.at(0).limits.size(), 3U);
}

TEST(Config, AModelsOwnLimitsComeBeforeThoseOfEveryModel) {
  Config config;
  set(config, "model.*.limits", "requests=100/1m;concurrency=4");
  set(config, "model.m.rpm", "7");
  const auto limits = only_model(config).deployments.at(0).limits;
  ASSERT_EQ(limits.size(), 2U);
  EXPECT_EQ(limits[0].amount, 7);
  EXPECT_EQ(limits[1].kind, core::LimitKind::kConcurrency);
}

TEST(Config, TheSameLimitTwiceIsAContradiction) {
  Config config;
  set(config, "model.m.limits", "requests=5/1m");
  set(config, "model.m.rpm", "6");
  const auto models = config.models();
  ASSERT_FALSE(models.ok());
  EXPECT_THAT(models.error().message, HasSubstr("requests/1m is given twice, as"));
}

TEST(Config, JitterIsTheModelsUnlessTheLimitSaysIt) {
  Config config;
  set(config, "model.m.limits", "requests=5/1m;tokens=5/1m,jitter=1s");
  set(config, "model.m.jitter_ms", "40");
  const auto limits = only_model(config).deployments.at(0).limits;
  EXPECT_EQ(limits[0].jitter, core::milliseconds(40));
  EXPECT_EQ(limits[1].jitter, core::seconds(1));
}

TEST(Config, RetryBoundsMustNotContradictEachOther) {
  Config config;
  set(config, "model.m.retry.base_ms", "2000");
  set(config, "model.m.retry.cap_ms", "1000");
  EXPECT_THAT(config.models().error().message, HasSubstr("retry.cap_ms"));
}

TEST(Config, GetTellsOwnGeneralAndDefault) {
  Config config;
  set(config, "model.*.timeout_ms", "5");
  set(config, "model.m.rpm", "5");
  bool is_default = true;
  EXPECT_EQ(config.get("model.m.timeout_ms", &is_default).value(), "5");
  EXPECT_FALSE(is_default);
  EXPECT_EQ(config.get("model.other.max_in_flight", &is_default).value(), "256");
  EXPECT_TRUE(is_default);
  EXPECT_FALSE(config.get("nope", nullptr).ok());
  EXPECT_EQ(config.model_names(), std::vector<std::string>{"m"});
}

TEST(Config, SizesFractionsRangesAndWords) {
  Config config;
  set(config, "max_pending_bytes", "3MiB");
  EXPECT_EQ(config.manager().value().max_pending_bytes, 3 << 20);
  set(config, "model.m.mock.fail_server", "0.25");
  set(config, "model.m.mock.latency_ms", "5..9");
  set(config, "model.m.mock.seed", "18446744073709551615");
  set(config, "model.m.jitter_ms", "auto");
  set(config, "model.m.allow_insecure", "true");
  const ModelConfig model = only_model(config);
  EXPECT_DOUBLE_EQ(model.deployments.at(0).mock.fail_server, 0.25);
  EXPECT_EQ(model.deployments.at(0).mock.latency_max, core::milliseconds(9));
  EXPECT_EQ(model.deployments.at(0).mock.seed, 18446744073709551615U);
  EXPECT_TRUE(model.deployments.at(0).allow_insecure);
  for (const auto& [key, value] :
       std::map<const char*, const char*>{{"max_pending_bytes", "9EiB"},
                                          {"max_pending_bytes", "-1"},
                                          {"model.m.mock.fail_server", "1.1"},
                                          {"model.m.mock.fail_hang", "."},
                                          {"model.m.mock.latency_ms", "9..5"},
                                          {"model.m.mock.seed", "-1"},
                                          {"model.m.allow_insecure", "yes"},
                                          {"model.m.provider", "x"},
                                          {"log.file", "a\nb"}}) {
    EXPECT_FALSE(config.set(key, value).ok()) << key << " " << value;
  }
}

// Somebody who writes the key itself where its variable's name belongs must not find it in a log.
TEST(Config, AKeyGivenAsAVariablesNameIsNotShown) {
  Config config;
  const auto result = config.set("model.m.api_key_env", "sk-secret-123");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, ::testing::Not(HasSubstr("sk-secret")));
  const auto url = config.set("model.m.base_url", "http://user:password@host");
  EXPECT_THAT(url.error().message, ::testing::Not(HasSubstr("password@")));
}

TEST(Config, EqualWhenTheSettingsAre) {
  Config a;
  Config b;
  set(a, "model.m.rpm", "5");
  EXPECT_FALSE(a == b);
  set(b, "model.m.rpm", "5");
  EXPECT_TRUE(a == b);
}

TEST(Config, EveryProviderBringsItsDefaults) {
  for (const provider::Profile& profile : provider::profiles()) {
    if (!provider::makes_requests(profile)) continue;
    Config config;
    set(config, "model.m.provider", profile.name.data());
    set(config, "model.m.rpm", "5");
    if (profile.base_url.empty()) {
      const auto models = config.models();
      ASSERT_FALSE(models.ok()) << profile.name;
      EXPECT_EQ(models.error().key, "model.m.base_url");
      EXPECT_THAT(models.error().message, HasSubstr(profile.name));
      set(config, "model.m.base_url", "https://h");
    }
    const auto models = config.models();
    ASSERT_TRUE(models.ok()) << profile.name;
    const ModelConfig& model = models.value().front();
    EXPECT_EQ(model.deployments.at(0).provider, ProviderKind::kHttp);
    EXPECT_EQ(model.deployments.at(0).profile, &profile);
    EXPECT_EQ(model.deployments.at(0).base_url,
              profile.base_url.empty() ? "https://h" : profile.base_url);
    EXPECT_EQ(model.deployments.at(0).api_key_env, profile.key_variable);
    EXPECT_EQ(model.deployments.at(0).api_version, profile.api_version);
    EXPECT_EQ(model.est_output_tokens, 256);
    EXPECT_EQ(model.deployments.at(0).limits.front().shape, core::Shape::kAuto);
  }
}

TEST(Config, ChargeIsWhatTheProviderDocuments) {
  const auto charge_of = [](const char* provider) {
    Config config;
    set(config, "model.m.provider", provider);
    return config.get("model.m.charge", nullptr).value();
  };
  EXPECT_EQ(charge_of("openai"), "arrival");
  EXPECT_EQ(charge_of("anthropic"), "realtime");
  EXPECT_EQ(charge_of("mistral"), "completion");
  EXPECT_EQ(charge_of("groq"), "actual");
  EXPECT_EQ(charge_of("none"), "actual");
}

TEST(Config, AProviderThatIsOnlyReadIsRefusedWithAReason) {
  Config config;
  const auto bedrock = config.set("model.m.provider", "bedrock");
  ASSERT_FALSE(bedrock.ok());
  EXPECT_EQ(bedrock.error().code, core::Status::kInvalidValue);
  EXPECT_THAT(bedrock.error().message, HasSubstr("signatures"));
  const auto unknown = config.set("model.m.provider", "opennai");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("anthropic"));
}

TEST(Config, APartOfItKeepsTheProviderOfItsPool) {
  Config config;
  set(config, "model.m.provider", "mistral");
  set(config, "model.m.pool", "p");
  set(config, "pool.p.limits", "tokens=100/1m");
  EXPECT_EQ(config.only_pool("p").get("pool.p.charge", nullptr).value(), "completion");
}

}  // namespace
}  // namespace llmq::config
