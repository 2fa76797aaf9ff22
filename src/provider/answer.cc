#include "provider/answer.h"

#include <algorithm>

#include "core/policy/retry.h"
#include "provider/errors.h"
#include "provider/headers.h"
#include "provider/refusal.h"
#include "provider/retry_after.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::Status;

constexpr size_t kMostMessageBytes = 500;
constexpr size_t kMostCodeBytes = 64;
constexpr size_t kMostRequestIdBytes = 256;

// What waiting does not cure, whatever x-should-retry says.
bool is_final(Status status) {
  return status == Status::kQuotaExhausted || status == Status::kOversize ||
         status == Status::kContextTooLong || status == Status::kContentFilter;
}

Status heed_should_retry(const WireResponse& response, Status status) {
  if (is_final(status)) return status;
  const std::string_view told = trimmed(header_of(response.headers, "x-should-retry"));
  if (equal_ignoring_case(told, "true") && !core::is_transient(status)) return Status::kServer;
  if (equal_ignoring_case(told, "false") && core::is_transient(status)) {
    return status == Status::kRateLimited ? Status::kQuotaExhausted : Status::kUnknown;
  }
  return status;
}

RateLimitHeaders limits_of(const Profile& profile, const std::vector<Header>& headers) {
  RateLimitHeaders limits(&profile);
  for (const auto& [name, value] : headers) limits.add(name, value);
  return limits;
}

RateLimitHeaders limits_of_metadata(const Profile& profile, const ErrorBody& error) {
  RateLimitHeaders limits(&profile);
  const cJSON* header = nullptr;
  cJSON_ArrayForEach(header, member(error.metadata, "headers")) {
    if (cJSON_IsString(header) != 0) limits.add(header->string, header->valuestring);
  }
  return limits;
}

// The reset may be the time to a full bucket, so it counts only where nothing else tells the wait.
Hint hint_of_reset(const Profile& profile, const WireResponse& response, const ErrorBody& error,
                   int64_t wall_unix_ms) {
  const auto in_headers = limits_of(profile, response.headers).reset_of_exhausted(wall_unix_ms);
  if (in_headers) return {HintSource::kResetHeader, *in_headers};
  const auto in_body = limits_of_metadata(profile, error).reset_of_exhausted(wall_unix_ms);
  return in_body ? Hint{HintSource::kBody, *in_body} : Hint{};
}

Hint find_hint(const Profile& profile, const WireResponse& response, const ErrorBody& error,
               int64_t wall_unix_ms) {
  const Hint hint = retry_hint(response.headers, error, wall_unix_ms);
  const bool success = response.http_status >= 200 && response.http_status <= 299;
  const int status = success ? error.number : response.http_status;
  if (hint.source != HintSource::kNone || status != 429) return hint;
  return hint_of_reset(profile, response, error, wall_unix_ms);
}

// What the words of an error tell of the limit that it met.
void read_refused_limit(const ErrorBody& error, Outcome& outcome) {
  core::Observed& observed = outcome.observed;
  core::Refusal refusal = refusal_of(error);
  if (refusal.limit == 0) refusal.limit = core::kNotTold;
  if (outcome.status == Status::kRateLimited) {
    observed.refused = true;
    observed.refusal = refusal;
    observed.refusal.retry_after = outcome.retry_after;
    return;
  }
  // Too large for a limit: not that the limit is used up, but how large it is.
  const bool tells = refusal.kind_told && refusal.limit != core::kNotTold;
  if (!tells || refusal.kind == core::LimitKind::kConcurrency) return;
  core::Observation* const seen = observed.of(refusal.kind, refusal.period);
  if (seen != nullptr && seen->limit == core::kNotTold) seen->limit = refusal.limit;
}

}  // namespace

std::string words_of(const ErrorBody& error) {
  std::string text = presentable(error.message, kMostMessageBytes);
  const std::string_view code = error.code.empty() ? error.type : error.code;
  if (!code.empty()) text += " (" + presentable(code, kMostCodeBytes) + ")";
  return text;
}

RateLimitHeaders read_limits(const Profile& profile, const std::vector<Header>& headers,
                             const ErrorBody& error) {
  RateLimitHeaders limits = limits_of(profile, headers);
  return limits.size() > 0 ? limits : limits_of_metadata(profile, error);
}

Outcome outcome_of_headers(const Profile& profile, const WireResponse& response,
                           int64_t wall_unix_ms) {
  Outcome outcome;
  for (const char* const name : {"x-request-id", "request-id", "x-amzn-requestid"}) {
    const std::string_view id = header_of(response.headers, name);
    if (outcome.provider_request_id.empty()) {
      outcome.provider_request_id = presentable(id, kMostRequestIdBytes);
    }
  }
  limits_of(profile, response.headers).finish(wall_unix_ms, outcome.observed);
  return outcome;
}

void read_failure(const Profile& profile, const WireResponse& response, const ErrorBody& error,
                  int64_t wall_unix_ms, Outcome& outcome) {
  outcome.failure = classify_error(response.http_status, error);
  outcome.status = heed_should_retry(response, outcome.failure);
  outcome.error_name = presentable(error.name(), kMostCodeBytes);
  if (core::is_transient(outcome.status)) {
    const Hint hint = find_hint(profile, response, error, wall_unix_ms);
    outcome.retry_after = hint.wait;
    outcome.hint_source = hint.source;
  } else if (outcome.status == Status::kQuotaExhausted) {
    outcome.retry_after = quota_wait(response.headers, error, wall_unix_ms);
  }
  if (outcome.observed.count == 0) {
    limits_of_metadata(profile, error).finish(wall_unix_ms, outcome.observed);
  }
  if (outcome.status == Status::kRateLimited || outcome.status == Status::kOversize) {
    read_refused_limit(error, outcome);
  }
}

void put_usage(const UsageCounts& counts, bool embeddings, Outcome& outcome) {
  if (!is_complete(counts, embeddings)) return;
  outcome.usage_known = true;
  outcome.usage = total_usage(counts);
  if (embeddings) outcome.usage.output_tokens = outcome.usage.reasoning_tokens = 0;
}

void refuse_blocked_prompt(const cJSON* answer, Outcome& outcome) {
  const std::string_view reason = text_member(member(answer, "promptFeedback"), "blockReason");
  if (reason.empty() || member(answer, "candidates") != nullptr) return;
  outcome.status = outcome.failure = Status::kContentFilter;
  outcome.message = "the provider refused the prompt (" + presentable(reason, kMostCodeBytes) + ")";
}

}  // namespace llmq::provider
