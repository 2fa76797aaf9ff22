#include "core/policy/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace llmq::core {
namespace {

constexpr Status kTransient[] = {Status::kRateLimited, Status::kOverloaded, Status::kServer,
                                 Status::kTransport, Status::kTimeout};

TEST(Retry, IsForTransientFailuresOnly) {
  for (int code = 0; code >= static_cast<int>(Status::kUnknown); --code) {
    const auto status = static_cast<Status>(code);
    const bool transient =
        std::find(std::begin(kTransient), std::end(kTransient), status) != std::end(kTransient);
    EXPECT_EQ(is_transient(status), transient) << code;
    Random random(1);
    uint32_t backoff = 0;
    EXPECT_EQ(retry_delay(RetrySpec{}, status, 1, 8, {}, backoff, random).has_value(), transient);
  }
}

TEST(Retry, I10_EndsWithTheLastAttempt) {
  Random random(1);
  uint32_t backoff = 0;
  const auto delay = [&](int attempts, int most) {
    return retry_delay(RetrySpec{}, Status::kServer, attempts, most, {}, backoff, random);
  };
  EXPECT_TRUE(delay(7, 8));
  EXPECT_FALSE(delay(8, 8));
  EXPECT_FALSE(delay(1, 1));
  EXPECT_FALSE(delay(1, 0));
  EXPECT_FALSE(delay(255, 255));
}

TEST(Retry, StaysInTheBoundsOfDecorrelatedJitter) {
  RetrySpec spec;
  int64_t shortest = std::numeric_limits<int64_t>::max();
  int64_t longest = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    uint32_t backoff = 0;
    int64_t previous = spec.base.ns;
    for (int attempts = 1; attempts < 12; ++attempts) {
      const std::optional<DurationNs> delay =
          retry_delay(spec, Status::kServer, attempts, 12, {}, backoff, random);
      ASSERT_TRUE(delay);
      ASSERT_GE(*delay, spec.base);
      ASSERT_LE(delay->ns, std::min(spec.cap.ns, 3 * previous));
      ASSERT_EQ(backoff, delay->ns / 1'000'000);
      shortest = std::min(shortest, delay->ns);
      longest = std::max(longest, delay->ns);
      previous = delay->ns;
    }
  }
  EXPECT_LT(shortest, 2 * spec.base.ns) << "it never draws from the low end";
  EXPECT_EQ(longest, spec.cap.ns) << "it never reaches the cap";
}

TEST(Retry, I10_RetryAfterWinsAndIsSpreadUpwards) {
  const DurationNs hints[] = {seconds(1), seconds(20), seconds(120), seconds(86'400)};
  for (const DurationNs hint : hints) {
    bool spread = false;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      Random random(seed);
      uint32_t backoff = 0;
      const auto delay =
          retry_delay(RetrySpec{}, Status::kRateLimited, 1, 8, hint, backoff, random);
      ASSERT_TRUE(delay);
      const int64_t floor = std::max(hint.ns, int64_t{backoff} * 1'000'000);
      ASSERT_GE(delay->ns, floor);
      ASSERT_LE(delay->ns, floor + std::min(hint.ns / 5, seconds(30).ns));
      spread = spread || delay->ns > floor;
    }
    EXPECT_TRUE(spread) << "callers would return together";
  }
}

TEST(Retry, BackoffWinsOverAShorterRetryAfter) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    uint32_t backoff = 0;
    const auto delay =
        retry_delay(RetrySpec{}, Status::kRateLimited, 1, 8, milliseconds(1), backoff, random);
    ASSERT_GE(*delay, RetrySpec{}.base);
  }
}

// llmq_attempt_fail accepts any retry_after_ns >= 0.
TEST(Retry, I10_KeepsTheLongestRetryAfter) {
  constexpr DurationNs kLongest{std::numeric_limits<int64_t>::max()};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    uint32_t backoff = 0;
    const auto delay =
        retry_delay(RetrySpec{}, Status::kRateLimited, 1, 8, kLongest, backoff, random);
    ASSERT_TRUE(delay);
    ASSERT_GT(*delay, seconds(31 * 86'400)) << "a delay that overflowed is no delay";
  }
}

TEST(Retry, NeedsNoDelayAtAll) {
  RetrySpec spec;
  spec.base = {};
  spec.cap = {};
  Random random(1);
  uint32_t backoff = 0;
  EXPECT_EQ(*retry_delay(spec, Status::kServer, 1, 8, {}, backoff, random), DurationNs{});
}

}  // namespace
}  // namespace llmq::core
