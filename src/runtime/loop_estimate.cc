// When a waiting request may start, and what it waits for (llmq_request_wait_estimate).
#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"

namespace llmq::runtime {

core::Status Loop::wait_estimate(uint64_t id, WaitEstimate* estimate) {
  const Job* job = home->jobs.at(slot_of(id));
  if (job == nullptr || job->id.load(std::memory_order_acquire) != id || !job->in_engine) {
    return core::Status::kStale;
  }
  const core::Request& request = job->request;
  if (core::is_final(request.state)) return core::Status::kStale;  // its end is about to be told
  const core::WaitEstimate known = engine_.wait_estimate(mono_now(), request);
  estimate->position = known.place;
  estimate->p50 = known.p50;
  estimate->p90 = known.p90;
  const ModelEntry& entry = entry_of(*job);
  core::Model& model = *engine_.model(request.model);
  using Reason = core::WaitEstimate::Reason;
  switch (known.reason) {
    case Reason::kNone:
      estimate->blocked_by = "";
      break;
    case Reason::kModel:
    case Reason::kPool:
      estimate->blocked_by = full_limit_name(
          *entry.called[known.deployment], engine_,
          model.deployments[known.deployment]->limiter.limits()[static_cast<size_t>(known.limit)]);
      break;
    case Reason::kTenant:
      estimate->blocked_by =
          core::limit_name(model.tenant_limits[static_cast<size_t>(known.limit)]) + " of tenant " +
          tenants_.name(request.tenant);
      break;
    case Reason::kGate:
      estimate->blocked_by = "the provider's Retry-After";
      break;
    case Reason::kQuota:
      estimate->blocked_by = "the account's quota, used up";
      break;
    case Reason::kBreaker:
      estimate->blocked_by = "the circuit breaker: the provider does not work";
      break;
    case Reason::kRetry:
      estimate->blocked_by = "its own retry";
      break;
  }
  return core::Status::kOk;
}

}  // namespace llmq::runtime
