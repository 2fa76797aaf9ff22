// A model and its deployments as the engine needs them.
#ifndef LLMQ_CORE_MODEL_SPEC_H_
#define LLMQ_CORE_MODEL_SPEC_H_

#include <cstdint>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/policy/circuit_breaker.h"
#include "core/policy/fallback.h"
#include "core/policy/hedge.h"
#include "core/policy/retry.h"
#include "core/policy/suspension.h"

namespace llmq::core {

using ModelIndex = uint32_t;
using DeploymentIndex = uint32_t;  // among those of its model; never used again
using PoolIndex = uint32_t;

// One place where a model can be called: an endpoint and a key, with limits of their own.
struct DeploymentSpec {
  std::vector<LimitSpec> limits;
  std::vector<PoolIndex> pools;  // whose limits it shares with other deployments
  Prices prices;
  int64_t max_in_flight = 256;
  bool adaptive_concurrency = true;  // fewer attempts at a time where the provider is overloaded
  QuotaSpec quota;
  BreakerSpec breaker;
  int64_t weight = 1;  // its part where several could start a call, against the others' weights
  int64_t order = 0;   // those of a lower order are asked first
  bool sends_at_start = true;  // false: the call leaves later, AttemptSent tells when
  bool finds_limits = false;   // answers may show limits that are not among these
  bool limits_unseen = false;  // no answer shows them but a refusal
  LimitSpec found_like;        // their shape, charge and jitter (may be kJitterOfPeriod)
};

// What holds for a model wherever it is called.
struct ModelSettings {
  RetrySpec retry;
  FallbackSpec fallback;
  HedgeSpec hedge;
  bool fails_in_outage = false;  // who waits ends when no deployment works; else it waits on
  bool ready = true;             // false: hold everything until ModelReady
  bool durable = false;          // a store must know of each step before it is made
  uint32_t late_charges_max = 1000;
};

// A model with its first deployment, the only one that most models have. Limits per tenant are the
// model's, the others the deployment's.
struct ModelSpec : DeploymentSpec, ModelSettings {};

}  // namespace llmq::core

#endif  // LLMQ_CORE_MODEL_SPEC_H_
