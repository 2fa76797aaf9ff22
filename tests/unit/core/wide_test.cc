#include "core/limit/wide.h"

#include <gtest/gtest.h>

#include "core/limit/divisor.h"
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

TEST(Divisor, IsExactAsFarAsItPromises) {
  Random random(8);
  for (int i = 0; i < 200'000; ++i) {
    const int64_t n = random.between(1, int64_t{1} << random.between(0, 12));
    const int64_t most = INT64_MAX / n;
    const int64_t value = std::min(random.between(0, int64_t{1} << random.between(1, 61)), most);
    const Divisor divisor(n);
    ASSERT_EQ(divisor.of(value), value / n) << value << " / " << n;
    ASSERT_EQ(divisor.of(most / n * n), most / n) << most / n * n << " / " << n;
    if (most >= n) {
      ASSERT_EQ(divisor.of(most / n * n - 1), most / n - 1);
    }
  }
}

}  // namespace
}  // namespace llmq::core
