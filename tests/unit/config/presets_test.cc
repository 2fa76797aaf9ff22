#include "config/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "config/config.h"
#include "config/keys.h"
#include "provider/profile.h"

namespace llmq::config {
namespace {

using ::testing::HasSubstr;

// "2026", "2026-10" or "2026-10-17"
bool is_date(const std::string& text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '-' ? text[i] != '-' : !digit) return false;
  }
  return text.compare(0, 2, "20") == 0;
}

TEST(Presets, AreJsonWithSourceAndDate) {
  const std::string_view text = presets_json();
  const base::Json document(cJSON_ParseWithLength(text.data(), text.size()));
  ASSERT_EQ(cJSON_IsArray(document.get()), 1);
  ASSERT_FALSE(presets().empty());
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    EXPECT_EQ(find_preset(preset.name), &preset);
    EXPECT_FALSE(preset.source.empty()) << preset.name;
    EXPECT_TRUE(is_date(preset.as_of)) << preset.name << " " << preset.as_of;
    EXPECT_FALSE(preset.models.empty()) << preset.name;
    const std::string provider = preset.name.substr(0, preset.name.find('/'));
    EXPECT_NE(provider::find_profile(provider), nullptr) << preset.name;
  }
}

ModelConfig model_of(const Config& config) {
  const auto models = config.models();
  EXPECT_TRUE(models.ok()) << models.error().message;
  return models.value().front();
}

bool has_prices(const PresetModel& model) {
  return std::any_of(model.settings.begin(), model.settings.end(), [](const auto& setting) {
    return setting.first.compare(0, 6, "price_") == 0;
  });
}

TEST(Presets, TellSourceAndDateOfTheirPrices) {
  for (const Preset& preset : presets()) {
    const bool priced = std::any_of(preset.models.begin(), preset.models.end(), has_prices);
    EXPECT_EQ(priced, !preset.prices_source.empty()) << preset.name;
    EXPECT_EQ(priced, is_date(preset.prices_as_of)) << preset.name;
  }
}

TEST(Presets, SetPricesThatOthersOverrule) {
  Config config;
  ASSERT_TRUE(config.set("model.gpt-4o.provider", "openai").ok());
  ASSERT_TRUE(config.set("model.gpt-4o.preset", "openai/tier-1").ok());
  ModelConfig model = model_of(config);
  EXPECT_TRUE(model.deployments.at(0).has_prices);
  EXPECT_EQ(model.deployments.at(0).prices.input, 2'500'000);
  EXPECT_EQ(model.deployments.at(0).prices.cached_input, 1'250'000);
  EXPECT_EQ(model.deployments.at(0).prices.output, 10'000'000);
  ASSERT_TRUE(config.set("model.gpt-4o.price_input", "3").ok());
  EXPECT_EQ(model_of(config).deployments.at(0).prices.input, 3'000'000);
}

// Every setting of a preset must be one that the key takes.
TEST(Presets, HoldAcceptableSettings) {
  for (const Preset& preset : presets()) {
    for (const PresetModel& model : preset.models) {
      EXPECT_FALSE(model.pattern.empty()) << preset.name;
      EXPECT_FALSE(model.settings.empty()) << preset.name;
      for (const auto& [key, value] : model.settings) {
        Config config;
        const auto set = config.set("model.m." + key, value);
        EXPECT_TRUE(set.ok()) << preset.name << " " << model.pattern << " " << key;
        EXPECT_TRUE(config.models().ok()) << preset.name << " " << model.pattern;
      }
    }
  }
}

TEST(Presets, AStarStandsForAnyText) {
  EXPECT_TRUE(matches("gpt-4o", "gpt-4o"));
  EXPECT_FALSE(matches("gpt-4o", "gpt-4o-mini"));
  EXPECT_TRUE(matches("gpt-4*", "gpt-4"));
  EXPECT_TRUE(matches("*:free", "a/b:free"));
  EXPECT_FALSE(matches("*:free", "a/b"));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches("a*b*c", "a-c-b"));
  EXPECT_TRUE(matches("*", ""));
}

TEST(Presets, GiveWayToWhatIsSaidOfTheSameKindAndPeriod) {
  Config config;
  ASSERT_TRUE(config.set("model.gpt-4o.provider", "openai").ok());
  ASSERT_TRUE(config.set("model.*.preset", "openai/tier-1").ok());
  ModelConfig model = model_of(config);
  ASSERT_EQ(model.deployments.at(0).limits.size(), 2U);
  EXPECT_EQ(model.deployments.at(0).limits[0].amount, 500);
  EXPECT_EQ(model.deployments.at(0).limits[1].amount, 30'000);
  EXPECT_EQ(model.deployments.at(0).limits[1].shape, core::Shape::kAuto)
      << "learned headers overrule it";
  ASSERT_TRUE(config.set("model.gpt-4o.rpm", "7").ok());
  model = model_of(config);
  ASSERT_EQ(model.deployments.at(0).limits.size(), 2U);
  EXPECT_EQ(model.deployments.at(0).limits[0].amount, 7);
  EXPECT_EQ(model.deployments.at(0).limits[1].amount, 30'000);
}

TEST(Presets, SayWhichModelTheyDoNotKnow) {
  Config config;
  ASSERT_TRUE(config.set("model.my-own.preset", "openai/tier-1").ok());
  const auto models = config.models();
  ASSERT_FALSE(models.ok());
  EXPECT_EQ(models.error().key, "model.my-own.preset");
  const auto unknown = config.set("model.my-own.preset", "openai/tier-77");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("llmq presets"));
}

}  // namespace
}  // namespace llmq::config
