#include "config/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace llmq::config {
namespace {

TEST(Keys, EachIsListedOnceWithTypeAndSentence) {
  std::set<std::string> seen;
  for (const KeyInfo& key : keys()) {
    EXPECT_TRUE(seen.insert(key.key).second) << key.key;
    EXPECT_NE(*key.type, '\0') << key.key;
    EXPECT_EQ(std::string(key.doc).back(), '.') << key.key;
  }
  EXPECT_EQ(seen.size(), rows().size());
}

// What the table says is a default must be a value that the key takes.
TEST(Keys, DefaultsAreAcceptable) {
  for (const Row& row : rows()) {
    std::vector<std::string> defaults = {row.def};
    for (const char* def : {row.http_def, row.mock_def}) {
      if (def != nullptr) defaults.emplace_back(def);
    }
    for (const provider::Profile& profile : provider::profiles()) {
      if (row.profile_def != nullptr) defaults.emplace_back(row.profile_def(profile));
    }
    for (const std::string& def : defaults) {
      if (def.empty()) continue;
      EXPECT_TRUE(parse_value(row, def, row.name).ok()) << row.name << " " << def;
    }
  }
}

TEST(Keys, TheRangeOfEachIntegerIsKept) {
  for (const Row& row : rows()) {
    if (row.kind != Kind::kInteger) continue;
    EXPECT_TRUE(parse_value(row, std::to_string(row.min), "k").ok()) << row.name;
    EXPECT_TRUE(parse_value(row, std::to_string(row.max), "k").ok()) << row.name;
    for (const std::string& bad :
         {std::to_string(row.min - 1), std::to_string(row.max + 1), std::string("x"), std::string(),
          std::string("1 "), std::string("0x1")}) {
      const auto value = parse_value(row, bad, "the.key");
      ASSERT_FALSE(value.ok()) << row.name << " " << bad;
      EXPECT_EQ(value.error().code, core::Status::kInvalidValue);
      EXPECT_EQ(value.error().key, "the.key");
      EXPECT_THAT(value.error().message, ::testing::HasSubstr(std::to_string(row.max)));
    }
  }
}

TEST(Keys, AModelsNameMayHoldDots) {
  const auto parts = resolve("model.gpt-4.1.retry.base_ms");
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts.value().whose.name, "gpt-4.1");
  EXPECT_STREQ(parts.value().row->name, "retry.base_ms");
}

TEST(Keys, AnUnknownOneIsNamed) {
  for (const char* key : {"max_pendig", "model.x.rmp", "model.x", "model.", "", "model..rpm"}) {
    const auto parts = resolve(key);
    ASSERT_FALSE(parts.ok()) << key;
    EXPECT_THAT(parts.error().message, ::testing::HasSubstr(std::string(key).substr(0, 7)));
  }
  EXPECT_EQ(resolve("nope").error().code, core::Status::kUnknownKey);
}

TEST(Keys, NamesOfModelsAreChecked) {
  EXPECT_TRUE(check_name(Owner::kModel, "gpt-4o", "k").ok());
  EXPECT_TRUE(check_name(Owner::kModel, std::string(255, 'x'), "k").ok());
  EXPECT_FALSE(check_name(Owner::kModel, std::string(256, 'x'), "k").ok());
  EXPECT_FALSE(check_name(Owner::kModel, "a\nb", "k").ok());
  EXPECT_FALSE(check_name(Owner::kModel, "a\xff", "k").ok());
}

TEST(Keys, AListOfFailuresThatNamesAnotherIsToldWithTheValue) {
  for (const char* const key : {"model.m.retry.on", "model.m.fallback.on"}) {
    Config config;
    const auto done = config.set(key, "server,sever");
    ASSERT_FALSE(done) << key;
    for (const char* const part : {key, "\"server,sever\"", "transport"}) {
      EXPECT_NE(done.error().message.find(part), std::string::npos) << done.error().message;
    }
    EXPECT_TRUE(config.set(key, "server,timeout"));
  }
  EXPECT_FALSE(Config().set("model.m.retry.on", "auth")) << "it is never tried again";
}

}  // namespace
}  // namespace llmq::config
