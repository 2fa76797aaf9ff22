// What a provider said when an account's quota was used up, for those whose calls it spares.
#include <spdlog/logger.h>

#include <algorithm>

#include "runtime/clock.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

bool shares_a_pool(const ModelEntry& a, const ModelEntry& b) {
  return std::any_of(a.pools.begin(), a.pools.end(), [&b](const PoolEntry* pool) {
    return std::find(b.pools.begin(), b.pools.end(), pool) != b.pools.end();
  });
}

}  // namespace

void Loop::hear_of_quota(const Job& job, const Outcome& outcome) {
  if (outcome.status != core::Status::kQuotaExhausted) return;
  ModelEntry& own = entry_of(job);
  for (ModelEntry* entry : entries_) {
    if (entry == nullptr || (entry != &own && !shares_a_pool(own, *entry))) continue;
    entry->quota_told = outcome.message;
  }
  log->warn("model {}: the account's quota is used up: {}", own.config.name, outcome.message);
}

// Of a request that ended without a call.
void Loop::explain_quota(const Job& job, Outcome& outcome) {
  const core::Model* const model = engine_.model(job.request.model);
  const core::TimeNs until = model == nullptr ? core::TimeNs{} : model->first().quota.until();
  outcome.retry_after.ns = std::max<int64_t>((until - now_.mono).ns, 0);
  outcome.message = "not sent: the account's quota is used up; it is tried again in " +
                    std::to_string(outcome.retry_after.ns / 1'000'000) + " ms";
  const std::string& told = entry_of(job).quota_told;
  if (!told.empty()) outcome.message += "; the provider said: " + told;
}

}  // namespace llmq::runtime
