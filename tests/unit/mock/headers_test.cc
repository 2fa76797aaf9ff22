#include "mock/headers.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <vector>

#include "mock/options.h"

namespace llmq::mock {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr int64_t kUnixMs = 1'787'150'060'000;  // 2026-08-19T14:34:20Z

LimitNews news_of(const Account& account, int status = 200) {
  LimitNews news;
  news.account = &account;
  news.unix_ms = kUnixMs;
  news.status = status;
  return news;
}

Account account_of(std::initializer_list<const char*> limits, const Demand& first) {
  std::vector<LimitSpec> specs;
  for (const char* limit : limits) specs.push_back(parse_limit(limit).value());
  Account account(specs, Charge::kArrivalMaxTokens, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), first));
  return account;
}

using Tell = void (*)(Headers&, const LimitNews&);

Headers told_by(Tell tell, const LimitNews& news) {
  Headers headers;
  tell(headers, news);
  return headers;
}

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
  add_retry_after(headers, Nanos(1'000'000'001), RetryLines::kSecondsAndMs);
  EXPECT_THAT(headers, ElementsAre(Pair("Retry-After", "2"), Pair("retry-after-ms", "1001")));
}

TEST(RateLimitHeaders, SpeakOfTheTightestLimitOfEachKind) {
  Account account({parse_limit("requests=100/1m").value(), parse_limit("requests=10/1s").value(),
                   parse_limit("tokens=1000/1m,shape=bucket").value()},
                  Charge::kArrivalInput, 1);
  EXPECT_FALSE(account.arrive(Nanos(0), {600, 0}));
  Headers headers;
  tell_openai(headers, news_of(account));
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
  tell_openai(headers, news_of(account));
  EXPECT_THAT(headers, ElementsAre(Pair("x-ratelimit-limit-requests", "100"),
                                   Pair("x-ratelimit-remaining-requests", "99"),
                                   Pair("x-ratelimit-reset-requests", "1m0s")));
}

TEST(RateLimitHeaders, AreLeftOutWithoutALimit) {
  const Account account({parse_limit("concurrency=5").value()}, Charge::kArrivalInput, 1);
  Headers headers;
  tell_openai(headers, news_of(account));
  EXPECT_THAT(headers, IsEmpty());
}

TEST(GoDuration, IsExactWhereAskedTo) {
  EXPECT_EQ(format_go_nanos(Nanos(172'799'999)), "172.799999ms");
  EXPECT_EQ(format_go_nanos(Nanos(7'440'000)), "7.44ms");
  EXPECT_EQ(format_go_nanos(Nanos(17'563'999'999)), "17.563999999s");
  EXPECT_EQ(format_go_nanos(Nanos(179'560'000'000)), "2m59.56s");
  EXPECT_EQ(format_go_nanos(Nanos(1'500)), "1.5\u00b5s");
  EXPECT_EQ(format_go_nanos(Nanos(3)), "3ns");
}

TEST(AzureHeaders, AreBareNumbers) {
  const Account account =
      account_of({"requests=120/1m,shape=bucket", "tokens=120000/1m,shape=bucket"}, {14, 0});
  EXPECT_THAT(told_by(&tell_azure, news_of(account)),
              ElementsAre(Pair("x-ratelimit-limit-requests", "120"),
                          Pair("x-ratelimit-remaining-requests", "119"),
                          Pair("x-ratelimit-reset-requests", "500"),
                          Pair("x-ratelimit-renewalperiod-requests", "60"),
                          Pair("x-ratelimit-limit-tokens", "120000"),
                          Pair("x-ratelimit-remaining-tokens", "119986"),
                          Pair("x-ratelimit-reset-tokens", "7"),
                          Pair("x-ratelimit-renewalperiod-tokens", "60"),
                          Pair("x-ratelimit-abusepenalty-active", "False")));
  // The other host counts in seconds.
  EXPECT_THAT(told_by(&tell_azure_foundry, news_of(account)),
              testing::Contains(Pair("x-ratelimit-reset-requests", "1")));
}

TEST(AnthropicHeaders, AreDatesAndThousands) {
  const Account account =
      account_of({"requests=10000/1m,shape=bucket", "input_tokens=10000000/1m,shape=bucket",
                  "output_tokens=2000000/1m,shape=bucket"},
                 {1'491'000, 0});
  EXPECT_THAT(told_by(&tell_anthropic, news_of(account)),
              ElementsAre(Pair("anthropic-ratelimit-requests-limit", "10000"),
                          Pair("anthropic-ratelimit-requests-remaining", "9999"),
                          Pair("anthropic-ratelimit-requests-reset", "2026-08-19T14:34:20Z"),
                          Pair("anthropic-ratelimit-input-tokens-limit", "10000000"),
                          Pair("anthropic-ratelimit-input-tokens-remaining", "8509000"),
                          Pair("anthropic-ratelimit-input-tokens-reset", "2026-08-19T14:34:29Z"),
                          Pair("anthropic-ratelimit-output-tokens-limit", "2000000"),
                          Pair("anthropic-ratelimit-output-tokens-remaining", "2000000"),
                          Pair("anthropic-ratelimit-output-tokens-reset", "2026-08-19T14:34:20Z"),
                          Pair("anthropic-ratelimit-tokens-limit", "12000000"),
                          Pair("anthropic-ratelimit-tokens-remaining", "10509000"),
                          Pair("anthropic-ratelimit-tokens-reset", "2026-08-19T14:34:20Z")));
}

TEST(AnthropicHeaders, RoundRemainingToTheNearestThousand) {
  const auto remaining = [](const char* limit, int64_t used) {
    const Account account = account_of({limit}, {used, 0});
    return told_by(&tell_anthropic, news_of(account))[1].second;
  };
  EXPECT_EQ(remaining("input_tokens=80000/1m", 16), "80000");
  EXPECT_EQ(remaining("input_tokens=80000/1m", 501), "79000");
  EXPECT_EQ(remaining("input_tokens=1600/1m", 10), "1600");  // not more than there is
  EXPECT_EQ(remaining("input_tokens=600/1m", 10), "590");
}

TEST(MistralHeaders, NameTheWindow) {
  const Account account = account_of({"tokens=100000/1m", "requests=60/10s"}, {40, 20});
  LimitNews news = news_of(account);
  news.usage = Usage{40, 20};
  EXPECT_THAT(told_by(&tell_mistral, news),
              ElementsAre(Pair("x-ratelimit-limit-tokens-minute", "100000"),
                          Pair("x-ratelimit-remaining-tokens-minute", "99940"),
                          Pair("x-ratelimit-limit-req-10-second", "60"),
                          Pair("x-ratelimit-remaining-req-10-second", "59"),
                          Pair("x-ratelimit-tokens-query-cost", "60")));
  news.is_stream = true;
  EXPECT_THAT(told_by(&tell_mistral, news), IsEmpty());
}

TEST(OtherHeaders, AreThoseOfTheirProviders) {
  const Account account =
      account_of({"requests=2/2s", "input_tokens=1000/1m", "output_tokens=500/1m"}, {100, 50});
  EXPECT_THAT(
      told_by(&tell_together, news_of(account)),
      testing::IsSupersetOf({Pair("x-ratelimit-limit", "2"), Pair("x-ratelimit-remaining", "1"),
                             Pair("x-ratelimit-reset", "2")}));
  EXPECT_THAT(told_by(&tell_fireworks, news_of(account)),
              ElementsAre(Pair("x-ratelimit-limit-tokens-prompt", "1000"),
                          Pair("x-ratelimit-remaining-tokens-prompt", "900"),
                          Pair("x-ratelimit-limit-tokens-cache-adjusted-prompt", "1000"),
                          Pair("x-ratelimit-remaining-tokens-cache-adjusted-prompt", "900"),
                          Pair("x-ratelimit-limit-tokens-generated", "500"),
                          Pair("x-ratelimit-remaining-tokens-generated", "450"),
                          Pair("x-ratelimit-over-limit", "no")));
  EXPECT_THAT(told_by(&tell_xai, news_of(account)),
              ElementsAre(Pair("x-ratelimit-limit-requests", "2"),
                          Pair("x-ratelimit-remaining-requests", "1"),
                          Pair("x-ratelimit-limit-tokens", "1000"),
                          Pair("x-ratelimit-remaining-tokens", "900")));
  EXPECT_THAT(told_by(&tell_cohere, news_of(account)),
              ElementsAre(Pair("x-trial-endpoint-call-limit", "2"),
                          Pair("x-trial-endpoint-call-remaining", "1")));
  EXPECT_THAT(told_by(&tell_cohere, news_of(account, 429)), IsEmpty());
  EXPECT_THAT(told_by(&tell_openrouter, news_of(account)), IsEmpty());
  EXPECT_THAT(told_by(&tell_openrouter, news_of(account, 429)),
              ElementsAre(Pair("X-RateLimit-Limit", "2"), Pair("X-RateLimit-Remaining", "1"),
                          Pair("X-RateLimit-Reset", std::to_string(kUnixMs + 2000))));
}

}  // namespace
}  // namespace llmq::mock
