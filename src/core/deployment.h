// One deployment inside the engine: its limits, its health, what runs there.
#ifndef LLMQ_CORE_DEPLOYMENT_H_
#define LLMQ_CORE_DEPLOYMENT_H_

#include <array>
#include <cstdint>
#include <vector>

#include "core/limit/found_limits.h"
#include "core/limit/limiter.h"
#include "core/model_spec.h"
#include "core/policy/adaptive_concurrency.h"
#include "core/policy/hedge.h"
#include "core/policy/peak_latency.h"
#include "core/policy/recent_latencies.h"
#include "core/policy/scout.h"

namespace llmq::core {

struct Model;

// Limits that are the deployment's, or each tenant's own.
inline std::vector<LimitSpec> limits_of(const std::vector<LimitSpec>& specs, bool per_tenant) {
  std::vector<LimitSpec> chosen;
  for (const LimitSpec& spec : specs) {
    if (spec.per_tenant == per_tenant) chosen.push_back(spec);
  }
  return chosen;
}

struct Deployment {
  Deployment(Model& its_model, DeploymentIndex own_index, const DeploymentSpec& own_spec,
             const std::vector<Limit*>& pooled)
      : model(its_model),
        index(own_index),
        spec(own_spec),
        limiter(limits_of(own_spec.limits, false), own_spec.max_in_flight, own_spec.prices,
                pooled) {}

  Model& model;
  DeploymentIndex index;
  DeploymentSpec spec;
  Limiter limiter;
  FoundLimits found;         // of the limiter's, what nobody configured
  Scout scout;               // while no limit is known that answers could show
  TimeNs gate{};             // nothing starts before: a Retry-After of the provider
  Suspension quota;          // of its account, used up
  Suspension key;            // refused
  int64_t key_refusals = 0;  // since a call went well
  CircuitBreaker breaker;
  RetryBudget retries;
  AdaptiveConcurrency load;
  RecentLatencies latencies;  // of attempts that went well
  PeakLatency first_output;   // time from the start of an attempt to the first of its answer
  // The same of calls that come whole, and of those that stream, where second calls may begin.
  std::array<FirstOutputs, 2> first_outputs;
  bool leaving = false;     // nothing starts here any more
  int64_t given = 0;        // calls for its weight, where weights differ
  uint64_t processing = 0;  // attempts that run here
  Demand in_flight{};       // their estimates
  // The limit that keeps the head of the line from starting here; -1: none, or not a limit.
  int refuses_head = -1;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_DEPLOYMENT_H_
