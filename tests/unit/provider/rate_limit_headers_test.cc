#include "provider/rate_limit_headers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace llmq::provider {
namespace {

using core::kNotTold;
using core::LimitKind;
using core::milliseconds;
using core::Observation;
using core::Observed;
using core::seconds;

constexpr int64_t kWallMs = 1'785'082'920'000;

Observed read(const std::vector<std::pair<const char*, const char*>>& headers) {
  RateLimitHeaders reader;
  for (const auto& [name, value] : headers) reader.add(name, value);
  Observed observed;
  reader.finish(kWallMs, observed);
  return observed;
}

void expect_seen(Observed observed, LimitKind kind, core::DurationNs period, int64_t limit,
                 int64_t remaining, core::DurationNs reset) {
  const size_t known = observed.count;
  const Observation* const seen = observed.of(kind, period);
  ASSERT_EQ(observed.count, known) << "not told";
  EXPECT_EQ(seen->limit, limit);
  EXPECT_EQ(seen->remaining, remaining);
  EXPECT_EQ(seen->reset.ns, reset.ns);
}

TEST(RateLimitHeaders, ShowTheLimitsOfOpenAi) {
  const Observed observed = read({{"content-type", "application/json"},
                                  {"x-ratelimit-limit-requests", "5000"},
                                  {"x-ratelimit-limit-tokens", "800000"},
                                  {"x-ratelimit-remaining-requests", "4999"},
                                  {"x-ratelimit-remaining-tokens", "799986"},
                                  {"x-ratelimit-reset-requests", "12ms"},
                                  {"x-ratelimit-reset-tokens", "6m0s"}});
  EXPECT_EQ(observed.count, 2u);
  EXPECT_FALSE(observed.refused);
  expect_seen(observed, LimitKind::kRequests, {}, 5000, 4999, milliseconds(12));
  expect_seen(observed, LimitKind::kTokens, {}, 800'000, 799'986, seconds(360));
}

TEST(RateLimitHeaders, MayBeWrittenInAnyCaseAndWithCommas) {
  const Observed observed = read({{"X-RateLimit-Limit-Tokens", " 30,000 "},
                                  {"X-RATELIMIT-REMAINING-TOKENS", "29,900"},
                                  {"x-ratelimit-reset-tokens", "1.5"}});
  expect_seen(observed, LimitKind::kTokens, {}, 30'000, 29'900, milliseconds(1500));
}

TEST(RateLimitHeaders, NameInputOutputAndPeriods) {
  const Observed observed = read({{"x-ratelimit-limit-input-tokens", "100"},
                                  {"x-ratelimit-limit-output-tokens", "200"},
                                  {"x-ratelimit-limit-requests-day", "300"},
                                  {"x-ratelimit-remaining-requests-day", "299"},
                                  {"x-ratelimit-reset-requests-day", "33011.25"},
                                  {"x-ratelimit-limit-tokens-minute", "400"},
                                  {"x-ratelimit-limit-tokens-month", "500"},
                                  {"x-ratelimit-limit-req-10-second", "60"},
                                  {"x-ratelimit-limit-input-tokens-hour", "700"}});
  EXPECT_EQ(observed.count, 7u);
  expect_seen(observed, LimitKind::kInputTokens, {}, 100, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kOutputTokens, {}, 200, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kRequests, seconds(86'400), 300, 299, milliseconds(33'011'250));
  expect_seen(observed, LimitKind::kTokens, seconds(60), 400, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kTokens, seconds(30 * 86'400), 500, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kRequests, seconds(10), 60, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kInputTokens, seconds(3600), 700, kNotTold, {kNotTold});
}

TEST(RateLimitHeaders, OfAProjectCountWhereTheyAreTighter) {
  const auto both = [](const char* of_project) {
    return read({{"x-ratelimit-limit-tokens", "30000"},
                 {"x-ratelimit-remaining-tokens", "29900"},
                 {"x-ratelimit-reset-tokens", "200ms"},
                 {"x-ratelimit-limit-project-tokens", "100000"},
                 {"x-ratelimit-remaining-project-tokens", of_project},
                 {"x-ratelimit-reset-project-tokens", "1m"}});
  };
  expect_seen(both("99000"), LimitKind::kTokens, {}, 30'000, 29'900, milliseconds(200));
  expect_seen(both("10"), LimitKind::kTokens, {}, 100'000, 10, seconds(60));
  EXPECT_EQ(both("10").count, 1u);
}

TEST(RateLimitHeaders, ClampWhatIsRemaining) {
  expect_seen(
      read({{"x-ratelimit-limit-requests", "100"}, {"x-ratelimit-remaining-requests", "-3"}}),
      LimitKind::kRequests, {}, 100, 0, {kNotTold});
  expect_seen(
      read({{"x-ratelimit-limit-requests", "100"}, {"x-ratelimit-remaining-requests", "120"}}),
      LimitKind::kRequests, {}, 100, 100, {kNotTold});
  EXPECT_TRUE(read({{"x-ratelimit-limit-tokens", "-1"},
                    {"x-ratelimit-remaining-tokens", "-1"},
                    {"x-ratelimit-reset-tokens", "0"}})
                  .empty());
}

TEST(RateLimitHeaders, ThatMakeNoSenseAreLeftOutOneByOne) {
  for (const char* value : {"", " ", "abc", "0", "-5", "1e9", "1000000000000000", "NaN",
                            "99999999999999999999999999999999", "5 5", "\xff\xfe"}) {
    SCOPED_TRACE(value);
    expect_seen(
        read({{"x-ratelimit-limit-requests", value}, {"x-ratelimit-remaining-requests", "7"}}),
        LimitKind::kRequests, {}, kNotTold, 7, {kNotTold});
  }
  for (const char* value : {"", "tomorrow", "-5", "-5s", "inf", "800h", "999999999999999h", "5 x",
                            "2026-08-19T12:00:00"}) {
    SCOPED_TRACE(value);
    expect_seen(read({{"x-ratelimit-limit-requests", "7"}, {"x-ratelimit-reset-requests", value}}),
                LimitKind::kRequests, {}, 7, kNotTold, {kNotTold});
  }
}

TEST(RateLimitHeaders, OfOtherNamesAreSkipped) {
  for (const char* name :
       {"", "x", "x-ratelimit", "x-ratelimit-", "x-ratelimit-limit-",
        "x-ratelimit-limit-input-images", "x-ratelimit-limit-tokens_usage_based",
        "x-ratelimit-limit-tokens-cache-adjusted-prompt", "x-ratelimit-tokens-query-cost",
        "llm_provider-x-ratelimit-limit-tokens", "x-ratelimit-limit-tokens-fortnight",
        "x-ratelimit-limit-tokens-", "x-ratelimit-limit-tokens-0-second",
        "x-ratelimit-limit-tokens-32-day", "x-ratelimit-limit-tokens-99999999999999-month",
        "x-ratelimit-limit-tokens-minute-minute", "x-ratelimit-limit-project-", "retry-after"}) {
    EXPECT_TRUE(read({{name, "5"}}).empty()) << name;
  }
}

TEST(RateLimitHeaders, ResetsMayBePointsInTime) {
  expect_seen(
      read({{"x-ratelimit-limit-requests", "7"}, {"x-ratelimit-reset-requests", "1785082980000"}}),
      LimitKind::kRequests, {}, 7, kNotTold, seconds(60));
  expect_seen(
      read({{"x-ratelimit-limit-requests", "7"}, {"x-ratelimit-reset-requests", "1785082950"}}),
      LimitKind::kRequests, {}, 7, kNotTold, seconds(30));
  expect_seen(
      read({{"x-ratelimit-limit-requests", "7"}, {"x-ratelimit-reset-requests", "1485082950"}}),
      LimitKind::kRequests, {}, 7, kNotTold, {});
}

TEST(RateLimitHeaders, OfAzureTellTheirPeriodAndWriteSecondsOrMilliseconds) {
  expect_seen(read({{"x-ratelimit-limit-requests", "50"},
                    {"x-ratelimit-remaining-requests", "49"},
                    {"x-ratelimit-renewalperiod-requests", "60"},
                    {"x-ratelimit-reset-requests", "1"}}),
              LimitKind::kRequests, seconds(60), 50, 49, seconds(1));
  expect_seen(read({{"x-ratelimit-limit-requests", "120"},
                    {"x-ratelimit-remaining-requests", "119"},
                    {"x-ratelimit-renewalperiod-requests", "60"},
                    {"x-ratelimit-reset-requests", "500"}}),
              LimitKind::kRequests, seconds(60), 120, 119, milliseconds(500));
}

TEST(RateLimitHeaders, ThatComeTwiceMeanTheTighterOne) {
  expect_seen(read({{"x-ratelimit-limit-requests", "9"},
                    {"x-ratelimit-limit-requests", "7"},
                    {"x-ratelimit-remaining-requests", "3"},
                    {"x-ratelimit-remaining-requests", "5"},
                    {"x-ratelimit-reset-requests", "2s"},
                    {"x-ratelimit-reset-requests", "1s"}}),
              LimitKind::kRequests, {}, 7, 3, seconds(2));
}

TEST(RateLimitHeaders, OfAnthropicNameTheFieldLastAndResetAtADate) {
  const Observed observed =
      read({{"anthropic-ratelimit-input-tokens-limit", "80000"},
            {"anthropic-ratelimit-input-tokens-remaining", "79000"},
            {"anthropic-ratelimit-input-tokens-reset", "2026-07-26T16:22:06Z"},
            {"Anthropic-Ratelimit-Output-Tokens-Limit", "16000"},
            {"anthropic-ratelimit-output-tokens-reset", "2026-07-26T16:21:57Z"},
            {"anthropic-ratelimit-requests-limit", "1000"},
            {"anthropic-ratelimit-tokens-limit", "96000"},
            {"anthropic-priority-input-tokens-limit", "5"},
            {"anthropic-fast-output-tokens-limit", "6"},
            {"anthropic-ratelimit-unified-reset", "1786147200"}});
  EXPECT_EQ(observed.count, 4u);
  expect_seen(observed, LimitKind::kInputTokens, {}, 80'000, 79'000, seconds(6));
  expect_seen(observed, LimitKind::kOutputTokens, {}, 16'000, kNotTold, {});  // past
  expect_seen(observed, LimitKind::kRequests, {}, 1000, kNotTold, {kNotTold});
  expect_seen(observed, LimitKind::kTokens, {}, 96'000, kNotTold, {kNotTold});
}

TEST(RateLimitHeaders, OfOtherNamesAreKnownOneByOne) {
  expect_seen(
      read(
          {{"x-ratelimit-limit", "2"}, {"x-ratelimit-remaining", "1"}, {"x-ratelimit-reset", "2"}}),
      LimitKind::kRequests, {}, 2, 1, seconds(2));
  expect_seen(read({{"X-RateLimit-Limit", "50"}, {"X-RateLimit-Reset", "1785082980000"}}),
              LimitKind::kRequests, {}, 50, kNotTold, seconds(60));
  expect_seen(read({{"x-tokenlimit-limit", "9"}, {"x-tokenlimit-remaining", "8"}}),
              LimitKind::kTokens, {}, 9, 8, {kNotTold});
  expect_seen(read({{"ratelimitbysize-limit", "500000"},
                    {"ratelimitbysize-remaining", "401381"},
                    {"ratelimitbysize-reset", "33"},
                    {"x-ratelimitbysize-limit-minute", "500000"}}),
              LimitKind::kTokens, seconds(60), 500'000, 401'381, seconds(33));
  const Observed cohere = read({{"x-trial-endpoint-call-limit", "20"},
                                {"x-trial-endpoint-call-remaining", "6"},
                                {"x-endpoint-monthly-call-limit", "1000"}});
  expect_seen(cohere, LimitKind::kRequests, seconds(60), 20, 6, {kNotTold});
  expect_seen(cohere, LimitKind::kRequests, seconds(30 * 86'400), 1000, kNotTold, {kNotTold});
  const Observed fireworks = read({{"x-ratelimit-limit-tokens-prompt", "11"},
                                   {"x-ratelimit-limit-tokens-generated", "12"},
                                   {"x-ratelimit-limit-tokens-cache-adjusted-prompt", "13"}});
  EXPECT_EQ(fireworks.count, 2u);
  expect_seen(fireworks, LimitKind::kInputTokens, {}, 11, kNotTold, {kNotTold});
  expect_seen(fireworks, LimitKind::kOutputTokens, {}, 12, kNotTold, {kNotTold});
}

TEST(RateLimitHeaders, MayBeStructuredFields) {
  expect_seen(read({{"RateLimit", "\"api\";r=999;t=295"},
                    {"RateLimit-Policy", "\"fixed window\";\"api\";q=1000;w=300"}}),
              LimitKind::kRequests, seconds(300), 1000, 999, seconds(295));
  expect_seen(read({{"ratelimit", "limit=100, remaining=50, reset=5"}}), LimitKind::kRequests, {},
              100, 50, seconds(5));
  expect_seen(read({{"ratelimit-limit", "100"}, {"ratelimit-remaining", "50"}}),
              LimitKind::kRequests, {}, 100, 50, {kNotTold});
  for (const char* value :
       {"", ";", "r", "r=", "=5", "r=x;t=-1", ";;;==", "r=99999999999999999999"}) {
    EXPECT_TRUE(read({{"ratelimit", value}}).empty()) << value;
  }
}

TEST(RateLimitHeaders, ThatAreListsMeanTheTightestValue) {
  expect_seen(read({{"x-ratelimit-limit-requests", "100, 60"},
                    {"x-ratelimit-remaining-requests", "1,000,000, 59"}}),
              LimitKind::kRequests, {}, 60, 59, {kNotTold});
}

Observed read_of(const char* provider,
                 const std::vector<std::pair<const char*, const char*>>& all) {
  RateLimitHeaders reader(find_profile(provider));
  for (const auto& [name, value] : all) reader.add(name, value);
  Observed observed;
  reader.finish(kWallMs, observed);
  return observed;
}

TEST(RateLimitHeaders, HaveTheWindowsThatTheProviderFixes) {
  const Observed groq = read_of(
      "groq", {{"x-ratelimit-limit-requests", "14400"}, {"x-ratelimit-limit-tokens", "6000"}});
  expect_seen(groq, LimitKind::kRequests, seconds(86'400), 14'400, kNotTold, {kNotTold});
  expect_seen(groq, LimitKind::kTokens, seconds(60), 6000, kNotTold, {kNotTold});
  // Azure without its renewal period: the unit is still the one that fits a minute.
  const Observed azure = read_of("azure", {{"x-ratelimit-limit-requests", "120"},
                                           {"x-ratelimit-remaining-requests", "119"},
                                           {"x-ratelimit-reset-requests", "500"}});
  expect_seen(azure, LimitKind::kRequests, {}, 120, 119, milliseconds(500));
}

TEST(RateLimitHeaders, TellTheResetOfWhatIsUsedUp) {
  const auto reset = [](const std::vector<std::pair<const char*, const char*>>& all) {
    RateLimitHeaders reader;
    for (const auto& [name, value] : all) reader.add(name, value);
    return reader.reset_of_exhausted(kWallMs).value_or(core::DurationNs{-1});
  };
  EXPECT_EQ(reset({{"x-ratelimit-remaining-requests", "0"},
                   {"x-ratelimit-reset-requests", "1s"},
                   {"x-ratelimit-remaining-tokens", "5"},
                   {"x-ratelimit-reset-tokens", "6m0s"}}),
            seconds(1));
  EXPECT_EQ(reset({{"x-rate-limit-reset-tokens", "55"}}), seconds(55));
  EXPECT_EQ(reset({{"anthropic-ratelimit-unified-status", "rejected"},
                   {"anthropic-ratelimit-unified-reset", "1785082980"}}),
            seconds(60));
  EXPECT_EQ(reset({{"x-ratelimit-remaining-tokens", "5"}, {"x-ratelimit-reset-tokens", "6m0s"}}).ns,
            -1);
}

TEST(RateLimitHeaders, TellWhatACallIsCharged) {
  RateLimitHeaders reader;
  EXPECT_EQ(reader.charged_tokens(), kNotTold);
  reader.add("X-RateLimit-Tokens-Query-Cost", "60");
  EXPECT_EQ(reader.charged_tokens(), 60);
}

TEST(RateLimitHeaders, BeyondWhatCanBeHeldAreDropped) {
  RateLimitHeaders reader;
  for (int i = 1; i <= 100; ++i) {
    reader.add("x-ratelimit-limit-requests-" + std::to_string(i) + "-second", "5");
  }
  Observed observed;
  reader.finish(kWallMs, observed);
  EXPECT_EQ(observed.count, Observed::kMost);
}

}  // namespace
}  // namespace llmq::provider
