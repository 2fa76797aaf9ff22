// The errors of providers with a wire form of their own.
#include <algorithm>
#include <string>

#include "mock/errors.h"
#include "mock/json.h"
#include "mock/limit_words.h"

namespace llmq::mock {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Words {
  int status;
  const char* type;
  std::string message;
};

// 200000 -> "200,000"
std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3;) text.insert(i -= 3, ",");
  return text;
}

std::string spoken(LimitKind kind) {
  std::string text = kind == LimitKind::kConcurrency ? "concurrent requests" : name_of(kind);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

Words anthropic_refusal(const Problem& problem) {
  if (!problem.refusal) return {429, "rate_limit_error", "Rate limited"};
  const Refusal& refusal = *problem.refusal;
  std::string limit = with_commas(refusal.told.amount) + " " + spoken(refusal.kind);
  if (refusal.kind != LimitKind::kConcurrency) limit += " per " + period_word(refusal.told.period);
  return {429, "rate_limit_error",
          "This request would exceed the rate limit for your organization (org-mock) of " + limit +
              ". You can see the response headers for current usage. Please reduce the prompt "
              "length or the maximum tokens requested, or try again later."};
}

Words anthropic_words(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return {404, "not_found_error", "Not Found"};
    case ProblemKind::kBodyTooLarge:
      return {413, "request_too_large", "Request exceeds the maximum size"};
    case ProblemKind::kBadKey:
      return {401, "authentication_error", "invalid x-api-key"};
    case ProblemKind::kNoQuota:
      return {400, "invalid_request_error",
              "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
              "Billing to upgrade or purchase credits."};
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return anthropic_refusal(problem);
    case ProblemKind::kServer:
      return {500, "api_error", "Internal server error"};
    case ProblemKind::kOverloaded:
      return {529, "overloaded_error", "Overloaded"};
    case ProblemKind::kBadRequest:
      break;
  }
  return {400, "invalid_request_error", problem.message};
}

// ---- Gemini

struct Quota {
  std::string metric;
  std::string id;
};

// The names that are known are of minutes and days; other periods have none.
Quota gemini_quota(const Refusal& refusal) {
  const Nanos period = refusal.told.period;
  const std::string per = period == minutes(1) ? "PerMinute" : period == hours(24) ? "PerDay" : "";
  const std::string host = "generativelanguage.googleapis.com/";
  if (is_of_tokens(refusal.kind)) {
    return {host + "generate_content_paid_tier_input_token_count",
            "GenerateContentPaidTierInputTokensPerModel" + per};
  }
  return {host + "generate_content_paid_tier_requests",
          "GenerateRequests" + per + "PerProjectPerModel-PaidTier"};
}

void add_typed(cJSON* details, const char* type, cJSON* detail) {
  const std::string full = std::string("type.googleapis.com/google.rpc.") + type;
  cJSON_AddStringToObject(detail, "@type", full.c_str());
  cJSON_AddItemToArray(details, detail);
}

void add_quota_failure(cJSON* details, const Problem& problem, const Quota& quota) {
  cJSON* failure = cJSON_CreateObject();
  add_typed(details, "QuotaFailure", failure);
  cJSON* violation = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(failure, "violations"), violation);
  cJSON_AddStringToObject(violation, "quotaMetric", quota.metric.c_str());
  cJSON_AddStringToObject(violation, "quotaId", quota.id.c_str());
  cJSON* dimensions = cJSON_AddObjectToObject(violation, "quotaDimensions");
  cJSON_AddStringToObject(dimensions, "location", "global");
  cJSON_AddStringToObject(dimensions, "model", problem.model.c_str());
  cJSON_AddStringToObject(violation, "quotaValue",
                          std::to_string(problem.refusal->told.amount).c_str());
}

// The words say the wait to the nanosecond, RetryInfo cuts it to whole seconds.
std::string gemini_refusal(const Problem& problem, cJSON* details) {
  std::string text =
      "You exceeded your current quota, please check your plan and billing details. ";
  cJSON* help = cJSON_CreateObject();
  add_typed(details, "Help", help);
  cJSON* link = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(help, "links"), link);
  cJSON_AddStringToObject(link, "description", "Learn more about Gemini API quotas");
  cJSON_AddStringToObject(link, "url", "https://ai.google.dev/gemini-api/docs/rate-limits");
  if (problem.refusal) {
    const Quota quota = gemini_quota(*problem.refusal);
    text += "\n* Quota exceeded for metric: " + quota.metric +
            ", limit: " + std::to_string(problem.refusal->told.amount) +
            ", model: " + problem.model;
    add_quota_failure(details, problem, quota);
  }
  if (problem.wait) {
    text += "\nPlease retry in " + format_seconds(*problem.wait, Nanos(1)) + "s.";
    cJSON* retry = cJSON_CreateObject();
    add_typed(details, "RetryInfo", retry);
    const std::string delay = std::to_string(*problem.wait / seconds(1)) + "s";
    cJSON_AddStringToObject(retry, "retryDelay", delay.c_str());
  }
  return text;
}

