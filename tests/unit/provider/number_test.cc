#include "provider/number.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

TEST(ProviderNumber, IsShortenedFromTheFront) {
  std::string_view text = "23.5s";
  EXPECT_EQ(take_number(text), 23.5);
  EXPECT_EQ(text, "s");
  text = "1,234 left";
  EXPECT_EQ(take_count(text), 1234);
  EXPECT_EQ(text, " left");
}

TEST(ProviderNumber, IsReadWhole) {
  EXPECT_EQ(read_number(" 1.25 "), 1.25);
  EXPECT_EQ(read_count(" 30,000 "), 30'000);
  EXPECT_EQ(read_count("20.000000"), 20);
  EXPECT_EQ(read_count("0"), 0);
  EXPECT_EQ(read_count("999999999999999"), 999'999'999'999'999);
}

TEST(ProviderNumber, IsNothingElse) {
  for (const char* text : {"", " ", "abc", "-5", "+5", "1e3", "5x", "5 6", ",5", "5,", "NaN", "inf",
                           "1000000000000000", "99999999999999999999999999", "0x10", "."}) {
    EXPECT_EQ(read_count(text), std::nullopt) << text;
  }
  for (const char* text : {"", "-1", "1e3", ".5", "5.", "NaN", "1000000000000000"}) {
    EXPECT_EQ(read_number(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace llmq::provider
