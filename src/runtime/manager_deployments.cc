// Deployments that come and go while their model is in use.
#include <algorithm>
#include <utility>

#include "config/keys.h"
#include "runtime/api_key.h"
#include "runtime/deployments.h"
#include "runtime/manager.h"

namespace llmq::runtime {
namespace {

using core::Done;
using core::Error;
using core::Result;

std::string key_of(std::string_view model, std::string_view name) {
  return "model." + std::string(model) + ".deployments." + std::string(name);
}

Error unknown_model(std::string_view model) {
  return {core::Status::kUnknownModel, "no model \"" + std::string(model) + "\" is registered",
          "model." + std::string(model)};
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<Done> Manager::add_deployment(std::string_view model, std::string_view name,
                                     const config::Config& config, const Callbacks& callbacks) {
  const std::string key = key_of(model, name);
  auto done = config::check_deployment(model, name, key);
  if (!done) return done;
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) {
    return Error{closed_status(), core::status_message(closed_status()), ""};
  }
  const std::lock_guard<std::mutex> lock(loop_->registry.mutex());
  ModelEntry* const entry = loop_->registry.find(model);
  if (entry == nullptr) return unknown_model(model);
  if (!holds(config.deployment_names(model), name)) {
    return config::bad_setting(key, "the configuration says nothing of this deployment");
  }
  const std::vector<std::string> known = entry->source.deployment_names(model);
  if (holds(known, name) || (known.empty() && name == "0")) {
    return config::bad_setting(key, "the model has a deployment of that name");
  }
  config::Config changed = entry->source;
  changed.add_deployment(config, model, name);
  auto models = changed.models();
  if (!models) return models.error();
  const auto pools = changed.pools();
  if (!pools) return pools.error();
  done = check_pools(pools.value());
  if (!done) return done;
  config::ModelConfig& made = models.value().front();
  auto fresh = make_deployment(made.deployments.back(), callbacks);
  if (!fresh) return fresh.error();
  DeploymentEntry* const deployment = fresh.value().get();
  deployment->index = static_cast<core::DeploymentIndex>(entry->deployments.size());
  Ready ready;
  join_pools(changed, pools.value(), *entry, *deployment, ready);
  std::vector<DeploymentEntry*> all = entry->settings.read()->entries;
  all.push_back(deployment);
  ModelSettings settings = settings_of(std::move(made), std::move(all));
  done = find_fallback(settings, {});
  if (!done) return done;
  done = check_change(*entry, settings, key);
  if (!done) return done;
  deployment->places = settings.deployments.back().limits;
  Loop* const loop = loop_.get();
  ready.commands.push_back(Loop::command([loop, entry, deployment, settings] {
    loop->join_deployment(*entry, *deployment, settings);
  }));
  auto version = entry->settings.prepare(settings);
  entry->deployments.reserve(entry->deployments.size() + 1);
  loop->registry.reserve(0, ready.pools.size());
  entry->source = std::move(changed);
  entry->deployments.push_back(std::move(fresh.value()));
  entry->settings.put(std::move(version));
  bring_about(std::move(ready));
  return Done{};
}

Result<Done> Manager::remove_deployment(std::string_view model, std::string_view name,
                                        core::StopMode mode) {
  const std::string key = key_of(model, name);
  const GatePass pass(loop_->gate);
  if (!pass) return Error{core::Status::kClosed, core::status_message(core::Status::kClosed), ""};
  const std::lock_guard<std::mutex> lock(loop_->registry.mutex());
  ModelEntry* const entry = loop_->registry.find(model);
  if (entry == nullptr) return unknown_model(model);
  const std::vector<std::string> known = entry->source.deployment_names(model);
  const auto found = std::find(known.begin(), known.end(), name);
  if (found == known.end()) {
    return Error{core::Status::kUnknownKey,
                 key + ": the model has no deployment \"" + std::string(name) + "\"", key};
  }
  if (known.size() == 1) {
    return config::bad_setting(key,
                               "it is the model's last deployment: llmq_manager_remove_model "
                               "removes both");
  }
  config::Config changed = entry->source;
  changed.remove_deployment(model, name);
  auto models = changed.models();
  if (!models) return models.error();
  std::vector<DeploymentEntry*> all = entry->settings.read()->entries;
  const auto place = all.begin() + (found - known.begin());
  DeploymentEntry* const deployment = *place;
  all.erase(place);
  ModelSettings settings = settings_of(std::move(models.value().front()), std::move(all));
  if (auto done = find_fallback(settings, {}); !done) return done;
  Loop* const loop = loop_.get();
  auto command = Loop::command(
      [loop, entry, deployment, mode] { loop->remove_deployment(*entry, *deployment, mode); });
  auto version = entry->settings.prepare(settings);
  entry->source = std::move(changed);
  entry->settings.put(std::move(version));
  loop->post(std::move(command));
  return Done{};
}

}  // namespace llmq::runtime
