#include "provider/errors.h"

#include <cstddef>

#include "core/policy/retry.h"
#include "provider/limit_words.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::Status;

struct Mark {
  std::string_view text;
  Status status;
};

// Names that mean the same with any HTTP status, for they stand for what waiting cures or never
// does.
constexpr Mark kNames[] = {
    {"insufficient_quota", Status::kQuotaExhausted},
    {"billing_hard_limit_reached", Status::kQuotaExhausted},
    {"billing_not_active", Status::kQuotaExhausted},
    {"billing_error", Status::kQuotaExhausted},
    {"credit_balance_exhausted", Status::kQuotaExhausted},
    {"organization_spend_limit_exceeded", Status::kQuotaExhausted},
    {"project_spend_limit_exceeded", Status::kQuotaExhausted},
    {"organization_usage_limit_exceeded", Status::kQuotaExhausted},
    {"enforced_spend_limit_reached", Status::kQuotaExhausted},
    {"weight_exceeds_budget", Status::kQuotaExhausted},
    {"openrouter_credits", Status::kQuotaExhausted},
    {"openrouter_key_limit", Status::kQuotaExhausted},
    {"openrouter_free_tier_daily", Status::kQuotaExhausted},
    {"context_length_exceeded", Status::kContextTooLong},
    {"exceed_context_size_error", Status::kContextTooLong},
    {"TOO_MANY_TOKENS", Status::kContextTooLong},
    {"content_filter", Status::kContentFilter},
    {"content_policy_violation", Status::kContentFilter},
    {"ResponsibleAIPolicyViolation", Status::kContentFilter},
    {"API_KEY_INVALID", Status::kAuth},
    {"invalid_api_key", Status::kAuth},
    {"slow_down", Status::kOverloaded},
    {"rate_reduction_required", Status::kOverloaded},
    {"server_is_overloaded", Status::kOverloaded},
    {"overloaded_error", Status::kOverloaded},
    {"service_unavailable_error", Status::kOverloaded},
    {"unavailable_error", Status::kOverloaded},
    {"UNAVAILABLE", Status::kOverloaded},
    {"capacity_exceeded", Status::kOverloaded},
    {"queue_exceeded", Status::kOverloaded},
    {"upstream_provider_shared_pool", Status::kOverloaded},
    {"openrouter_shared_capacity", Status::kOverloaded},
    {"ServiceUnavailableException", Status::kOverloaded},
    {"ModelNotReadyException", Status::kOverloaded},
    {"ThrottlingException", Status::kRateLimited},
    {"ServiceQuotaExceededException", Status::kRateLimited},
    {"rate_limit_exceeded", Status::kRateLimited},
    {"rate_limit_error", Status::kRateLimited},
    {"RESOURCE_EXHAUSTED", Status::kRateLimited},
    {"RateLimitReached", Status::kRateLimited},
    {"rate_limited", Status::kRateLimited},
};

// Names that only count where the HTTP status says little: 200 and 400.
constexpr Mark kWeakNames[] = {
    {"server_error", Status::kServer},
    {"internal_server_error", Status::kServer},
    {"InternalServerError", Status::kServer},
    {"api_error", Status::kServer},
    {"conflict_error", Status::kServer},
    {"INTERNAL", Status::kServer},
    {"internalServerException", Status::kServer},
    {"modelStreamErrorException", Status::kServer},
    {"timeout_error", Status::kTimeout},
    {"ModelTimeoutException", Status::kTimeout},
    {"DEADLINE_EXCEEDED", Status::kTimeout},
    {"authentication_error", Status::kAuth},
    {"permission_error", Status::kAuth},
    {"AccessDeniedException", Status::kAuth},
    {"UnrecognizedClientException", Status::kAuth},
    {"ExpiredTokenException", Status::kAuth},
    {"UNAUTHENTICATED", Status::kAuth},
    {"PERMISSION_DENIED", Status::kAuth},
    {"invalid_request_error", Status::kBadRequest},
    {"invalid_request", Status::kBadRequest},
    {"invalid_prompt", Status::kBadRequest},
    {"BadRequestError", Status::kBadRequest},
    {"not_found_error", Status::kBadRequest},
    {"NotFoundError", Status::kBadRequest},
    {"model_not_found", Status::kBadRequest},
    {"request_too_large", Status::kBadRequest},
    {"ValidationException", Status::kBadRequest},
    {"ResourceNotFoundException", Status::kBadRequest},
    {"ModelErrorException", Status::kBadRequest},
    {"INVALID_ARGUMENT", Status::kBadRequest},
    {"NOT_FOUND", Status::kBadRequest},
    {"FAILED_PRECONDITION", Status::kBadRequest},
};

