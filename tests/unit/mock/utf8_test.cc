#include "mock/utf8.h"

#include <gtest/gtest.h>

namespace llmq::mock {
namespace {

TEST(Utf8, AcceptsWellFormedText) {
  for (const char* text : {"", "plain", "\xC3\xB6", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                           "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesTheRest) {
  for (const char* text : {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xC1\x81", "\xE0\x80\x80",
                           "\xF0\x80\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "a\xF0\x9F\x98"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, CountsCharacters) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("a\u00e9\u6f22\U0001F600"), 4U);
}

TEST(Utf8, PrefixCutsNoCharacter) {
  EXPECT_EQ(utf8_prefix("abc", 10), "abc");
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC"
                        "b",
                        4),
            "a\xE2\x82\xAC");
}

TEST(JsonSpace, IsOnlyWhatJsonAllows) {
  EXPECT_TRUE(is_json_space(" \t\r\n"));
  EXPECT_FALSE(is_json_space(" x"));
  EXPECT_FALSE(is_json_space("\f"));
}

}  // namespace
}  // namespace llmq::mock
