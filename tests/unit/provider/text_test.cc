#include "provider/text.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

TEST(Presentable, MasksWhatLooksLikeAKey) {
  EXPECT_EQ(presentable("key sk-proj-Abc_123*** bad", 99), "key sk-*** bad");
  EXPECT_EQ(presentable("Incorrect API key provided: sk-fake-key.", 99),
            "Incorrect API key provided: sk-***");
  EXPECT_EQ(presentable("sk-a,SK-b", 99), "sk-***,SK-***");
  EXPECT_EQ(presentable("Authorization: Bearer abc.def=", 99), "Authorization: Bearer ***");
  EXPECT_EQ(presentable("gsk_12345678 xai-12345678", 99), "gsk_*** xai-***");
}

TEST(Presentable, LeavesWordsAlone) {
  for (const char* text :
       {"risk-free", "task-1", "hf_short", "sk- is a prefix", "a mask_1234567"}) {
    EXPECT_EQ(presentable(text, 99), text);
  }
}

TEST(Presentable, MasksAKeyThatTheCutWouldShow) {
  const std::string text = std::string(10, 'a') + " sk-" + std::string(100, 'x');
  EXPECT_EQ(presentable(text, 20), std::string(10, 'a') + " sk-***");
}

TEST(Presentable, CutsAtACharacter) {
  EXPECT_EQ(presentable("123456789", 9), "123456789");
  EXPECT_EQ(presentable("1234567890", 9), "123456...");
  EXPECT_EQ(presentable("12345\xc3\xa9\xc3\xa9\xc3\xa9", 9), "12345...");
  EXPECT_LE(presentable(std::string(5000, 'x'), 500).size(), 500u);
}

TEST(Presentable, KeepsALogLineWhole) {
  EXPECT_EQ(presentable("a\r\nb\x1b[31m\x7f", 99), "a  b [31m ");
}

TEST(Trimmed, TakesBlanksOffBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("  "), "");
}

TEST(ContainsIgnoringCase, Finds) {
  EXPECT_TRUE(contains_ignoring_case("Text/HTML; charset", "text/html"));
  EXPECT_FALSE(contains_ignoring_case("text", "text/html"));
}

}  // namespace
}  // namespace llmq::provider
