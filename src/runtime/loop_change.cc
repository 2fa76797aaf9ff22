// Models, deployments and pools as the engine needs them, when they are made and when they change.

#include "runtime/deployments.h"
#include "runtime/loop.h"

namespace llmq::runtime {

// Those over all deployments of a model are of as many accounts.
void Loop::add_pool(const PoolEntry* pool) {
  const bool total = pool->name.empty();
  step(core::PoolAdded{pool->index, &pool->first_limits, !total});
  if (!total) {
    log->info("pool {}: registered with {} limits", pool->name, pool->first_limits.size());
  }
}

// In the engine it comes with the model if it is the first.
void Loop::add_deployment(ModelEntry& entry, DeploymentEntry& deployment,
                          const ModelSettings& settings) {
  const config::DeploymentConfig& config = deployment.config;
  entry.called.resize(std::max<size_t>(entry.called.size(), deployment.index + 1));
  entry.called[deployment.index] = &deployment;
  deployment.prices = config.prices;
  if (deployment.index > 0) {
    const core::DeploymentSpec spec = spec_of(settings, config, deployment);
    touch(entry.index);
    step(core::DeploymentAdded{entry.index, deployment.index, &spec});
  }
  if (!config.name.empty()) log->info("{}: added", config.title());
}

// The first one has a name, if it had none, from then on.
void Loop::join_deployment(ModelEntry& entry, DeploymentEntry& deployment,
                           const ModelSettings& settings) {
  if (engine_.model(entry.index) == nullptr) return;  // removed meanwhile
  for (size_t i = 0; i < settings.entries.size(); ++i) {
    settings.entries[i]->config.name = settings.deployments[i].name;
  }
  add_deployment(entry, deployment, settings);
  windows_.open(entry.index);
  follow_windows();
}

void Loop::remove_deployment(const ModelEntry& entry, const DeploymentEntry& deployment,
                             core::StopMode mode) {
  if (engine_.model(entry.index) == nullptr) return;  // removed meanwhile
  touch(entry.index);
  step(core::DeploymentRemoved{entry.index, deployment.index, mode});
  log->info("{}: removed", deployment.config.title());
}

void Loop::change_model(const ModelEntry* entry, const ModelSettings& settings) {
  if (engine_.model(entry->index) == nullptr) return;  // removed meanwhile
  core::ModelSpec spec = spec_of(settings);
  const auto& first = engine_.model(entry->index)->deployments.front();
  if (settings.entries.front()->index > 0 && first != nullptr) {  // it leaves, as it is
    static_cast<core::DeploymentSpec&>(spec) = first->spec;
    spec.limits = core::limits_of(spec.limits, false);
    for (const core::LimitSpec& limit : settings.tenant_limits) spec.limits.push_back(limit);
  }
  touch(entry->index);
  step(core::ModelChanged{entry->index, &spec});
  for (size_t i = 0; i < settings.entries.size(); ++i) {
    DeploymentEntry& deployment = *settings.entries[i];
    deployment.prices = settings.deployments[i].prices;
    if (deployment.index == 0) continue;  // changed with the model
    const core::DeploymentSpec own = spec_of(settings, settings.deployments[i], deployment);
    step(core::DeploymentChanged{entry->index, deployment.index, &own});
  }
  reconcile_windows();
  log->info("model {}: settings changed", settings.name);
}

void Loop::change_pool(const PoolEntry* pool, const std::vector<core::LimitSpec>& limits) {
  step(core::PoolChanged{pool->index, &limits});
  reconcile_windows();
  if (!pool->name.empty()) log->info("pool {}: limits changed", pool->name);
}

// Money that was reported stands.
void Loop::price(const DeploymentEntry& entry, core::Usage& usage) {
  if (usage.cost_micros == 0) usage.cost_micros = cost_of(entry.prices, usage);
}

}  // namespace llmq::runtime
