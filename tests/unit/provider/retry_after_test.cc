#include "provider/retry_after.h"

#include <gtest/gtest.h>

#include <string>

#include "provider/json.h"

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

TEST(QuotaWait, IsWhatTheRefusalTells) {
  // 2026-08-31T23:00:00Z
  constexpr int64_t kNow = 1'788'217'200'000;
  ErrorBody error;
  EXPECT_EQ(quota_wait({}, error, kNow).ns, 0);
  EXPECT_EQ(quota_wait({{"retry-after", "2"}}, error, kNow).ns, 0);
  EXPECT_EQ(quota_wait({{"retry-after", "7200"}}, error, kNow), core::seconds(7200));
  error.message =
      "You have reached your API usage limits. You will regain access on 2026-09-01 at 00:00 UTC.";
  EXPECT_EQ(quota_wait({}, error, kNow), core::seconds(3600));
  EXPECT_EQ(quota_wait({}, error, kNow + 4'000'000).ns, 0) << "it has passed";
  for (const char* message :
       {"regain access on ", "regain access on 2026-09-01", "regain access on 2026-99-99 at 00:00",
        "regain access on tomorrow at noon"}) {
    error.message = message;
    EXPECT_EQ(quota_wait({}, error, kNow).ns, 0) << message;
  }
  error.message = "Budget limit exceeded";
  const ParsedJson metadata = parse_json(R"({"resets_at":"2026-09-01T00:30:00Z"})");
  error.metadata = metadata.value.get();
  EXPECT_EQ(quota_wait({}, error, kNow), core::seconds(5400));
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

TEST(RetryAfter, ReadsWordsInAnyCaseAndForm) {
  EXPECT_EQ(wait_ms({}, "Rate limit exceeded. Retry after 1 seconds."), 1000);
  EXPECT_EQ(wait_ms({}, "Try again in 1 minute 30 seconds."), 90'000);
  EXPECT_EQ(wait_ms({}, "try again in 1 hour and 5 minutes"), 3'900'000);
  EXPECT_EQ(wait_ms({}, "try again in 7m12.5s."), 432'500);
  EXPECT_EQ(wait_ms({}, "Please wait 23 seconds before retrying."), 23'000);
  EXPECT_EQ(wait_ms({}, "please wait before trying again."), 0);
  EXPECT_EQ(wait_ms({}, "retry after 2 seconds, 5 attempts are left"), 2000);
  EXPECT_EQ(wait_ms({}, "Please retry in 48.939935699s."), 48'939);
}

TEST(RetryAfter, KnowsAmazonsHeaderAndUnixTimes) {
  EXPECT_EQ(wait_ms({{"x-amz-retry-after", "1500"}}), 1500);
  EXPECT_EQ(wait_ms({{"x-amz-retry-after", "1500"}, {"retry-after", "2"}}), 2000);
  EXPECT_EQ(wait_ms({{"retry-after", "1785082980"}}, "", 1'785'082'920'000), 60'000);
  EXPECT_EQ(wait_ms({{"retry-after", "1785082980000"}}, "", 1'785'082'920'000), 60'000);
}

Hint hint_of(const char* body) {
  const ParsedJson parsed = parse_json(body);
  return retry_hint({}, read_error_body(parsed.value.get()), 0);
}

TEST(RetryAfter, TakesTheLongerOfRetryInfoAndItsWords) {
  const Hint longer = hint_of(R"({"error":{"message":"Please retry in 48.94s.","details":[
      {"@type":"x"},{"retryDelay":"48s"}]}})");
  EXPECT_EQ(longer.wait, core::milliseconds(48'940));
  EXPECT_EQ(longer.source, HintSource::kBody);
  EXPECT_EQ(hint_of(R"({"error":{"details":[{"retryDelay":"45.837906927s"}]}})").wait.ns,
            45'837'906'927);
  EXPECT_EQ(hint_of(R"({"error":{"message":"Please retry in 48.94s."}})").source,
            HintSource::kBodyText);
}

TEST(RetryAfter, ReadsAMemberOfThatNameLast) {
  EXPECT_EQ(hint_of(R"({"error":{"message":"m","retry_after":1.5}})").wait,
            core::milliseconds(1500));
  EXPECT_EQ(hint_of(R"({"retry_after":2})").source, HintSource::kBody);
  EXPECT_EQ(hint_of(R"({"retry_after":-2})").source, HintSource::kNone);
  EXPECT_EQ(hint_of(R"({"retry_after":1e300})").source, HintSource::kNone);
}

TEST(RetryAfter, TellsZeroFromNothing) {
  EXPECT_EQ(retry_hint({{"retry-after", "0"}}, {}, 0).source, HintSource::kHeader);
  EXPECT_EQ(retry_hint({{"retry-after", "-1"}}, {}, 0).source, HintSource::kNone);
}

}  // namespace
}  // namespace llmq::provider
