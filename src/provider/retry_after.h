// When a provider says that it may be asked again.
#ifndef LLMQ_PROVIDER_RETRY_AFTER_H_
#define LLMQ_PROVIDER_RETRY_AFTER_H_

#include <cstdint>
#include <vector>

#include "core/time.h"
#include "provider/error_body.h"
#include "provider/provider.h"

namespace llmq::provider {

// A wait, and what told it; kNone: nothing usable is said.
struct Hint {
  HintSource source = HintSource::kNone;
  core::DurationNs wait{};
};

// The first that gives a value: retry-after-ms above 0; Retry-After (seconds, a duration such as
// 2m59.5s, an HTTP date or a unix time to come); x-amz-retry-after; Google's RetryInfo or the words
// beside it, whichever is longer; words such as "try again in 23.03s"; a member retry_after. Of
// several values of one header the longest. What is negative, past, no number or beyond 32 days is
// no value.
Hint retry_hint(const std::vector<Header>& headers, const ErrorBody& error, int64_t wall_unix_ms);

// When a quota that is used up is back, as its refusal tells; 0: it does not.
core::DurationNs quota_wait(const std::vector<Header>& headers, const ErrorBody& error,
                            int64_t wall_unix_ms);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_RETRY_AFTER_H_
