#include "core/limit/wide.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace llmq::core {
namespace {

TEST(Wide, ProductsThatDoNotFitAreRightToo) {
  Random random(7);
  for (int i = 0; i < 100'000; ++i) {
    const int64_t a = random.between(0, int64_t{1} << random.between(1, 50));
    const int64_t b = random.between(0, int64_t{1} << random.between(1, 60));
    const int64_t c = random.between(1, int64_t{1} << random.between(1, 50));
    const Wide exact = static_cast<Wide>(a) * b / c;
    const Wide up = (static_cast<Wide>(a) * b + c - 1) / c;
    const Wide most = kMaxDuration.ns;
    ASSERT_EQ(mul_div(a, b, c), static_cast<int64_t>(std::min(exact, most)))
        << a << " * " << b << " / " << c;
    ASSERT_EQ(mul_div_up(a, b, c), static_cast<int64_t>(std::min(up, most)))
        << a << " * " << b << " / " << c;
  }
}

}  // namespace
}  // namespace llmq::core
