// Which kind of failure an answer is: the providers' status tables, row by row.
#include "provider/errors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/policy/retry.h"
#include "provider/provider.h"

namespace llmq::provider {
namespace {

using core::Status;

struct Row {
  const char* provider;
  int http_status;
  const char* body;
  Status failure;
  bool retryable;
  std::vector<Header> headers = {};
};

void expect_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.provider) + " " + std::to_string(row.http_status) + " " +
                 row.body);
    const Outcome outcome = parse_response(*find_profile(row.provider), Operation::kChat,
                                           {row.http_status, row.headers, row.body}, 0);
    EXPECT_EQ(outcome.failure, row.failure) << outcome.message;
    EXPECT_EQ(core::is_transient(outcome.status), row.retryable);
    EXPECT_NE(outcome.message, "");
  }
}

TEST(Errors, OfOpenAi) {
  expect_rows({
      {"openai", 429, R"({"error":{"code":"rate_limit_exceeded","type":"tokens","message":"m"}})",
       Status::kRateLimited, true},
      {"openai", 429, R"({"error":{"code":null,"type":"insufficient_quota","message":"m"}})",
       Status::kQuotaExhausted, false},
      {"openai", 429,
       R"({"error":{"code":"credit_balance_exhausted","type":"insufficient_quota"}})",
       Status::kQuotaExhausted, false},
      {"openai",
       429,
       R"({"error":{"code":"organization_spend_limit_exceeded","type":"x"}})",
       Status::kQuotaExhausted,
       false,
       {{"retry-after", "3600"}, {"x-should-retry", "true"}}},
      {"openai", 429, R"({"error":{"code":"project_spend_limit_exceeded","type":"x"}})",
       Status::kQuotaExhausted, false},
      {"openai", 429, R"({"error":{"code":"organization_usage_limit_exceeded","type":"x"}})",
       Status::kQuotaExhausted, false},
      {"openai", 429, R"({"error":{"code":"slow_down","type":"rate_limit_error"}})",
       Status::kOverloaded, true},
      {"openai", 429,
       R"({"error":{"message":"Rate limit reached: Limit 10000, Used 5000, Requested 10001.",
          "code":"rate_limit_exceeded"}})",
       Status::kOversize, false},
      {"openai", 429,
       R"({"error":{"message":"Rate limit reached on requests per day (RPD): Limit 200. Please try again in 7m12s.","code":"rate_limit_exceeded"}})",
       Status::kRateLimited, true},
      {"openai", 503,
       R"({"error":{"type":"service_unavailable_error","code":"server_is_overloaded"}})",
       Status::kOverloaded, true},
      {"openai", 503, R"({"error":{"message":"Slow Down","type":"server_error"}})",
       Status::kOverloaded, true},
      {"openai", 500, R"({"error":{"type":"server_error"}})", Status::kServer, true},
      {"openai", 502, "<html>Bad gateway</html>", Status::kServer, true},
      {"openai", 504, "", Status::kServer, true},
      {"openai", 520, "<html></html>", Status::kServer, true},
      {"openai", 524, "<html></html>", Status::kServer, true},
      {"openai", 400, R"({"error":{"code":"context_length_exceeded"}})", Status::kContextTooLong,
       false},
      {"openai", 401, R"({"error":{"code":"invalid_api_key"}})", Status::kAuth, false},
      {"openai", 404, R"({"error":{"code":"model_not_found","type":"invalid_request_error"}})",
       Status::kBadRequest, false},
      {"openai", 400, R"({"error":{"code":"model_not_found","type":"invalid_request_error"}})",
       Status::kBadRequest, false},
      {"openai", 408, "", Status::kTimeout, true},
      {"openai", 409, "", Status::kServer, true},
  });
}

