#include "config/header_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/keys.h"

namespace llmq::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

TEST(HeaderList, IsNamesAndValues) {
  const char* const text = "anthropic-beta: a,b | X-Team:  blue: green ";
  EXPECT_EQ(header_list_fault(text), nullptr);
  EXPECT_THAT(parse_header_list(text),
              ElementsAre(Pair("anthropic-beta", "a,b"), Pair("X-Team", "blue: green")));
  EXPECT_THAT(parse_header_list(""), IsEmpty());
  EXPECT_EQ(header_list_fault(""), nullptr);
}

TEST(HeaderList, RefusesWhatWouldBreakAMessage) {
  for (const char* bad :
       {"X-A", ": v", "X A: v", "X-A: a\r\nX-B: b", "X-A: a\nb", "X-A:", "Host: h",
        "content-length: 3", "Transfer-Encoding: chunked", "X-A: \xc3\xa9", "X-A: a||X-B: b"}) {
    EXPECT_NE(header_list_fault(bad), nullptr) << bad;
  }
}

TEST(HeaderList, ErrorsNeverShowAValue) {
  Config config;
  const auto set = config.set("model.m.headers", "X-Secret: sesame\r\n");
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().key, "model.m.headers");
  EXPECT_THAT(set.error().message, Not(HasSubstr("sesame")));
  const auto proxy = config.set("model.m.proxy", "ftp://u:sesame@h");
  ASSERT_FALSE(proxy.ok());
  EXPECT_THAT(proxy.error().message, Not(HasSubstr("sesame")));
}

TEST(HeaderList, IsAnArrayInJson) {
  Config config;
  ASSERT_TRUE(config.set_json(R"({"models":[{"name":"m","headers":["A: 1","B: 2"]}]})").ok());
  EXPECT_EQ(config.get("model.m.headers", nullptr).value(), "A: 1|B: 2");
  EXPECT_FALSE(config.set_json(R"({"models":[{"name":"m","headers":["A: 1|B: 2"]}]})").ok());
}

TEST(HeaderList, TheKeyIsReplacedOnlyWhereThatIsSaid) {
  Config config;
  ASSERT_TRUE(config.set("model.m.headers", "authorization: Bearer x").ok());
  const auto models = config.models();
  ASSERT_FALSE(models.ok());
  EXPECT_EQ(models.error().key, "model.m.headers");
  EXPECT_THAT(models.error().message, HasSubstr("allow_key_headers"));
  ASSERT_TRUE(config.set("model.m.allow_key_headers", "true").ok());
  EXPECT_TRUE(config.models().ok());
}

TEST(Proxy, IsAUrlOrNone) {
  Config config;
  for (const char* good : {"", "none", "http://h:3128", "https://h", "socks5h://127.0.0.1:1080"}) {
    EXPECT_TRUE(config.set("model.m.proxy", good).ok()) << good;
  }
  for (const char* bad : {"h:3128", "http://", "ftp://h"}) {
    EXPECT_FALSE(config.set("model.m.proxy", bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace llmq::config
