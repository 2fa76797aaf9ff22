#include "mock/headers.h"

#include <gmock/gmock.h>

namespace llmq::mock {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(GoDuration, LooksAsOpenAiPrintsIt) {
  EXPECT_EQ(format_go_duration(Nanos(0)), "0s");
  EXPECT_EQ(format_go_duration(Nanos(-5)), "0s");
  EXPECT_EQ(format_go_duration(milliseconds(120)), "120ms");
  EXPECT_EQ(format_go_duration(seconds(1)), "1s");
  EXPECT_EQ(format_go_duration(milliseconds(8640)), "8.64s");
  EXPECT_EQ(format_go_duration(milliseconds(121'016)), "2m1.016s");
  EXPECT_EQ(format_go_duration(minutes(6)), "6m0s");
  EXPECT_EQ(format_go_duration(hours(1)), "1h0m0s");
}

TEST(GoDuration, RoundsUpToTheMillisecond) {
  EXPECT_EQ(format_go_duration(Nanos(1)), "1ms");
  EXPECT_EQ(format_go_duration(Nanos(999'000'001)), "1s");
}

TEST(RetryAfter, IsNeverTooShort) {
  Headers headers;
  add_retry_after(headers, Nanos(1'000'000'001));
  EXPECT_THAT(headers, ElementsAre(Pair("Retry-After", "2"), Pair("retry-after-ms", "1001")));
}

TEST(RateLimitHeaders, SpeakOfTheTightestLimitOfEachKind) {
  Account account({parse_limit("requests=100/1m").value(), parse_limit("requests=10/1s").value(),
                   parse_limit("tokens=1000/1m,shape=bucket").value()},
                  Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {600, 0}));
  Headers headers;
  add_rate_limits(headers, account, Nanos(0));
  EXPECT_THAT(headers, ElementsAre(Pair("x-ratelimit-limit-requests", "10"),
                                   Pair("x-ratelimit-remaining-requests", "9"),
                                   Pair("x-ratelimit-reset-requests", "1s"),
                                   Pair("x-ratelimit-limit-tokens", "1000"),
                                   Pair("x-ratelimit-remaining-tokens", "400"),
                                   Pair("x-ratelimit-reset-tokens", "36s")));
}

TEST(RateLimitHeaders, LeaveOutWhatIsNotTold) {
  Account account(
      {parse_limit("requests=10/1s,headers=off").value(), parse_limit("requests=100/1m").value(),
       parse_limit("tokens=1000/1m,headers=off").value()},
      Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {600, 0}));
  Headers headers;
  add_rate_limits(headers, account, Nanos(0));
  EXPECT_THAT(headers, ElementsAre(Pair("x-ratelimit-limit-requests", "100"),
                                   Pair("x-ratelimit-remaining-requests", "99"),
                                   Pair("x-ratelimit-reset-requests", "1m0s")));
}

TEST(RateLimitHeaders, AreLeftOutWithoutALimit) {
  const Account account({parse_limit("concurrency=5").value()}, Charge::kArrivalInput, 1);
  Headers headers;
  add_rate_limits(headers, account, Nanos(0));
  EXPECT_THAT(headers, IsEmpty());
}

}  // namespace
}  // namespace llmq::mock