void add_bad_key(cJSON* details) {
  cJSON* info = cJSON_CreateObject();
  add_typed(details, "ErrorInfo", info);
  cJSON_AddStringToObject(info, "reason", "API_KEY_INVALID");
  cJSON_AddStringToObject(info, "domain", "googleapis.com");
  cJSON_AddStringToObject(cJSON_AddObjectToObject(info, "metadata"), "service",
                          "generativelanguage.googleapis.com");
}

Words gemini_words(const Problem& problem, cJSON* details) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return {404, "NOT_FOUND", problem.message};
    case ProblemKind::kBodyTooLarge:
      return {400, "INVALID_ARGUMENT", problem.message};
    case ProblemKind::kBadKey:
      add_bad_key(details);
      return {400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."};
    case ProblemKind::kNoQuota:
      return {429, "RESOURCE_EXHAUSTED",
              "Your prepayment credits are depleted. Please go to AI Studio at "
              "https://ai.studio/projects to manage your project and billing."};
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return {429, "RESOURCE_EXHAUSTED", gemini_refusal(problem, details)};
    case ProblemKind::kServer:
      return {500, "INTERNAL", "An internal error has occurred. Please retry."};
    case ProblemKind::kOverloaded:
      return {503, "UNAVAILABLE", "The model is overloaded. Please try again later."};
    case ProblemKind::kBadRequest:
      break;
  }
  return {400, "INVALID_ARGUMENT", problem.message};
}

}  // namespace

ErrorReply describe_anthropic(const Problem& problem) {
  const Words words = anthropic_words(problem);
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "type", "error");
  cJSON* error = cJSON_AddObjectToObject(root.get(), "error");
  cJSON_AddStringToObject(error, "type", words.type);
  cJSON_AddStringToObject(error, "message", words.message.c_str());
  if (!problem.request_id.empty()) {
    cJSON_AddStringToObject(root.get(), "request_id", problem.request_id.c_str());
  }
  return {words.status, print_json(root)};
}

ErrorReply describe_gemini(const Problem& problem) {
  const Json root(cJSON_CreateObject());
  cJSON* error = cJSON_AddObjectToObject(root.get(), "error");
  Json details(cJSON_CreateArray());
  const Words words = gemini_words(problem, details.get());
  add_int(error, "code", words.status);
  cJSON_AddStringToObject(error, "message", words.message.c_str());
  cJSON_AddStringToObject(error, "status", words.type);
  if (details->child != nullptr) cJSON_AddItemToObject(error, "details", details.release());
  return {words.status, print_json(root)};
}

ErrorReply describe_gemini_openai(const Problem& problem) {
  ErrorReply reply = describe_gemini(problem);
  reply.body = "[" + reply.body + "\n]\n";
  return reply;
}

ErrorReply describe_cohere(const Problem& problem) {
  int status = 400;
  std::string message = problem.message;
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      status = 404;
      break;
    case ProblemKind::kBodyTooLarge:
      status = 413;
      break;
    case ProblemKind::kBadKey:
      status = 401;
      message =
          "Incorrect API key provided: ***********. You can find your API key at "
          "https://dashboard.cohere.com/api-keys.";
      break;
    case ProblemKind::kNoQuota:
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits: {
      const bool is_month = problem.kind == ProblemKind::kNoQuota;
      const int64_t amount = problem.refusal ? problem.refusal->told.amount : is_month ? 1000 : 20;
      const std::string period = problem.refusal ? period_word(problem.refusal->told.period)
                                 : is_month      ? "month"
                                                 : "minute";
      status = 429;
      message = "You are using a Trial key, which is limited to " + std::to_string(amount) +
                " API calls / " + period +
                ". You can continue to use the Trial key for free or upgrade to a Production key "
                "with higher rate limits at 'https://dashboard.cohere.com/api-keys'.";
      break;
    }
    case ProblemKind::kServer:
      status = 500;
      message = "internal server error";
      break;
    case ProblemKind::kOverloaded:
      status = 503;
      message = "service unavailable";
      break;
    case ProblemKind::kBadRequest:
      break;
  }
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "id", problem.request_id.c_str());
  cJSON_AddStringToObject(root.get(), "message", message.c_str());
  return {status, print_json(root)};
}

ErrorReply describe_ollama(const Problem& problem) {
  int status = 400;
  std::string message = problem.message;
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      status = 404;
      break;
    case ProblemKind::kServer:
      status = 500;
      message = "llama runner process has terminated";
      break;
    case ProblemKind::kNoQuota:
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
    case ProblemKind::kOverloaded:
      status = 503;
      message = "server busy, please try again.  maximum pending requests exceeded";
      break;
    case ProblemKind::kBadKey:
      status = 401;
      message = "unauthorized";
      break;
    case ProblemKind::kBodyTooLarge:
    case ProblemKind::kBadRequest:
      break;
  }
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "error", message.c_str());
  return {status, print_json(root)};
}

}  // namespace llmq::mock
