// Models of a manager, and the pools and deployments that they come with.
#include <algorithm>
#include <utility>

#include "config/limit_text.h"
#include "runtime/api_key.h"
#include "runtime/calendar.h"
#include "runtime/deployments.h"
#include "runtime/limit_places.h"
#include "runtime/manager.h"
#include "runtime/transport.h"
#include "runtime/validate.h"

namespace llmq::runtime {
namespace {

using core::Done;
using core::Error;
using core::Result;

}  // namespace

// With its key, and without pools.
Result<std::unique_ptr<DeploymentEntry>> Manager::make_deployment(
    const config::DeploymentConfig& config, const Callbacks& callbacks) const {
  auto entry = std::make_unique<DeploymentEntry>();
  entry->key_fn = callbacks.api_key.is_set() ? callbacks.api_key : loop_->callbacks.api_key;
  if (auto checked = check_transport(config); !checked) return checked.error();
  if (config.provider == config::ProviderKind::kHttp) {
    auto key = read_api_key(config, entry->key_fn.is_set());
    if (!key) return key.error();
    entry->key = StoredKey(key.value(), config.api_key_file);
    wipe(key.value());
    const std::string warning = key_file_warning(config);
    if (!warning.empty()) loop_->log->warn("{}", warning);
  }
  entry->config = config;
  return entry;
}

// The rest is under the registry's mutex. Pools that are known must be as the configuration says.
Result<Done> Manager::check_pools(const std::vector<config::PoolConfig>& pools) const {
  for (const config::PoolConfig& pool : pools) {
    if (auto checked = check_calendars(pool); !checked) return checked.error();
    const PoolEntry* known = loop_->registry.find_pool(pool.name);
    if (known == nullptr || config::same_limits(known->first_limits, pool.limits)) continue;
    return config::bad_setting("pool." + pool.name + ".limits",
                               "the pool was registered with other limits; llmq_manager_set "
                               "changes them");
  }
  return Done{};
}

PoolEntry* Manager::make_pool(const config::PoolConfig& config, config::Config source,
                              Ready& ready) {
  auto pool = std::make_unique<PoolEntry>();
  PoolEntry* const made = pool.get();
  pool->index = loop_->registry.next_pool() + static_cast<core::PoolIndex>(ready.pools.size());
  pool->name = config.name;
  pool->time_zone = config.time_zone;
  pool->first_limits = pool->places = config.limits;
  pool->limits.replace(config.limits);
  pool->source = std::move(source);
  ready.pools.push_back(std::move(pool));
  Loop* const loop = loop_.get();
  ready.commands.push_back(Loop::command([loop, made] { loop->add_pool(made); }));
  return made;
}

// Room in the registry has been reserved.
void Manager::bring_about(Ready ready) noexcept {
  for (std::unique_ptr<PoolEntry>& pool : ready.pools) loop_->registry.add_pool(std::move(pool));
  for (std::unique_ptr<Command>& command : ready.commands) loop_->post(std::move(command));
}

// Gives a new deployment the pools that it names, and makes those that are new.
void Manager::join_pools(const config::Config& config, const std::vector<config::PoolConfig>& pools,
                         const ModelEntry& model, DeploymentEntry& deployment, Ready& ready) {
  for (const std::string& name : deployment.config.pools) {
    PoolEntry* known = loop_->registry.find_pool(name);
    for (const std::unique_ptr<PoolEntry>& fresh : ready.pools) {
      if (fresh->name == name) known = fresh.get();
    }
    if (known == nullptr) {
      const auto found = std::find_if(pools.begin(), pools.end(),
                                      [&](const auto& pool) { return pool.name == name; });
      known = make_pool(*found, config.only_pool(name), ready);
    }
    deployment.pools.push_back(known);
  }
  if (model.total != nullptr) deployment.pools.push_back(model.total);
}

// With its pools, and what the two come to.
Result<Done> Manager::complete_model(const config::Config& config,
                                     const std::vector<config::PoolConfig>& pools,
                                     ModelEntry& entry, Ready& ready) {
  const config::ModelConfig& model = entry.config;
  if (model.is_named()) {
    config::PoolConfig total;
    total.time_zone = model.time_zone;
    total.limits = model.limits;
    entry.total = make_pool(total, {}, ready);
  }
  std::vector<DeploymentEntry*> all;
  for (const std::unique_ptr<DeploymentEntry>& deployment : entry.deployments) {
    join_pools(config, pools, entry, *deployment, ready);
    all.push_back(deployment.get());
  }
  const ModelSettings settings = settings_of(model, all);
  for (size_t i = 0; i < all.size(); ++i) {
    const config::DeploymentConfig& deployment = model.deployments[i];
    auto done = check_together(entry, settings, i, nullptr, {}, deployment.key_prefix() + "pool");
    if (!done) return done;
    all[i]->places = deployment.limits;
  }
  entry.tenant_places = model.tenant_limits;
  entry.source = config.only_model(model.name);
  entry.settings.replace(settings);
  return Done{};
}

// Looks up the models that requests fall back to: among those that are registered with this one,
// and those that are already.
Result<Done> Manager::find_fallback(ModelSettings& settings,
                                    const std::vector<std::unique_ptr<ModelEntry>>& fresh) const {
  settings.fallback_models.clear();
  for (const std::string& name : settings.fallback) {
    const auto is_it = [&name](const auto& entry) { return entry->config.name == name; };
    const auto found = std::find_if(fresh.begin(), fresh.end(), is_it);
    const ModelEntry* const model =
        found != fresh.end() ? found->get() : loop_->registry.find(name);
    auto checked = check_fallback(settings.name, name, model != nullptr);
    if (!checked) return checked;
    settings.fallback_models.push_back(model->index);
  }
  return Done{};
}

Result<Done> Manager::register_models(const config::Config& config, const Callbacks& callbacks,
                                      bool skip_existing) {
  auto models = config.models();
  if (!models) return models.error();
  const auto pools = config.pools();
  if (!pools) return pools.error();
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) {
    return Error{closed_status(), core::status_message(closed_status()), ""};
  }
  const std::lock_guard<std::mutex> lock(loop_->registry.mutex());
  std::vector<std::unique_ptr<ModelEntry>> fresh;
  for (config::ModelConfig& model : models.value()) {
    if (loop_->registry.find(model.name) != nullptr) {
      if (skip_existing) continue;
      return Error{core::Status::kModelExists, "model " + model.name + " is registered already",
                   "model." + model.name};
    }
    if (auto checked = check_calendars(model); !checked) return checked.error();
    auto entry = std::make_unique<ModelEntry>();
    for (const config::DeploymentConfig& deployment : model.deployments) {
      auto made = make_deployment(deployment, callbacks);
      if (!made) return made.error();
      made.value()->index = static_cast<core::DeploymentIndex>(entry->deployments.size());
      entry->deployments.push_back(std::move(made.value()));
    }
    entry->config = std::move(model);
    fresh.push_back(std::move(entry));
  }
  auto fit = check_pools(pools.value());
  if (!fit) return fit;
  Ready ready;
  for (const std::unique_ptr<ModelEntry>& entry : fresh) {
    auto done = complete_model(config, pools.value(), *entry, ready);
    if (!done) return done;
  }
  for (size_t i = 0; i < fresh.size(); ++i) {
    fresh[i]->index = static_cast<core::ModelIndex>(loop_->registry.next_index() + i);
  }
  for (const std::unique_ptr<ModelEntry>& entry : fresh) {
    ModelSettings settings = *entry->settings.read();
    auto done = find_fallback(settings, fresh);
    if (!done) return done;
    entry->settings.replace(settings);
    Loop* const loop = loop_.get();
    ready.commands.push_back(
        Loop::command([loop, raw = entry.get(), settings] { loop->add_model(raw, settings); }));
  }
  loop_->registry.reserve(fresh.size(), ready.pools.size());
  // The loop learns of a model before anybody can submit to it: both go through the inbox.
  bring_about(std::move(ready));
  for (std::unique_ptr<ModelEntry>& entry : fresh) loop_->registry.add(std::move(entry));
  return Done{};
}

core::Status Manager::remove_model(std::string_view model, core::StopMode mode) {
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  const std::lock_guard<std::mutex> lock(loop_->registry.mutex());
  ModelEntry* const entry = loop_->registry.find(model);
  if (entry == nullptr) return core::Status::kUnknownModel;
  Loop* const loop = loop_.get();
  auto command = Loop::command([loop, entry, mode] { loop->remove_model(entry, mode); });
  entry->removed.store(true, std::memory_order_release);
  loop->post(std::move(command));
  return core::Status::kOk;
}

}  // namespace llmq::runtime
