#include "provider/answer.h"

#include <algorithm>

#include "core/policy/retry.h"
#include "provider/errors.h"
#include "provider/headers.h"
#include "provider/rate_limit_headers.h"
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

// The longest reset of what is used up. It may be the time to a full bucket, so it counts only
// where nothing else tells the wait.
Hint hint_of_exhausted(const core::Observed& observed) {
  Hint hint;
  for (size_t i = 0; i < observed.count; ++i) {
    const core::Observation& seen = observed.limits[i];
    if (seen.remaining != 0 || seen.reset.ns < hint.wait.ns) continue;
    hint = {HintSource::kResetHeader, seen.reset};
  }
  return hint;
}

Hint find_hint(const WireResponse& response, const ErrorBody& error, int64_t wall_unix_ms,
               const core::Observed& observed) {
  const bool failed = response.http_status >= 300;
  Hint hint = failed ? retry_hint(response.headers, error, wall_unix_ms) : retry_hint(error);
  if (hint.source == HintSource::kNone && response.http_status == 429) {
    hint = hint_of_exhausted(observed);
  }
  return hint;
}

// What the words of an error tell of the limit that it met.
void read_refused_limit(const ErrorBody& error, Outcome& outcome) {
  core::Observed& observed = outcome.observed;
  const core::Refusal refusal = read_refusal(error.message, error.type);
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

Outcome outcome_of_headers(const WireResponse& response, int64_t wall_unix_ms) {
  Outcome outcome;
  for (const char* const name : {"x-request-id", "request-id", "x-amzn-requestid"}) {
    const std::string_view id = header_of(response.headers, name);
    if (outcome.provider_request_id.empty()) {
      outcome.provider_request_id = presentable(id, kMostRequestIdBytes);
    }
  }
  RateLimitHeaders headers;
  for (const auto& [name, value] : response.headers) headers.add(name, value);
  headers.finish(wall_unix_ms, outcome.observed);
  return outcome;
}

void read_failure(const WireResponse& response, const ErrorBody& error, int64_t wall_unix_ms,
                  Outcome& outcome) {
  outcome.failure = classify_error(response.http_status, error);
  outcome.status = heed_should_retry(response, outcome.failure);
  outcome.error_name = presentable(error.name(), kMostCodeBytes);
  if (core::is_transient(outcome.status)) {
    const Hint hint = find_hint(response, error, wall_unix_ms, outcome.observed);
    outcome.retry_after = hint.wait;
    outcome.hint_source = hint.source;
  }
  if (outcome.status == Status::kRateLimited || outcome.status == Status::kOversize) {
    read_refused_limit(error, outcome);
  }
}

void put_usage(const UsageCounts& counts, bool embeddings, Outcome& outcome) {
  if (!is_complete(counts, embeddings)) return;
  outcome.usage_known = true;
  outcome.usage = total_usage(counts);
  if (embeddings) outcome.usage.output_tokens = 0;
  outcome.reasoning_tokens = counts.reasoning;
}

}  // namespace llmq::provider
