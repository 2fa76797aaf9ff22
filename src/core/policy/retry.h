// Whether and when a failed attempt is tried again.
//
// Transient failures (rate limit, overload, server, transport, time-out) are; the delay is
// decorrelated jitter, sleep = min(cap, uniform(base, 3 * previous)) (Brooker, "Exponential Backoff
// And Jitter"), or the provider's Retry-After if that is longer, plus up to a fifth of it (at most
// 30 s) so that callers do not return together.
#ifndef LLMQ_CORE_POLICY_RETRY_H_
#define LLMQ_CORE_POLICY_RETRY_H_

#include <cstdint>
#include <optional>

#include "core/policy/retry_budget.h"
#include "core/random.h"
#include "core/status.h"
#include "core/time.h"

namespace llmq::core {

// Which failures are tried again, as a set of retry_class().
inline constexpr uint8_t kRetryAll = 0xff;

struct RetrySpec {
  uint8_t max_attempts = 8;
  DurationNs base = milliseconds(500);
  DurationNs cap = seconds(30);
  uint8_t on = kRetryAll;
  RetryBudgetSpec budget;
};

bool is_transient(Status status);
// The bit of a transient status in RetrySpec::on; 0 for others.
uint8_t retry_class(Status status);

// The delay before attempt number attempts + 1, or nothing if there must be none. `backoff_ms`
// carries the previous delay from call to call.
std::optional<DurationNs> retry_delay(const RetrySpec& spec, Status status, int attempts,
                                      int max_attempts, DurationNs retry_after,
                                      uint32_t& backoff_ms, Random& random);

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_RETRY_H_
