#include "runtime/deployments.h"

#include <algorithm>
#include <string>
#include <utility>

namespace llmq::runtime {
namespace {

// Do their calls say a payload in the same way?
bool same_form(const config::DeploymentConfig& a, const config::DeploymentConfig& b) {
  if (a.provider != b.provider || a.profile != b.profile) return false;
  return a.provider != config::ProviderKind::kHttp ||
         (a.deployment == b.deployment && provider::same_form(endpoint_of(a), endpoint_of(b)));
}

core::Status fits_at(const ModelSettings& settings, size_t at, const TokenEstimate& tokens,
                     core::Error* why) {
  const config::DeploymentConfig& deployment = settings.deployments[at];
  std::string owner;
  if (why != nullptr) {
    owner = (deployment.name.empty() ? "" : "deployment " + deployment.name + " of ") + "model";
  }
  core::Status status =
      fits_limits(deployment.limits, deployment.prices, tokens, owner.c_str(), settings.name, why);
  for (const PoolEntry* pool : settings.entries[at]->pools) {
    if (status != core::Status::kOk) break;
    const bool total = pool->name.empty();
    status = fits_limits(*pool->limits.read(), deployment.prices, tokens, total ? "model" : "pool",
                         total ? settings.name : pool->name, why);
  }
  return status;
}

}  // namespace

ModelSettings settings_of(config::ModelConfig config, std::vector<DeploymentEntry*> entries) {
  ModelSettings settings;
  static_cast<config::ModelConfig&>(settings) = std::move(config);
  settings.entries = std::move(entries);
  const std::vector<config::DeploymentConfig>& all = settings.deployments;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool known = std::any_of(settings.forms.begin(), settings.forms.end(),
                                   [&](size_t form) { return same_form(all[form], all[i]); });
    if (!known) settings.forms.push_back(i);
  }
  return settings;
}

TokenCaps caps_of(const ModelSettings& settings) {
  TokenCaps most;
  for (size_t i = 0; i < settings.deployments.size(); ++i) {
    TokenCaps caps;
    caps.add(settings.tenant_limits);
    caps.add(settings.deployments[i].limits);
    for (const PoolEntry* pool : settings.entries[i]->pools) caps.add(*pool->limits.read());
    most = i == 0 ? caps : most.or_else(caps);
  }
  return most;
}

core::Status fits_somewhere(const ModelSettings& settings, const TokenEstimate& tokens,
                            core::Error* why) {
  const core::Status status =
      fits_limits(settings.tenant_limits, settings.deployments.front().prices, tokens, "model",
                  settings.name, why);
  if (status != core::Status::kOk) return status;
  const size_t count = settings.deployments.size();
  for (size_t i = 0; i < count; ++i) {
    if (fits_at(settings, i, tokens, nullptr) == core::Status::kOk) return core::Status::kOk;
  }
  return why == nullptr ? core::Status::kOversize : fits_at(settings, 0, tokens, why);
}

core::DeploymentSpec spec_of(const config::ModelConfig& model,
                             const config::DeploymentConfig& deployment,
                             const DeploymentEntry& entry) {
  core::DeploymentSpec spec;
  spec.limits = deployment.limits;
  for (const PoolEntry* pool : entry.pools) spec.pools.push_back(pool->index);
  spec.prices = deployment.prices;
  spec.finds_limits = deployment.finds_limits;
  spec.limits_unseen = deployment.profile != nullptr && deployment.profile->limits_unseen;
  spec.found_like = deployment.found_like;
  spec.max_in_flight = deployment.max_in_flight;
  spec.adaptive_concurrency = deployment.adaptive_concurrency;
  spec.quota = model.quota;
  spec.breaker = model.breaker;
  spec.weight = deployment.weight;
  spec.order = deployment.order;
  spec.sends_at_start = deployment.provider != config::ProviderKind::kHttp;
  return spec;
}

core::ModelSpec spec_of(const ModelSettings& settings) {
  core::ModelSpec spec;
  const config::DeploymentConfig& first = settings.deployments.front();
  if (settings.entries.front()->index == 0) {
    static_cast<core::DeploymentSpec&>(spec) = spec_of(settings, first, *settings.entries.front());
  }
  spec.prices = first.prices;  // also of what tenants have to themselves
  spec.limits.insert(spec.limits.end(), settings.tenant_limits.begin(),
                     settings.tenant_limits.end());
  spec.retry.max_attempts = static_cast<uint8_t>(settings.retry.max_attempts);
  spec.retry.base = settings.retry.base;
  spec.retry.cap = settings.retry.cap;
  spec.retry.on = settings.retry.on;
  spec.retry.budget = settings.retry.budget;
  spec.fails_in_outage = settings.fails_in_outage;
  spec.fallback.models = settings.fallback_models;
  spec.fallback.on = settings.fallback_on;
  spec.fallback.after = settings.fallback_after;
  spec.hedge = settings.hedge;
  const bool calls_processor =
      std::any_of(settings.deployments.begin(), settings.deployments.end(),
                  [](const auto& one) { return one.provider == config::ProviderKind::kNone; });
  if (calls_processor) spec.hedge.enabled = false;  // it may not bear being called twice
  spec.ready = first.provider != config::ProviderKind::kNone;
  return spec;
}

}  // namespace llmq::runtime