// Names in a 403 that say that not the key is at fault: the same key may call other models.
constexpr Mark kNamesOf403[] = {
    {"model_not_found", Status::kBadRequest},
    {"not_found_error", Status::kBadRequest},
};

// Words that tell what codes and HTTP statuses leave open, whatever these say.
constexpr Mark kPermanentWords[] = {
    {"prepayment credits are depleted", Status::kQuotaExhausted},
    {"credit balance is too low", Status::kQuotaExhausted},
    {"API usage limits", Status::kQuotaExhausted},
    {"free-models-per-day", Status::kQuotaExhausted},
    {"limit_rpd", Status::kQuotaExhausted},
    {"calls / month", Status::kQuotaExhausted},
    {"Free usage quota exceeded", Status::kQuotaExhausted},
    {"(actual/limit): 0/0", Status::kQuotaExhausted},
    {"tokens per day, please wait", Status::kQuotaExhausted},
    {"Insufficient Balance", Status::kQuotaExhausted},
    {"insufficient_quota", Status::kQuotaExhausted},
    {"Budget limit exceeded", Status::kQuotaExhausted},
    {"API key not valid", Status::kAuth},
    {"Incorrect API key", Status::kAuth},
    {"Invalid API key", Status::kAuth},
    {"invalid x-api-key", Status::kAuth},
};

// Words in a refusal of what was sent.
constexpr Mark kRequestWords[] = {
    {"maximum context length", Status::kContextTooLong},
    {"context window", Status::kContextTooLong},
    {"context length", Status::kContextTooLong},
    {"prompt is too long", Status::kContextTooLong},
    {"exceeds the available context size", Status::kContextTooLong},
    {"exceeds the maximum number of tokens", Status::kContextTooLong},
    {"Input Tokens Exceeded", Status::kContextTooLong},
    {"Input is too long", Status::kContextTooLong},
    {"too many tokens: size limit exceeded", Status::kContextTooLong},
    {"max_new_tokens must be", Status::kContextTooLong},
    {"max_new_tokens` must be", Status::kContextTooLong},
    {"content management policy", Status::kContentFilter},
    {"flagged by moderation", Status::kContentFilter},
    {"requires moderation", Status::kContentFilter},
    {"guardrail", Status::kContentFilter},
    {"quota is exceeded", Status::kQuotaExhausted},
    {"out of call volume quota", Status::kQuotaExhausted},
};

// Words in a 429 that say that not the caller's own limit was met.
constexpr Mark kCapacityWords[] = {
    {"experiencing high demand", Status::kOverloaded},
    {"temporarily unable to process", Status::kOverloaded},
    {"tier capacity exceeded", Status::kOverloaded},
    {"currently overloaded", Status::kOverloaded},
};

template <size_t N>
Status named(const ErrorBody& error, const Mark (&marks)[N]) {
  for (const std::string_view name :
       {error.cause, error.source, error.code, error.exception, error.type}) {
    if (name.empty()) continue;
    for (const Mark& mark : marks) {
      if (equal_ignoring_case(name, mark.text)) return mark.status;
    }
  }
  return Status::kOk;
}

