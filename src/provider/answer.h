// Steps that whole answers and streams share.
#ifndef LLMQ_PROVIDER_ANSWER_H_
#define LLMQ_PROVIDER_ANSWER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "provider/error_body.h"
#include "provider/provider.h"
#include "provider/rate_limit_headers.h"
#include "provider/usage.h"

namespace llmq::provider {

// The limits that the headers show; where they show none, those that an error tells in their place
// (OpenRouter's metadata.headers, for proxies strip the true ones).
RateLimitHeaders read_limits(const Profile& profile, const std::vector<Header>& headers,
                             const ErrorBody& error);

// What the headers tell of any answer: the request's id at the provider, and limits.
Outcome outcome_of_headers(const Profile& profile, const WireResponse& response,
                           int64_t wall_unix_ms);

// Makes the outcome a failure that `error` describes: its kind, whether it may be tried again and
// when, which limit it met.
void read_failure(const Profile& profile, const WireResponse& response, const ErrorBody& error,
                  int64_t wall_unix_ms, Outcome& outcome);

// "The provider's words (code)".
std::string words_of(const ErrorBody& error);

void put_usage(const UsageCounts& counts, bool embeddings, Outcome& outcome);

// Gemini refuses a prompt with HTTP 200 and an answer without candidates: a failure.
void refuse_blocked_prompt(const cJSON* answer, Outcome& outcome);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_ANSWER_H_
