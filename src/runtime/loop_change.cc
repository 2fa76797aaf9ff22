// Models and pools as the engine needs them, when they are made and when they change.
#include <spdlog/logger.h>

#include "runtime/loop.h"
#include "runtime/request_check.h"

namespace llmq::runtime {

core::ModelSpec Loop::spec_of(const ModelEntry& entry, const config::ModelConfig& settings) const {
  core::ModelSpec spec;
  spec.limits = settings.limits;
  for (const PoolEntry* pool : entry.pools) spec.pools.push_back(pool->index);
  spec.prices = settings.prices;
  spec.finds_limits = settings.finds_limits;
  spec.limits_unseen = settings.profile != nullptr && settings.profile->limits_unseen;
  spec.found_like = settings.found_like;
  spec.max_in_flight = settings.max_in_flight;
  spec.adaptive_concurrency = settings.adaptive_concurrency;
  spec.retry.max_attempts = static_cast<uint8_t>(settings.retry.max_attempts);
  spec.retry.base = settings.retry.base;
  spec.retry.cap = settings.retry.cap;
  spec.retry.on = settings.retry.on;
  spec.retry.budget = settings.retry.budget;
  spec.quota = settings.quota;
  spec.breaker = settings.breaker;
  spec.fails_in_outage = settings.fails_in_outage;
  spec.sends_at_start = settings.provider != config::ProviderKind::kHttp;
  spec.ready = settings.provider != config::ProviderKind::kNone;
  return spec;
}

void Loop::add_pool(const PoolEntry* pool) {
  step(core::PoolAdded{pool->index, &pool->first_limits});
  log->info("pool {}: registered with {} limits", pool->name, pool->first_limits.size());
}

void Loop::change_model(const ModelEntry* entry, const config::ModelConfig& settings) {
  if (engine_.model(entry->index) == nullptr) return;  // removed meanwhile
  const core::ModelSpec spec = spec_of(*entry, settings);
  touch(entry->index);
  step(core::ModelChanged{entry->index, &spec});
  reconcile_windows();
  log->info("model {}: settings changed", settings.name);
}

void Loop::change_pool(const PoolEntry* pool, const std::vector<core::LimitSpec>& limits) {
  step(core::PoolChanged{pool->index, &limits});
  reconcile_windows();
  log->info("pool {}: limits changed", pool->name);
}

// Money that was reported stands.
void Loop::price(const ModelEntry& entry, core::Usage& usage) const {
  if (usage.cost_micros == 0) usage.cost_micros = cost_of(entry.settings.read()->prices, usage);
}

}  // namespace llmq::runtime