TEST(Errors, OfAzure) {
  expect_rows({
      {"azure", 429, R"({"error":{"code":"429","message":"Please retry after 33 seconds."}})",
       Status::kRateLimited, true},
      {"azure", 429, R"({"error":{"code":"RateLimitReached","message":"m"}})", Status::kRateLimited,
       true},
      {"azure", 429, R"({"error":{"code":"429","message":"System is experiencing high demand."}})",
       Status::kOverloaded, true},
      {"azure", 429,
       R"({"error":{"message":"The service is temporarily unable to process your request."}})",
       Status::kOverloaded, true},
      {"azure", 401, R"({"error":{"code":"401","message":"Access denied"}})", Status::kAuth, false},
      {"azure", 404, R"({"error":{"code":"DeploymentNotFound"}})", Status::kBadRequest, false},
      {"azure", 403, R"({"statusCode":403,"message":"Token quota is exceeded."})",
       Status::kQuotaExhausted, false},
      {"azure", 400,
       R"({"error":{"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
       Status::kContentFilter, false},
  });
}

TEST(Errors, OfAnthropic) {
  const auto body = [](const char* type, const char* message) {
    return std::string(R"({"type":"error","error":{"type":")") + type + R"(","message":")" +
           message + R"("},"request_id":"r"})";
  };
  const std::string rate = body("rate_limit_error", "m");
  const std::string billing = body("billing_error", "m");
  const std::string credit = body("invalid_request_error", "Your credit balance is too low");
  const std::string usage =
      body("invalid_request_error", "You have reached your specified API usage limits.");
  const std::string longer =
      body("invalid_request_error", "prompt is too long: 3333404 tokens > 200000 maximum");
  const std::string conflict = body("conflict_error", "m");
  const std::string overloaded = body("overloaded_error", "Overloaded");
  const std::string api = body("api_error", "m");
  const std::string timeout = body("timeout_error", "m");
  const std::string key = body("authentication_error", "m");
  const std::string permission = body("permission_error", "m");
  const std::string missing = body("not_found_error", "m");
  const std::string large = body("request_too_large", "m");
  const std::string invalid = body("invalid_request_error", "m");
  expect_rows({
      {"anthropic", 429, rate.c_str(), Status::kRateLimited, true},
      {"anthropic", 429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"m",
          "details":{"error_code":"enforced_spend_limit_reached"}}})",
       Status::kQuotaExhausted, false},
      {"anthropic",
       429,
       billing.c_str(),
       Status::kQuotaExhausted,
       false,
       {{"x-should-retry", "false"}, {"retry-after", "37800"}}},
      {"anthropic", 400, credit.c_str(), Status::kQuotaExhausted, false},
      {"anthropic", 400, usage.c_str(), Status::kQuotaExhausted, false},
      {"anthropic", 400, longer.c_str(), Status::kContextTooLong, false},
      {"anthropic", 402, billing.c_str(), Status::kQuotaExhausted, false},
      {"anthropic", 409, conflict.c_str(), Status::kServer, true},
      {"anthropic", 529, overloaded.c_str(), Status::kOverloaded, true},
      {"anthropic", 400, overloaded.c_str(), Status::kOverloaded, true},
      {"anthropic", 500, api.c_str(), Status::kServer, true},
      {"anthropic", 504, timeout.c_str(), Status::kServer, true},
      {"anthropic", 401, key.c_str(), Status::kAuth, false},
      {"anthropic", 403, permission.c_str(), Status::kAuth, false},
      {"anthropic", 404, missing.c_str(), Status::kBadRequest, false},
      {"anthropic", 403, missing.c_str(), Status::kBadRequest, false},
      {"anthropic", 413, large.c_str(), Status::kBadRequest, false},
      {"anthropic", 400, invalid.c_str(), Status::kBadRequest, false},
  });
}

