// How long a request will wait, and for what.
#ifndef LLMQ_CORE_POLICY_WAIT_ESTIMATE_H_
#define LLMQ_CORE_POLICY_WAIT_ESTIMATE_H_

#include <cstdint>

#include "core/limit/limiter.h"
#include "core/queue/fair_queue.h"
#include "core/queue/waiting.h"
#include "core/time.h"

namespace llmq::core {

class ClassLine;

struct WaitEstimate {
  enum class Reason : uint8_t {
    kNone,     // nothing holds it
    kModel,    // limit `limit` of deployment `deployment` of the model
    kPool,     // the same, and a pool owns it
    kTenant,   // limit `limit` of those that the tenant has of its own
    kGate,     // a Retry-After of the provider
    kQuota,    // the account's quota is used up
    kBreaker,  // its circuit breaker is open
    kRetry,    // its own next attempt is put off
  };
  uint64_t place = 0;  // 1 = the first in line; 0 = it does not wait
  DurationNs p50{};
  DurationNs p90{};
  Reason reason = Reason::kNone;
  int limit = -1;
  DeploymentIndex deployment = 0;
};

// What starts before the request as things stand: in its own flow what stands before it, of others
// what has an earlier start tag or an earlier class key.
Waiting waiting_before(ClassLine& line, const TenantFlows& tenant, const Request& request,
                       const Limiter& limiter);

// When a limit has brought enough for all of `cost`, if it is used as fast as it allows.
DurationNs time_until(TimeNs now, Limit& limit, int64_t cost);

// No sequence of starts that the limit allows reaches `cost` in less, however it counts.
DurationNs least_time_until(TimeNs now, Limit& limit, int64_t cost);

// What so many requests cost together.
int64_t cost_of(const Limit& limit, const Waiting& waiting);

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_WAIT_ESTIMATE_H_
