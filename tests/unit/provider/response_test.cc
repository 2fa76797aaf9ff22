#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/policy/retry.h"
#include "provider/provider.h"

namespace llmq::provider {
namespace {

const Profile& openai() { return *find_profile("openai"); }

using core::Status;
using ::testing::HasSubstr;
using ::testing::Not;

Outcome parse(int http_status, std::string body, std::vector<Header> headers = {},
              Operation operation = Operation::kChat) {
  return parse_response(openai(), operation,
                        WireResponse{http_status, std::move(headers), std::move(body)}, 0);
}

std::string error_body(const std::string& code, const std::string& message = "Some words.") {
  return R"({"error":{"message":")" + message + R"(","type":"t","param":null,"code":")" + code +
         R"("}})";
}

TEST(ParseResponse, ReadsUsageOfChat) {
  const Outcome outcome =
      parse(200,
            R"({"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":18,"total_tokens":38,
          "prompt_tokens_details":{"cached_tokens":8}}})",
            {{"X-Request-Id", "req_1"}});
  EXPECT_EQ(outcome.status, Status::kOk);
  EXPECT_EQ(outcome.message, "");
  EXPECT_TRUE(outcome.usage_known);
  EXPECT_EQ(outcome.usage.input_tokens, 20);
  EXPECT_EQ(outcome.usage.output_tokens, 18);
  EXPECT_EQ(outcome.usage.cached_input_tokens, 8);
  EXPECT_EQ(outcome.provider_request_id, "req_1");
}

TEST(ParseResponse, CountsHiddenReasoningAndClampsTheCache) {
  const Outcome outcome =
      parse(200,
            R"({"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109,
          "prompt_tokens_details":{"cached_tokens":314}}})");
  EXPECT_EQ(outcome.usage.output_tokens, 74);
  EXPECT_EQ(outcome.usage.cached_input_tokens, 35);
}

TEST(ParseResponse, ReadsUsageOfEmbeddings) {
  const Outcome outcome = parse(200, R"({"data":[],"usage":{"prompt_tokens":5,"total_tokens":6}})",
                                {}, Operation::kEmbeddings);
  EXPECT_TRUE(outcome.usage_known);
  EXPECT_EQ(outcome.usage.input_tokens, 5);
  EXPECT_EQ(outcome.usage.output_tokens, 0);
  EXPECT_EQ(
      parse(200, R"({"usage":{"total_tokens":6}})", {}, Operation::kEmbeddings).usage.input_tokens,
      6);
  EXPECT_FALSE(parse(200, "{}", {}, Operation::kEmbeddings).usage_known);
}

TEST(ParseResponse, IsOkWithoutUsableUsage) {
  for (const char* body :
       {"{}", R"({"usage":null})", R"({"usage":{}})", R"({"usage":{"prompt_tokens":1}})",
        R"({"usage":{"prompt_tokens":-1,"completion_tokens":1}})",
        R"({"usage":{"prompt_tokens":1e300,"completion_tokens":1}})",
        R"({"usage":{"prompt_tokens":"1","completion_tokens":"1"}})", R"({"error":null})",
        "\n\n {} \n"}) {
    const Outcome outcome = parse(200, body);
    EXPECT_EQ(outcome.status, Status::kOk) << body;
    EXPECT_FALSE(outcome.usage_known) << body;
  }
}

struct Came {
  const char* body;
  const char* says;
};

TEST(ParseResponse, SaysWhatCameInsteadOfAnObject) {
  const Came all[] = {
      {"", "an empty body"},
      {" \n", "an empty body"},
      {"<!DOCTYPE html><html></html>", "HTML (28 bytes)"},
      {R"({"choices":[{"message":{"con)", "JSON that is cut off or broken at byte 25 of 28"},
      {"[1,2]", "JSON that is not an object"},
      {"3", "JSON that is not an object"},
      {"hello", "text that is not JSON (5 bytes)"},
      {"data: {}\n\ndata: [DONE]\n\n", "an event stream"},
      {"{} {}", "JSON with more behind it at byte 3"},
  };
  for (const Came& came : all) {
    const Outcome outcome = parse(200, came.body);
    EXPECT_EQ(outcome.status, Status::kTransport) << came.body;
    EXPECT_TRUE(core::is_transient(outcome.status));
    EXPECT_THAT(outcome.message, HasSubstr(came.says)) << came.body;
    EXPECT_THAT(outcome.message, HasSubstr("HTTP 200"));
  }
  const Outcome typed = parse(200, "Sign in first", {{"content-type", "text/html; charset=utf-8"}});
  EXPECT_THAT(typed.message, HasSubstr("HTML"));
}

