// An account's quota is used up: the models that draw on it wait, or fail, until it may be back.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {
namespace {

// Ids of attempts have no room for more.
constexpr uint8_t kMostAttempts = 60;

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

// The model, and those that share a pool with it.
void Engine::gather_group(Model& model) {
  group_.clear();
  group_.push_back(&model);
  for (const PoolIndex pool : model.spec.pools) {
    for (const ModelIndex index : pools_[pool]->members) {
      Model* const member = models_[index].get();
      if (std::find(group_.begin(), group_.end(), member) == group_.end()) group_.push_back(member);
    }
  }
}

// True if who may start has changed.
bool Engine::note_quota(const Step& step, Model& model, const Request& request,
                        const AttemptFinished& event) {
  const bool is_back = event.status == Status::kOk && model.quota.is_probe(request);
  if (!is_back && event.status != Status::kQuotaExhausted) return false;
  gather_group(model);
  for (Model* member : group_) {
    if (is_back) {
      member->quota.clear();
      continue;
    }
    const DurationNs told = told_wait(event);
    const DurationNs wait = told.ns > 0 ? told : member->spec.quota.recheck;
    member->quota.exhaust(std::max(step.now + wait, member->quota.until()));
  }
  return true;
}

// Of the models that draw on the account, those that do not block: what waits ends.
void Engine::fail_for_quota(const Step& step, Model& model) {
  gather_group(model);
  for (Model* member : group_) {
    if (!member->spec.quota.blocks) fail_waiting(step, *member, Status::kQuotaExhausted);
  }
}

// What waits for its turn, or for its retry, ends.
void Engine::fail_waiting(const Step& step, Model& model, Status status) {
  for (Account& account : model.accounts.all()) {
    if (account.flows.parked) unpark(model, account);
  }
  while (Request* request = model.queue.front()) {
    finish(step, model, *request, State::kFailed, status);
  }
  while (Link* link = model.delayed.front()) {
    finish(step, model, *Request::of_link(link), State::kFailed, status);
  }
}

// An attempt that met the end of the quota is none of those that the request may have.
bool Engine::waits_for_quota(const Model& model, Request& request, Status status) const {
  if (status != Status::kQuotaExhausted || !model.spec.quota.blocks) return false;
  if (request.attempts >= kMostAttempts) return false;
  if (request.max_attempts < kMostAttempts) ++request.max_attempts;
  return true;
}

}  // namespace llmq::core
