#include "provider/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace llmq::provider {
namespace {

int64_t wait_ms(const std::vector<Header>& headers, std::string_view message = "",
                int64_t wall_unix_ms = 0) {
  ErrorBody error;
  error.message = message;
  return retry_hint(headers, error, wall_unix_ms).wait.ns / 1'000'000;
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(wait_ms({}), 0);
  EXPECT_EQ(wait_ms({{"Retry-After", "3"}}), 3000);
  EXPECT_EQ(wait_ms({{"RETRY-AFTER", " 1.5 "}}), 1500);
  EXPECT_EQ(wait_ms({{"retry-after", "0"}}), 0);
  EXPECT_EQ(wait_ms({{"retry-after", "2m59.56s"}}), 179'560);
}

TEST(RetryAfter, PrefersMilliseconds) {
  EXPECT_EQ(wait_ms({{"retry-after", "3"}, {"retry-after-ms", "1843.2"}}), 1843);
  EXPECT_EQ(wait_ms({{"retry-after-ms", "0"}, {"retry-after", "1"}}), 1000);
}

TEST(RetryAfter, TakesTheLongestOfSeveral) {
  EXPECT_EQ(wait_ms({{"retry-after", "5"}, {"retry-after", "7"}, {"retry-after", "6"}}), 7000);
  EXPECT_EQ(wait_ms({{"retry-after", "7, 5"}}), 7000);
}

TEST(RetryAfter, IgnoresWhatIsNoWait) {
  for (const char* value : {"", "-5", "soon", "inf", "NaN", "99999999999999999999", "1e3", ".5",
                            "5 x", "Sun, 99 Foo 2026 00:00:00 GMT"}) {
    EXPECT_EQ(wait_ms({{"retry-after", value}}), 0) << value;
  }
}

TEST(RetryAfter, MayBeLongButNotBeyondAMonth) {
  EXPECT_EQ(wait_ms({{"retry-after", "86401"}}), 86'401'000);
  EXPECT_EQ(wait_ms({{"retry-after", "30h"}}), 108'000'000);
  for (const char* value :
       {"999999999999999", "9999999h9999999h", "3000000", "Sun, 06 Nov 2044 08:49:37 GMT"}) {
    EXPECT_EQ(wait_ms({{"retry-after", value}}), 0) << value;
  }
}

TEST(RetryAfter, ReadsHttpDates) {
  constexpr int64_t kThen = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  const std::vector<Header> headers{{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  EXPECT_EQ(wait_ms(headers, "", kThen - 30'500), 30'500);
  EXPECT_EQ(wait_ms(headers, "", kThen), 0);
  EXPECT_EQ(wait_ms(headers, "", kThen + 1), 0);
  constexpr int64_t kLeapDay = 1'709'164'800'000;  // 2024-02-29
  EXPECT_EQ(wait_ms({{"Retry-After", "Thu, 29 Feb 2024 00:00:10 GMT"}}, "", kLeapDay), 10'000);
}

TEST(RetryAfter, ReadsTheMessageLast) {
  EXPECT_EQ(wait_ms({}, "Please try again in 23.03s. Visit"), 23'030);
  EXPECT_EQ(wait_ms({}, "Please try again in 6ms."), 6);
  EXPECT_EQ(wait_ms({}, "try again in 1h2m3s"), 3'723'000);
  EXPECT_EQ(wait_ms({}, "Please retry after 33 seconds."), 33'000);
  EXPECT_EQ(wait_ms({}, "Please retry in 2 minutes"), 120'000);
  EXPECT_EQ(wait_ms({}, "try again in a while"), 0);
  EXPECT_EQ(wait_ms({{"retry-after", "2"}}, "try again in 23s"), 2000);
}

}  // namespace
}  // namespace llmq::provider