TEST(ParseResponse, SeesAnErrorInsideASuccess) {
  const Outcome outcome = parse(200, R"({"error":{"code":502,"message":"upstream died"}})");
  EXPECT_EQ(outcome.status, Status::kServer);
  EXPECT_THAT(outcome.message, HasSubstr("upstream died"));
}

TEST(ParseResponse, WaitsAsAnErrorInsideASuccessSays) {
  const char* const body = R"({"error":{"code":429,"message":"slow"}})";
  const Outcome outcome = parse(200, body, {{"retry-after", "5"}});
  EXPECT_EQ(outcome.status, Status::kRateLimited);
  EXPECT_EQ(outcome.retry_after, core::seconds(5));
  const Outcome reset =
      parse(200, body, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "2"}});
  EXPECT_EQ(reset.retry_after, core::seconds(2));
  EXPECT_EQ(reset.hint_source, HintSource::kResetHeader);
}

struct Coded {
  int http_status;
  const char* code;
  Status status;
};

TEST(ParseResponse, ClassifiesByStatusAndCode) {
  const Coded all[] = {
      {400, "invalid_image_url", Status::kBadRequest},
      {400, "context_length_exceeded", Status::kContextTooLong},
      {400, "content_filter", Status::kContentFilter},
      {400, "content_policy_violation", Status::kContentFilter},
      {400, "billing_hard_limit_reached", Status::kQuotaExhausted},
      {401, "invalid_api_key", Status::kAuth},
      {402, "x", Status::kQuotaExhausted},
      {403, "x", Status::kAuth},
      {404, "model_not_found", Status::kBadRequest},
      {405, "x", Status::kBadRequest},
      {408, "x", Status::kTimeout},
      {409, "x", Status::kServer},
      {413, "x", Status::kBadRequest},
      {418, "x", Status::kUnknown},
      {422, "x", Status::kBadRequest},
      {429, "rate_limit_exceeded", Status::kRateLimited},
      {429, "insufficient_quota", Status::kQuotaExhausted},
      {429, "credit_balance_exhausted", Status::kQuotaExhausted},
      {429, "organization_spend_limit_exceeded", Status::kQuotaExhausted},
      {500, "x", Status::kServer},
      {502, "x", Status::kServer},
      {503, "x", Status::kOverloaded},
      {504, "x", Status::kServer},
      {529, "x", Status::kOverloaded},
      {599, "x", Status::kServer},
      {600, "x", Status::kUnknown},
  };
  for (const Coded& coded : all) {
    const Outcome outcome = parse(coded.http_status, error_body(coded.code));
    EXPECT_EQ(outcome.status, coded.status) << coded.http_status << ' ' << coded.code;
    EXPECT_EQ(outcome.message,
              "HTTP " + std::to_string(coded.http_status) + ": Some words. (" + coded.code + ")");
    EXPECT_FALSE(outcome.usage_known);
  }
}

TEST(ParseResponse, ClassifiesByWordsWhereThereIsNoCode) {
  EXPECT_EQ(
      parse(400, R"({"object":"error","message":"This model's maximum context length is 8 tokens",
                           "code":400})")
          .status,
      Status::kContextTooLong);
  EXPECT_EQ(parse(429, error_body("rate_limit_exceeded", "Request too large for m")).status,
            Status::kOversize);
}

TEST(ParseResponse, SeesThatNoWaitCuresARequestBeyondTheLimit) {
  const auto status_of = [](const char* words) {
    return parse(429, error_body("rate_limit_exceeded", words)).status;
  };
  EXPECT_EQ(status_of("Rate limit reached: Limit 7000, Used 0, Requested ~12903. "
                      "Please try again in 50.6s."),
            Status::kOversize);
  EXPECT_EQ(status_of("Rate limit reached: Limit 7000, Used 6000, Requested 7000. "
                      "Please try again in 50.6s."),
            Status::kRateLimited);
}