TEST(Errors, OfGemini) {
  const auto quota = [](const char* id) {
    return std::string(
               R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your quota.",
        "details":[{"violations":[{"quotaId":")") +
           id + R"(","quotaValue":"20"}]},{"retryDelay":"38s"}]}})";
  };
  const std::string minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
  const std::string day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
  const char* const prepaid =
      R"({"error":{"code":429,"message":"Your prepayment credits are depleted.",
      "status":"RESOURCE_EXHAUSTED"}})";
  expect_rows({
      {"gemini", 429, minute.c_str(), Status::kRateLimited, true},
      {"gemini", 429, day.c_str(), Status::kQuotaExhausted, false},
      {"gemini-openai", 429, ("[" + day + "]").c_str(), Status::kQuotaExhausted, false},
      {"gemini", 429, prepaid, Status::kQuotaExhausted, false},
      {"gemini", 402, prepaid, Status::kQuotaExhausted, false},
      {"gemini", 503, R"({"error":{"code":503,"status":"UNAVAILABLE"}})", Status::kOverloaded,
       true},
      {"gemini", 500, R"({"error":{"code":500,"status":"INTERNAL"}})", Status::kServer, true},
      {"gemini", 504, R"({"error":{"code":504,"status":"DEADLINE_EXCEEDED"}})", Status::kServer,
       true},
      {"gemini", 400,
       R"({"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[
          {"reason":"API_KEY_INVALID"}]}})",
       Status::kAuth, false},
      {"gemini", 400,
       R"({"error":{"message":"The input token count (9) exceeds the maximum number of tokens"}})",
       Status::kContextTooLong, false},
      {"gemini", 200, R"({"promptFeedback":{"blockReason":"SAFETY"}})", Status::kContentFilter,
       false},
  });
}

TEST(Errors, OfBedrock) {
  const auto exception = [](const char* name) {
    return std::vector<Header>{{"x-amzn-ErrorType", std::string(name) + ":http://internal/"}};
  };
  expect_rows({
      {"bedrock", 429, R"({"message":"Too many tokens, please wait before trying again."})",
       Status::kRateLimited, true, exception("ThrottlingException")},
      {"bedrock", 400, R"({"__type":"com.amazon#ThrottlingException","message":"Rate exceeded"})",
       Status::kRateLimited, true},
      {"bedrock", 429, R"({"message":"Too many tokens per day, please wait before trying again."})",
       Status::kQuotaExhausted, false, exception("ThrottlingException")},
      {"bedrock", 429, R"({"message":"m"})", Status::kOverloaded, true,
       exception("ModelNotReadyException")},
      {"bedrock", 408, R"({"message":"m"})", Status::kTimeout, true,
       exception("ModelTimeoutException")},
      {"bedrock", 424, R"({"message":"m"})", Status::kBadRequest, false,
       exception("ModelErrorException")},
      {"bedrock", 503, R"({"message":"Too many connections"})", Status::kOverloaded, true,
       exception("ServiceUnavailableException")},
      {"bedrock", 529, R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})",
       Status::kOverloaded, true},
      {"bedrock", 400, R"({"message":"m"})", Status::kRateLimited, true,
       exception("ServiceQuotaExceededException")},
      {"bedrock", 400, R"({"message":"m"})", Status::kBadRequest, false,
       exception("ValidationException")},
      {"bedrock", 400, R"({"message":"Input is too long for requested model."})",
       Status::kContextTooLong, false, exception("ValidationException")},
      {"bedrock", 403, R"({"message":"m"})", Status::kAuth, false,
       exception("AccessDeniedException")},
      {"bedrock", 403, R"({"message":"m"})", Status::kAuth, false,
       exception("ExpiredTokenException")},
  });
}

TEST(Errors, OfMistralGroqAndCohere) {
  expect_rows({
      {"mistral", 429,
       R"({"object":"error","message":"Rate limit exceeded","type":"rate_limited","code":"1300"})",
       Status::kRateLimited, true},
      {"mistral", 429, R"({"message":"Requests rate limit exceeded"})", Status::kRateLimited, true},
      {"mistral", 429,
       R"({"object":"error","message":"Service tier capacity exceeded for this model.",
          "type":"invalid_request_error"})",
       Status::kOverloaded, true},
      {"mistral", 401, R"({"detail":"Invalid API Key"})", Status::kAuth, false},
      {"mistral", 422, R"({"detail":[{"msg":"m"}]})", Status::kBadRequest, false},
      {"groq", 429,
       R"({"error":{"message":"Limit 30, Used 30, Requested 1.","code":"rate_limit_exceeded"}})",
       Status::kRateLimited, true},
      {"groq",
       413,
       R"({"error":{"message":"Request too large: Limit 6000, Requested 6791",
          "code":"rate_limit_exceeded"}})",
       Status::kOversize,
       false,
       {{"retry-after", "9"}}},
      {"groq", 498, R"({"error":{"message":"m","code":"capacity_exceeded"}})", Status::kOverloaded,
       true},
      {"cohere", 429, R"({"id":"x","message":"limited to 20 API calls / minute."})",
       Status::kRateLimited, true},
      {"cohere", 429, R"({"id":"x","message":"limited to 1000 API calls / month."})",
       Status::kQuotaExhausted, false},
      {"cohere", 400, R"({"error_type":"TOO_MANY_TOKENS","message":"too many tokens"})",
       Status::kContextTooLong, false},
      {"cohere", 499, R"({"message":"m"})", Status::kUnknown, false},
  });
}

