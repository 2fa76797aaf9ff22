// One model inside the engine: its deployments, its line, what runs, what it counted.
#ifndef LLMQ_CORE_MODEL_H_
#define LLMQ_CORE_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/deployment.h"
#include "core/event.h"
#include "core/late_charges.h"
#include "core/limit/limiter.h"
#include "core/model_spec.h"
#include "core/output_histories.h"
#include "core/policy/wait_ratios.h"
#include "core/queue/class_line.h"
#include "core/queue/link.h"
#include "core/queue/timer_wheel.h"
#include "core/tenants.h"

namespace llmq::core {

// Why the first in line waits.
enum class Block : uint8_t {
  kNone,      // nobody waits, or only tenants that their own limits hold back
  kNotReady,  // the model has nobody to run it
  kGate,      // a Retry-After of the provider
  kQuota,     // the account's quota is used up
  kKey,       // the key was refused
  kBreaker,   // it does not work: the circuit breaker is open, or a few find out
  kLimit,     // a limit has no room
  kBudget,    // it is a retry, and the budget of retries has no room
  kScout,     // nothing is known of the provider's limits: answers will show them
  kOther,     // it would put off the promised start of another model's front in a pool
};

struct Model {
  Model(ModelIndex own_index, const ModelSpec& own_spec)
      : index(own_index),
        settings(own_spec),
        tenant_limits(limits_of(own_spec.limits, true)),
        tenant_prices(own_spec.prices),
        late(own_spec.late_charges_max) {}

  Demand demand_of(const Request& request) const {
    return {request.est_input_tokens, request.est_output_tokens, outputs.of(request)};
  }

  // The place of a tenant's own limit among tenant_limits. Limits that have joined since the tenant
  // came stand elsewhere in its limiter.
  int tenant_limit(const LimitSpec& own) const {
    for (size_t i = 0; i < tenant_limits.size(); ++i) {
      if (is_same_limit(tenant_limits[i], own)) return static_cast<int>(i);
    }
    return -1;
  }

  // The one that runs the attempt of `request`.
  Deployment& deployment_of(const Request& request) const {
    return *deployments[request.reservation->deployment];
  }
  Deployment& first() const { return *deployments.front(); }

  // A model is found from its timer.
  static Model* of_timer(Timer* timer) { return reinterpret_cast<Model*>(timer); }

  Timer wake{TimerOwner::kModel};  // when the front of the line may start. First member.
  ModelIndex index;
  ModelSettings settings;
  // By their index; nullptr where one is gone. The first one comes with the model.
  std::vector<std::unique_ptr<Deployment>> deployments;
  bool weighs = false;                                // their weights differ
  bool ordered = false;                               // their orders do
  int64_t least_given = 0;                            // of those that are in use
  bool shares_pools = false;                          // one of them does
  std::vector<LimitSpec> tenant_limits;               // each tenant has its own of these
  std::array<uint32_t, kMaxLimitsPerModel> parked{};  // tenants that wait for their own, by limit
  Prices tenant_prices;                               // of those
  ClassLine queue;                                    // may start as soon as the limits allow
  LinkList delayed;                                   // wait for their retry
  LinkList over_budget;         // would be tried again, but retries are bounded
  int64_t retries_in_line = 0;  // in `queue`, and paid for by the budget
  bool holds_retries = false;   // the engine knows of them
  LinkList running;
  // Why the first in line waits: until blocked_until, for the limit blocked_by of deployment
  // blocked_at if it is a limit, which starts it first; blocked_until is 0 if it does not wait for
  // time, kNever if only the end of an attempt makes room.
  Block block = Block::kNone;
  TimeNs blocked_until{};
  int blocked_by = -1;
  Deployment* blocked_at = nullptr;
  bool check_size = false;  // limits have changed: who waits may have become too large
  // The first in line that did not fit. Others may pass it only if it still starts at head_at; with
  // a time given it stays the first, whoever comes. nullptr: nobody is blocked by a limit.
  Request* head = nullptr;
  TimeNs head_at = kNever;
  // Somebody behind it was not looked at, or waits for room that runs hold. Else nothing but time
  // and room that is given back can help those behind.
  bool look_again = true;
  bool guards_pool = false;  // the promise binds the other models of its pools too
  TimeNs wake_at = kNever;   // what `wake` is armed for
  bool settled = false;      // in this pass over a pool nothing more can start here
  bool removing = false;
  StopMode stop_mode = StopMode::kDrain;  // of its removal
  uint64_t records = 0;                   // requests not handed back yet
  LateCharges late;
  Accounts accounts;
  Counters counters;
  WaitRatios wait_ratios;
  OutputHistories outputs;
  HedgeBudget hedge_budget;
  DurationNs mean_run{};  // of an attempt; moving average
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_MODEL_H_