template <size_t N>
Status worded(std::string_view message, const Mark (&marks)[N]) {
  for (const Mark& mark : marks) {
    if (contains_ignoring_case(message, mark.text)) return mark.status;
  }
  return Status::kOk;
}

// Google names the quotas that were met; one of a day makes its retryDelay meaningless.
bool meets_daily_quota(const ErrorBody& error) {
  const cJSON* detail = nullptr;
  cJSON_ArrayForEach(detail, error.details) {
    const cJSON* violation = nullptr;
    cJSON_ArrayForEach(violation, member(detail, "violations")) {
      if (contains_ignoring_case(text_member(violation, "quotaId"), "PerDay")) return true;
    }
  }
  return false;
}

// No wait cures it: the request alone is larger than the limit. Some only tell it by the numbers,
// and name a wait all the same.
bool is_too_large(std::string_view message) {
  if (contains_ignoring_case(message, "Request too large")) return true;
  const LimitWords words = read_limit_words(message);
  return words.limit && words.requested && *words.limit > 0 && *words.requested > *words.limit;
}

Status status_of_http(int http_status) {
  switch (http_status) {
    case 400:
    case 404:
    case 405:
    case 413:
    case 422:
    case 424:
      return Status::kBadRequest;
    case 401:
    case 403:
    case 407:
      return Status::kAuth;
    case 402:
    case 412:
      return Status::kQuotaExhausted;
    case 408:
      return Status::kTimeout;
    case 409:
      return Status::kServer;
    case 429:
      return Status::kRateLimited;
    case 498:
    case 503:
    case 529:
      return Status::kOverloaded;
    default:
      return http_status >= 500 && http_status <= 599 ? Status::kServer : Status::kUnknown;
  }
}

bool says_little(int http_status) { return http_status == 200 || http_status == 400; }

// What the request itself is at fault for: only where the provider refuses it as such.
Status fault_of_request(int http_status, const ErrorBody& error) {
  if (http_status == 429 || http_status >= 500) return Status::kOk;
  return worded(error.message, kRequestWords);
}

Status classify_by_marks(int http_status, const ErrorBody& error) {
  if (is_concurrency_limit(error)) return Status::kRateLimited;
  const Status words = worded(error.message, kPermanentWords);
  if (words == Status::kQuotaExhausted || meets_daily_quota(error)) return Status::kQuotaExhausted;
  const Status name = named(error, kNames);
  if (name != Status::kOk && !core::is_transient(name)) return name;
  if (http_status == 402 || http_status == 412) return Status::kQuotaExhausted;
  if (is_too_large(error.message)) return Status::kOversize;
  if (const Status fault = fault_of_request(http_status, error); fault != Status::kOk) return fault;
  if (http_status == 413) return Status::kBadRequest;
  if (const Status words_429 = worded(error.message, kCapacityWords);
      http_status == 429 && words_429 != Status::kOk) {
    return words_429;
  }
  if (name != Status::kOk) return name;
  return says_little(http_status) ? words : Status::kOk;
}

}  // namespace

bool is_concurrency_limit(const ErrorBody& error) {
  return error.source == "openrouter_in_flight_budget" ||
         error.cause == "in_flight_budget_exhausted";
}

Status classify_error(int http_status, const ErrorBody& error) {
  const bool inside_success = http_status >= 200 && http_status <= 299;
  if (inside_success) http_status = error.number >= 400 ? error.number : 200;
  if (const Status marked = classify_by_marks(http_status, error); marked != Status::kOk) {
    return marked;
  }
  if (says_little(http_status)) {
    if (const Status weak = named(error, kWeakNames); weak != Status::kOk) return weak;
  }
  if (http_status == 403) {
    if (const Status of_model = named(error, kNamesOf403); of_model != Status::kOk) return of_model;
  }
  // Something went wrong after it began well.
  return http_status == 200 ? Status::kServer : status_of_http(http_status);
}

}  // namespace llmq::provider
