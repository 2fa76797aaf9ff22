// What a provider said when an account's quota was used up, for those whose calls it spares.
#include <algorithm>

#include "runtime/clock.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// They draw on one account then.
bool shares_a_pool(const DeploymentEntry& a, const DeploymentEntry& b) {
  return std::any_of(a.pools.begin(), a.pools.end(), [&b](const PoolEntry* pool) {
    return !pool->name.empty() && std::find(b.pools.begin(), b.pools.end(), pool) != b.pools.end();
  });
}

}  // namespace

void Loop::hear_of_quota(const Job& job, const Outcome& outcome) {
  if (outcome.status != core::Status::kQuotaExhausted) return;
  const DeploymentEntry& own = deployment_of(job);
  for (const ModelEntry* entry : entries_) {
    if (entry == nullptr) continue;
    for (DeploymentEntry* one : entry->called) {
      if (one == &own || shares_a_pool(own, *one)) one->quota_told = outcome.message;
    }
  }
  log->warn("{}: the account's quota is used up: {} [{}]", own.config.title(),
            one_line(outcome.message), core::status_name(outcome.status));
}

// Of a request that ended without a call: the account that may be back first.
void Loop::explain_quota(const Job& job, Outcome& outcome) {
  const core::Model* const model = engine_.model(job.request.model);
  const core::Deployment* first = nullptr;
  if (model != nullptr) {
    for (const auto& one : model->deployments) {
      if (one == nullptr || (first != nullptr && one->quota.until() >= first->quota.until())) {
        continue;
      }
      first = one.get();
    }
  }
  const core::TimeNs until = first == nullptr ? core::TimeNs{} : first->quota.until();
  outcome.retry_after.ns = std::max<int64_t>((until - now_.mono).ns, 0);
  outcome.message = "not sent: the account's quota is used up; it is tried again in " +
                    std::to_string(outcome.retry_after.ns / 1'000'000) + " ms";
  const std::string& told = entry_of(job).called[first == nullptr ? 0 : first->index]->quota_told;
  if (!told.empty()) outcome.message += "; the provider said: " + told;
}

}  // namespace llmq::runtime