TEST(Errors, OfTogetherFireworksAndDeepSeek) {
  expect_rows({
      {"together", 429, R"({"error":{"message":"m","type":"credit_limit"}})", Status::kRateLimited,
       true},
      {"together", 429, R"({"error":{"message":"m","type":"model_rate_limit"}})",
       Status::kRateLimited, true},
      {"together", 402, "{}", Status::kQuotaExhausted, false},
      {"together", 403, R"({"error":{"message":"must be less than the model's context length"}})",
       Status::kContextTooLong, false},
      {"together", 403,
       R"({"error":{"message":"`inputs` tokens + `max_new_tokens` must be <= 8193"}})",
       Status::kContextTooLong, false},
      {"together", 503, R"({"error":{"message":"overloaded","type":"server_error"}})",
       Status::kOverloaded, true},
      {"fireworks", 429,
       R"({"object":"error","type":"invalid_request_error","code":"invalid_request_error",
          "message":"rate limit exceeded, please try again later"})",
       Status::kRateLimited, true},
      {"fireworks", 503, "{}", Status::kOverloaded, true},
      {"fireworks", 412, R"({"error":{"message":"Account is suspended"}})", Status::kQuotaExhausted,
       false},
      {"fireworks", 402, "{}", Status::kQuotaExhausted, false},
      {"deepseek", 429, R"({"error":{"message":"concurrency limit exceeded"}})",
       Status::kRateLimited, true},
      {"deepseek", 402, R"({"error":{"message":"Insufficient Balance"}})", Status::kQuotaExhausted,
       false},
      {"deepseek", 500, "{}", Status::kServer, true},
      {"deepseek", 503, "{}", Status::kOverloaded, true},
      {"deepseek", 422, "{}", Status::kBadRequest, false},
  });
}

TEST(Errors, OfXaiOpenRouterAndCerebras) {
  expect_rows({
      {"xai", 429,
       R"({"code":"resource-exhausted","error":"Requests per Second (actual/limit): 2/2"})",
       Status::kRateLimited, true},
      {"xai", 429, R"({"code":"resource-exhausted","error":"Free usage quota exceeded."})",
       Status::kQuotaExhausted, false},
      {"xai", 429,
       R"({"code":"resource-exhausted","error":"Requests per Minute (actual/limit): 0/0."})",
       Status::kQuotaExhausted, false},
      {"xai", 400, R"({"code":"invalid-argument","error":"Incorrect API key provided."})",
       Status::kAuth, false},
      {"openrouter", 429,
       R"({"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429}})",
       Status::kRateLimited, true},
      {"openrouter", 429,
       R"({"error":{"message":"Rate limit exceeded: free-models-per-day.","code":429}})",
       Status::kQuotaExhausted, false},
      {"openrouter", 429,
       R"({"error":{"message":"Rate limit exceeded: limit_rpd/x/y.","code":429}})",
       Status::kQuotaExhausted, false},
      {"openrouter", 429,
       R"({"error":{"message":"m","code":429,"metadata":{"limit_source":"openrouter_free_tier_daily"}}})",
       Status::kQuotaExhausted, false},
      {"openrouter", 429, R"({"error":{"message":"Provider returned error","code":429}})",
       Status::kRateLimited, true},
      {"openrouter", 429,
       R"({"error":{"message":"m","metadata":{"limit_source":"upstream_provider_shared_pool"}}})",
       Status::kOverloaded, true},
      {"openrouter", 429,
       R"({"error":{"message":"m","metadata":{"limit_source":"openrouter_shared_capacity"}}})",
       Status::kOverloaded, true},
      {"openrouter", 402,
       R"({"error":{"message":"m","code":402,"metadata":{"reason":"in_flight_budget_exhausted",
          "limit_source":"openrouter_in_flight_budget"}}})",
       Status::kRateLimited, true},
      {"openrouter", 402,
       R"({"error":{"message":"m","code":402,"metadata":{"reason":"weight_exceeds_budget",
          "limit_source":"openrouter_credits"}}})",
       Status::kQuotaExhausted, false},
      {"openrouter", 403,
       R"({"error":{"message":"Budget limit exceeded","code":403,"metadata":{
          "limit_source":"openrouter_key_limit"}}})",
       Status::kQuotaExhausted, false},
      {"openrouter", 403, R"({"error":{"message":"blocked by a guardrail","code":403}})",
       Status::kContentFilter, false},
      {"openrouter", 408, R"({"error":{"code":408}})", Status::kTimeout, true},
      {"openrouter", 502, R"({"error":{"code":502}})", Status::kServer, true},
      {"openrouter", 200, R"({"error":{"message":"m","code":502}})", Status::kServer, true},
      {"openrouter", 200, R"({"error":{"message":"m","code":429}})", Status::kRateLimited, true},
      {"openai-compatible",
       429,
       R"({"message":"m","type":"too_many_requests_error",
          "code":"queue_exceeded"})",
       Status::kOverloaded,
       false,
       {{"x-should-retry", "false"}}},
  });
}