TEST(ParseResponse, DoesNotFollowRedirects) {
  for (const int status : {301, 302, 307, 308}) {
    const Outcome outcome = parse(status, "", {{"location", "https://elsewhere"}});
    EXPECT_EQ(outcome.status, Status::kBadRequest);
    EXPECT_THAT(outcome.message, HasSubstr("redirect"));
  }
}

TEST(ParseResponse, FindsTheMessageInEveryShape) {
  for (const char* body :
       {R"({"error":{"message":"the words"}})", R"([{"error":{"message":"the words"}}])",
        R"({"error":"the words"})", R"({"message":"the words"})", R"({"detail":"the words"})",
        R"({"detail":[{"loc":["body"],"msg":"the words"}]})"}) {
    EXPECT_EQ(parse(422, body).message, "HTTP 422: the words") << body;
  }
}

TEST(ParseResponse, SaysWhatCameInsteadOfAnError) {
  EXPECT_EQ(parse(502, "<html>Bad gateway</html>").message, "HTTP 502: HTML (24 bytes)");
  EXPECT_EQ(parse(500, "").message, "HTTP 500: an empty body");
  EXPECT_EQ(parse(500, "{}").message, "HTTP 500: JSON without an error message");
  EXPECT_EQ(parse(500, "[]").message, "HTTP 500: JSON without an error message");
}

TEST(ParseResponse, ShowsNoKeyAndNoNovel) {
  const Outcome outcome =
      parse(401, error_body("invalid_api_key", "Incorrect API key provided: sk-live-12345. " +
                                                   std::string(3000, 'x')));
  EXPECT_THAT(outcome.message, Not(HasSubstr("12345")));
  EXPECT_THAT(outcome.message, HasSubstr("sk-***"));
  EXPECT_LT(outcome.message.size(), 600u);
}

TEST(ParseResponse, HintsOnlyWhereARetryHelps) {
  const std::vector<Header> headers{{"Retry-After", "20"}};
  EXPECT_EQ(parse(429, error_body("rate_limit_exceeded"), headers).retry_after, core::seconds(20));
  EXPECT_EQ(parse(503, "", headers).retry_after, core::seconds(20));
  EXPECT_EQ(parse(429, error_body("insufficient_quota"), headers).retry_after, core::seconds(0));
  EXPECT_EQ(parse(200, "{}", headers).retry_after, core::seconds(0));
}

TEST(ParseResponse, ShowsTheLimitsOfEveryAnswer) {
  const std::vector<Header> headers{{"X-RateLimit-Limit-Requests", "60"},
                                    {"x-ratelimit-remaining-requests", "59"},
                                    {"x-ratelimit-reset-requests", "1s"}};
  for (const int http_status : {200, 301, 400, 429, 500}) {
    const Outcome outcome = parse(http_status, "{}", headers);
    ASSERT_EQ(outcome.observed.count, 1u) << http_status;
    const core::Observation& seen = outcome.observed.limits[0];
    EXPECT_EQ(seen.kind, core::LimitKind::kRequests);
    EXPECT_EQ(seen.limit, 60);
    EXPECT_EQ(seen.remaining, 59);
    EXPECT_EQ(seen.reset, core::seconds(1));
    EXPECT_EQ(outcome.observed.refused, http_status == 429);
  }
  EXPECT_TRUE(parse(200, "{}").observed.empty());
}

TEST(ParseResponse, NamesTheLimitThatRefused) {
  const Outcome outcome =
      parse(429, error_body("rate_limit_exceeded",
                            "Rate limit reached for m on requests per min (RPM): Limit 300, Used "
                            "300, Requested 1. Please try again in 20ms."));
  ASSERT_TRUE(outcome.observed.refused);
  const core::Refusal& refusal = outcome.observed.refusal;
  EXPECT_TRUE(refusal.kind_told);
  EXPECT_EQ(refusal.kind, core::LimitKind::kRequests);
  EXPECT_EQ(refusal.period, core::seconds(60));
  EXPECT_EQ(refusal.limit, 300);
  EXPECT_EQ(refusal.used, 300);
  EXPECT_EQ(refusal.requested, 1);
  EXPECT_EQ(refusal.retry_after, core::milliseconds(20));
}

