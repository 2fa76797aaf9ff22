#include "provider/refusal.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

using core::kNotTold;
using core::LimitKind;
using core::Refusal;
using core::seconds;

void expect_told(std::string_view message, std::string_view type, LimitKind kind,
                 core::DurationNs period, int64_t limit, int64_t used, int64_t requested) {
  SCOPED_TRACE(message);
  const Refusal refusal = read_refusal(message, type);
  EXPECT_TRUE(refusal.kind_told);
  EXPECT_EQ(refusal.kind, kind);
  EXPECT_EQ(refusal.period.ns, period.ns);
  EXPECT_EQ(refusal.limit, limit);
  EXPECT_EQ(refusal.used, used);
  EXPECT_EQ(refusal.requested, requested);
}

TEST(Refusal, NamesItsLimitByAbbreviation) {
  expect_told(
      "Rate limit reached for gpt-4o (eu) in organization org-x on requests per min (RPM): Limit "
      "300, Used 300, Requested 1. Please try again in 20ms.",
      "requests", LimitKind::kRequests, seconds(60), 300, 300, 1);
  expect_told("on tokens per min (TPM): Limit 500000, Used 442231, Requested 249686.", "tokens",
              LimitKind::kTokens, seconds(60), 500'000, 442'231, 249'686);
  expect_told("(RPD): Limit 10,000, Used 10,000, Requested 1", "", LimitKind::kRequests,
              seconds(86'400), 10'000, 10'000, 1);
  expect_told("(TPD): Limit 7, Used 6, Requested ~2", "", LimitKind::kTokens, seconds(86'400), 7, 6,
              2);
  expect_told("(ITPM): Limit 7", "", LimitKind::kInputTokens, seconds(60), 7, kNotTold, kNotTold);
  expect_told("(OTPM): Limit 7", "", LimitKind::kOutputTokens, seconds(60), 7, kNotTold, kNotTold);
  expect_told("(RPS): Limit 7", "", LimitKind::kRequests, seconds(1), 7, kNotTold, kNotTold);
  expect_told("(TPH): Limit 7", "", LimitKind::kTokens, seconds(3600), 7, kNotTold, kNotTold);
}

TEST(Refusal, NamesItsLimitInWords) {
  expect_told("on tokens per min. Limit: 10000 / min. Please try again in 6ms.", "tokens",
              LimitKind::kTokens, seconds(60), 10'000, kNotTold, kNotTold);
  expect_told(
      "in organization org-5 on requests per min. Limit: 20.000000 / min. Current: 24.0 / min.", "",
      LimitKind::kRequests, seconds(60), 20, 24, kNotTold);
  expect_told("would exceed the rate limit of 200,000 input tokens per minute.", "rate_limit_error",
              LimitKind::kInputTokens, seconds(60), 200'000, kNotTold, kNotTold);
  expect_told("You have been rate limited. Your rate limit is 60 queries per minute.", "",
              LimitKind::kRequests, seconds(60), 60, kNotTold, kNotTold);
  expect_told("maximum rate limit for this model is 9.0 queries per minute", "",
              LimitKind::kRequests, seconds(60), 9, kNotTold, kNotTold);
  expect_told("which is limited to 20 API calls / minute", "", LimitKind::kRequests, seconds(60),
              20, kNotTold, kNotTold);
  expect_told("Requests per Second (actual/limit): 2/2", "", LimitKind::kRequests, seconds(1), 2, 2,
              kNotTold);
  expect_told("for m on requests per 6s: Limit 300, Used 300, Requested 1.", "requests",
              LimitKind::kRequests, seconds(6), 300, 300, 1);
  expect_told("exceeded token rate limit of your current tier. Please retry after 33 seconds.", "",
              LimitKind::kTokens, {}, kNotTold, kNotTold, kNotTold);
  expect_told("Requests rate limit exceeded", "", LimitKind::kRequests, {}, kNotTold, kNotTold,
              kNotTold);
  expect_told("for m on concurrent requests: Limit 8, Used 8, Requested 1.", "requests",
              LimitKind::kConcurrency, {}, 8, 8, 1);
}

TEST(Refusal, NamesItsKindByTypeAlone) {
  expect_told("Rate limit reached", "tokens", LimitKind::kTokens, {}, kNotTold, kNotTold, kNotTold);
  expect_told("", "requests", LimitKind::kRequests, {}, kNotTold, kNotTold, kNotTold);
  expect_told("", "input_tokens", LimitKind::kInputTokens, {}, kNotTold, kNotTold, kNotTold);
}

TEST(Refusal, NamesNothing) {
  for (const char* message :
       {"", "slow down", "(", ")(", "(actual/limit): x", "per", " per ", "/", "tokens per",
        "tokens per fortnight", "Limit", "Limit 0", "Limit 99999999999999999999"}) {
    const Refusal refusal = read_refusal(message, "rate_limit_error");
    EXPECT_FALSE(refusal.kind_told) << message;
    EXPECT_EQ(refusal.limit, kNotTold) << message;
    EXPECT_EQ(refusal.period.ns, 0) << message;
  }
}

// Not the requests of its type: those have room.
TEST(Refusal, OfImagesIsOfNoKindThatIsCounted) {
  const Refusal refusal = read_refusal("on images per min (IPM): Limit 5, Used 5", "requests");
  EXPECT_FALSE(refusal.kind_told);
  EXPECT_EQ(refusal.limit, 5);
}

}  // namespace
}  // namespace llmq::provider