TEST(Errors, OfServersOfOnesOwn) {
  expect_rows({
      {"vllm", 400,
       R"({"object":"error","message":"This model's maximum context length is 4096 tokens.",
          "type":"BadRequestError","code":400})",
       Status::kContextTooLong, false},
      {"vllm", 400, R"({"error":{"message":"m","type":"BadRequestError","code":400}})",
       Status::kBadRequest, false},
      {"ollama", 503, R"({"error":"server busy, please try again."})", Status::kOverloaded, true},
      {"ollama", 404, R"({"error":"model 'm' not found"})", Status::kBadRequest, false},
      {"llamacpp", 503,
       R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
       Status::kOverloaded, true},
      {"llamacpp", 400,
       R"({"error":{"code":400,"message":"m","type":"exceed_context_size_error"}})",
       Status::kContextTooLong, false},
      {"llamacpp", 401, R"({"error":{"code":401,"type":"authentication_error"}})", Status::kAuth,
       false},
  });
}

TEST(Errors, AreReadInPlainWordsToo) {
  const Outcome outcome = parse_response(
      *find_profile("openai-compatible"), Operation::kChat,
      {429, {{"content-type", "text/plain"}}, "Slow. Please try again in 2m30s."}, 0);
  EXPECT_EQ(outcome.status, Status::kRateLimited);
  EXPECT_EQ(outcome.retry_after, core::seconds(150));
  EXPECT_EQ(outcome.hint_source, HintSource::kBodyText);
  EXPECT_EQ(outcome.message, "HTTP 429: text that is not JSON (32 bytes)");
}

TEST(Errors, OfAnyShapeDoNotBreakTheReader) {
  for (const char* body :
       {"[]", "[[]]", "[null]", "{\"error\":[]}", "{\"error\":1e400}",
        "{\"error\":{\"code\":1e400}}",
        "{\"error\":{\"details\":[1,{\"violations\":3},{\"violations\":[]}]}}",
        "{\"error\":{\"metadata\":{\"headers\":[1]}}}", "{\"retry_after\":1e300}",
        "{\"detail\":[]}", "{\"error\":{\"message\":\"Limit 999999999999999999999\"}}"}) {
    const Outcome outcome =
        parse_response(*find_profile("openrouter"), Operation::kChat, {429, {}, body}, 0);
    EXPECT_EQ(outcome.status, Status::kRateLimited) << body;
    EXPECT_EQ(outcome.retry_after.ns, 0) << body;
  }
  const std::string deep(100'000, '[');
  EXPECT_EQ(parse_response(*find_profile("openai"), Operation::kChat, {429, {}, deep}, 0).status,
            Status::kRateLimited);
}

}  // namespace
}  // namespace llmq::provider