TEST(ParseResponse, IsNoRefusalOfALimitForWantOfMoneyOrRoomElsewhere) {
  EXPECT_FALSE(parse(429, error_body("insufficient_quota")).observed.refused);
  EXPECT_FALSE(parse(503, error_body("server_is_overloaded")).observed.refused);
  EXPECT_FALSE(parse(500, "").observed.refused);
}

TEST(ParseResponse, LearnsTheLimitThatARequestIsTooLargeFor) {
  const Outcome outcome = parse(
      429, error_body("rate_limit_exceeded",
                      "Request too large for m on tokens per min (TPM): Limit 10000, Requested "
                      "18123."));
  EXPECT_EQ(outcome.status, Status::kOversize);
  EXPECT_FALSE(outcome.observed.refused);
  ASSERT_EQ(outcome.observed.count, 1u);
  EXPECT_EQ(outcome.observed.limits[0].kind, core::LimitKind::kTokens);
  EXPECT_EQ(outcome.observed.limits[0].period, core::seconds(60));
  EXPECT_EQ(outcome.observed.limits[0].limit, 10'000);
  EXPECT_EQ(outcome.observed.limits[0].remaining, core::kNotTold);
}

TEST(ParseResponse, WaitsForTheResetOfWhatIsUsedUpWhereNothingElseIsTold) {
  std::vector<Header> headers{
      {"x-ratelimit-limit-requests", "60"},  {"x-ratelimit-remaining-requests", "0"},
      {"x-ratelimit-reset-requests", "1s"},  {"x-ratelimit-limit-tokens", "1000"},
      {"x-ratelimit-remaining-tokens", "1"}, {"x-ratelimit-reset-tokens", "6m"}};
  const Outcome outcome = parse(429, error_body("rate_limit_exceeded"), headers);
  EXPECT_EQ(outcome.retry_after, core::seconds(1));
  EXPECT_EQ(outcome.observed.refusal.retry_after, core::seconds(1));
  headers.emplace_back("retry-after-ms", "250");
  EXPECT_EQ(parse(429, error_body("rate_limit_exceeded"), headers).retry_after,
            core::milliseconds(250));
  EXPECT_EQ(parse(500, "", headers).retry_after, core::milliseconds(250));
  headers.pop_back();
  EXPECT_EQ(parse(500, "", headers).retry_after, core::seconds(0));
}

TEST(ParseResponse, HeedsWhetherItShouldBeTriedAgain) {
  const auto told = [](int http_status, const char* code, const char* retry) {
    return parse(http_status, error_body(code), {{"X-Should-Retry", retry}}).status;
  };
  EXPECT_TRUE(core::is_transient(told(400, "invalid", "true")));
  EXPECT_TRUE(core::is_transient(told(401, "invalid", "True")));
  EXPECT_EQ(told(429, "rate_limit_exceeded", "false"), Status::kQuotaExhausted);
  EXPECT_EQ(told(503, "overloaded", "false"), Status::kUnknown);
  EXPECT_EQ(told(500, "server_error", " false "), Status::kUnknown);
  EXPECT_FALSE(core::is_transient(Status::kQuotaExhausted));
  EXPECT_FALSE(core::is_transient(Status::kUnknown));
  // What it says of the kind of failure stays where it agrees, or makes no sense.
  EXPECT_EQ(told(429, "rate_limit_exceeded", "true"), Status::kRateLimited);
  EXPECT_EQ(told(400, "invalid", "false"), Status::kBadRequest);
  EXPECT_EQ(told(503, "overloaded", "maybe"), Status::kOverloaded);
  // No wait cures these.
  EXPECT_EQ(told(429, "insufficient_quota", "true"), Status::kQuotaExhausted);
  EXPECT_EQ(told(400, "context_length_exceeded", "true"), Status::kContextTooLong);
}

}  // namespace
}  // namespace llmq::provider
