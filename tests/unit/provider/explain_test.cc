#include "provider/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace llmq::provider {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string told(const char* provider, const std::string& record) {
  const auto line = explain(provider, record);
  return line ? line.value() : "error: " + line.error().message;
}

TEST(Explain, RoundsWaitsUp) {
  EXPECT_THAT(told("openai", R"({"status":429,"headers":{"retry-after-ms":"1843.2"}})"),
              HasSubstr(R"("retry_after_ms":1844,"hint_source":"header")"));
}

TEST(Explain, ReadsTheLimitsThatABodyTellsInPlaceOfHeaders) {
  const std::string record = R"({"now_unix_ms":1783519346000,"status":429,"body":{"error":{
      "message":"m","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"8",
      "X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1783519380000"}}}}})";
  EXPECT_THAT(told("openrouter", record),
              HasSubstr(R"("retry_after_ms":34000,"hint_source":"body","limits":{"requests":{)"
                        R"("limit":8,"remaining":0,"reset_ms":34000})"));
}

TEST(Explain, TakesTheDateHeaderForTheClock) {
  EXPECT_THAT(told("anthropic", R"({"status":200,"headers":{"date":"Wed, 19 Aug 2026 14:34:20 GMT",
          "anthropic-ratelimit-requests-limit":"5",
          "anthropic-ratelimit-requests-reset":"2026-08-19T14:34:26Z"},"body":{}})"),
              HasSubstr(R"("requests":{"limit":5,"remaining":null,"reset_ms":6000})"));
  // Without a clock a point in time tells nothing.
  EXPECT_THAT(told("anthropic", R"({"status":200,"headers":{
          "anthropic-ratelimit-requests-limit":"5",
          "anthropic-ratelimit-requests-reset":"2026-08-19T14:34:26Z"},"body":{}})"),
              HasSubstr(R"("requests":{"limit":5,"remaining":null,"reset_ms":null})"));
}

TEST(Explain, KnowsAStreamByItsBody) {
  const std::string chat =
      R"({"status":200,"body":"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n)";
  EXPECT_THAT(told("ollama", chat + R"(data: [DONE]\n\n"})"),
              HasSubstr(R"("error_class":null,"status":"LLMQ_OK","stream_end":"[DONE]")"));
  EXPECT_THAT(told("ollama", chat + R"("})"),
              HasSubstr(R"("stream_error":"truncated","partial_output":true)"));
  const std::string lines =
      R"({"status":200,"body":"{\"done\":false,\"message\":{\"content\":\"a\"}}\n)";
  EXPECT_THAT(told("ollama", lines + R"({\"done\":true,\"eval_count\":3}\n"})"),
              HasSubstr(R"("output_tokens":3)"));
  EXPECT_THAT(told("ollama", lines + R"("})"), HasSubstr(R"("stream_error":"truncated")"));
  EXPECT_THAT(told("gemini", R"({"status":200,"body":"[{\"candidates\":[]}]"})"),
              HasSubstr(R"("stream_error":"truncated")"));
}

TEST(Explain, ShowsWhatTheWordsSayOfTheLimit) {
  EXPECT_THAT(told("groq", R"({"status":429,"body":{"error":{"code":"rate_limit_exceeded","message":
          "on requests per minute (RPM): Limit 30, Used 29, Requested 1. Please try again in 2s."}}})"),
              HasSubstr(R"("body_limit":{"dim":"requests","limit":30,"used":29,"requested":1,)"
                        R"("window_ms":60000})"));
  EXPECT_THAT(
      told("gemini", R"({"status":429,"body":{"error":{"details":[{"violations":[{
          "quotaId":"GenerateContentPaidTierInputTokensPerModelPerMinute",
          "quotaValue":"1000000"}]}]}}})"),
      HasSubstr(R"("body_limit":{"dim":"input_tokens","limit":1000000,"window_ms":60000})"));
  EXPECT_THAT(told("openrouter", R"({"status":402,"body":{"error":{"metadata":{
          "limit_source":"openrouter_in_flight_budget"}}}})"),
              HasSubstr(R"("limit_kind":"concurrency")"));
}

TEST(Explain, BearsRecordsOfAnyShape) {
  for (const char* record :
       {R"({"status":200,"body":"data: "})", R"({"status":200,"body":":"})",
        R"({"status":200,"body":"[]"})", R"({"status":200,"body":[null]})",
        R"({"status":429,"headers":{"":"","a":[]},"body":3})", R"({"status":599,"body":null})",
        R"({"status":200,"headers":{"content-type":"text/event-stream"},"body":"{}"})"}) {
    EXPECT_THAT(told("openai", record), HasSubstr("\"retryable\":")) << record;
  }
  EXPECT_THAT(told("openai", std::string(50'000, '[')), HasSubstr("error: not JSON"));
  EXPECT_THAT(told("openai", R"({"status":401,"body":"sk-live-123456789 is wrong"})"),
              Not(HasSubstr("123456789")));
}

}  // namespace
}  // namespace llmq::provider
