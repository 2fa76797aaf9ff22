#include "base/money.h"

#include <gtest/gtest.h>

namespace llmq::base {
namespace {

TEST(Money, IsReadInMillionthsAndWrittenTheShortestWay) {
  const struct {
    const char* text;
    int64_t micros;
    const char* shortest;
  } kGood[] = {{"12.50", 12'500'000, "12.5"},
               {"0", 0, "0"},
               {"0.000001", 1, "0.000001"},
               {"7", 7'000'000, "7"},
               {"007.1", 7'100'000, "7.1"},
               {"1000000000", 1'000'000'000'000'000, "1000000000"},
               {"999999999.999999", 999'999'999'999'999, "999999999.999999"}};
  for (const auto& good : kGood) {
    int64_t micros = -1;
    ASSERT_TRUE(read_money(good.text, micros)) << good.text;
    EXPECT_EQ(micros, good.micros) << good.text;
    EXPECT_EQ(money_text(micros), good.shortest);
  }
}

TEST(Money, RefusesEverythingElse) {
  for (const char* bad :
       {"", ".", "1.", ".5", "-1", "+1", "1.2345678", "1000000000.000001", "1000000001",
        "99999999999999999999", "1e3", "1,5", " 1", "0x1", "1.-5"}) {
    int64_t micros = 0;
    EXPECT_FALSE(read_money(bad, micros)) << bad;
  }
}

}  // namespace
}  // namespace llmq::base
