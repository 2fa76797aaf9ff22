// An account's quota is used up: the models that draw on it wait, or fail, until it may be back.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {
namespace {

// When the quota is back, as the answer tells it; 0: it does not.
DurationNs told_wait(const AttemptFinished& event) {
  DurationNs wait = event.retry_after;
  if (wait.ns > 0 || event.observed == nullptr) return wait;
  for (size_t i = 0; i < event.observed->count; ++i) {
    const Observation& seen = event.observed->limits[i];
    if (seen.remaining == 0) wait = std::max(wait, seen.reset);
  }
  return wait;
}

}  // namespace

// The deployments of that account: it, and those that share a pool with it.
void Engine::gather_account(Deployment& deployment) {
  account_.clear();
  account_.push_back(&deployment);
  for (const PoolIndex pool : deployment.spec.pools) {
    if (!pools_[pool]->one_account) continue;
    for (Deployment* const member : pools_[pool]->members) {
      if (std::find(account_.begin(), account_.end(), member) == account_.end()) {
        account_.push_back(member);
      }
    }
  }
}

// True if who may start has changed.
bool Engine::note_quota(const Step& step, Deployment& deployment, const Request& request,
                        const AttemptFinished& event) {
  const bool is_back = event.status == Status::kOk && deployment.quota.is_probe(request);
  if (!is_back && event.status != Status::kQuotaExhausted) return false;
  gather_account(deployment);
  for (Deployment* member : account_) {
    if (is_back) {
      member->quota.clear();
      continue;
    }
    const DurationNs told = told_wait(event);
    const DurationNs wait = told.ns > 0 ? told : member->spec.quota.recheck;
    member->quota.suspend(std::max(step.now + wait, member->quota.until()));
  }
  return true;
}

// Of the models that draw on the account, and on no other, those that do not block: what waits
// ends.
void Engine::fail_for_quota(const Step& step, Deployment& deployment) {
  gather_account(deployment);
  for (size_t i = 0; i < account_.size(); ++i) {
    end_if_out_of_service(step, account_[i]->model);
  }
}

// Until the first account may have quota again.
DurationNs Engine::quota_wait(const Step& step, const Model& model) {
  TimeNs until = kNever;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment != nullptr) until = std::min(until, deployment->quota.until());
  }
  return {std::max<int64_t>((until - step.now).ns, 0)};
}

}  // namespace llmq::core
