// Settings that change while the manager runs.
#include <algorithm>
#include <utility>

#include "config/keys.h"
#include "config/limit_text.h"
#include "runtime/calendar.h"
#include "runtime/deployments.h"
#include "runtime/limit_places.h"
#include "runtime/manager.h"

namespace llmq::runtime {
namespace {

using core::Done;
using core::Error;
using core::Result;

Error fixed(std::string_view key) {
  return Error{core::Status::kUnsupported,
               std::string(key) + " cannot be changed while the manager runs", std::string(key)};
}

}  // namespace

Result<Done> Manager::set(std::string_view key, std::string_view value) {
  const auto parts = config::resolve(key);
  if (!parts) return parts.error();
  const config::Row& row = *parts.value().row;
  const auto parsed = config::parse_value(row, value, key);
  if (!parsed) return parsed.error();
  if (!row.live) return fixed(key);
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) {
    return Error{closed_status(), core::status_message(closed_status()), ""};
  }
  const std::lock_guard<std::mutex> lock(loop_->registry.mutex());
  const config::KeyParts& setting = parts.value();
  switch (setting.whose.owner) {
    case config::Owner::kModel:
      return set_model(setting, value, key);
    case config::Owner::kPool:
      return set_pool(setting, value, key);
    case config::Owner::kTenant:
      return fixed(key);
    case config::Owner::kManager:
      break;
  }
  const std::string_view name = row.name;
  auto& bound = name == "max_pending" ? loop_->max_pending : loop_->max_pending_bytes;
  bound.store(static_cast<uint64_t>(parsed.value().number), std::memory_order_relaxed);
  return Done{};
}

Result<Done> Manager::set_model(const config::KeyParts& setting, std::string_view value,
                                std::string_view key) {
  const std::string_view name = setting.whose.name;
  ModelEntry* entry = loop_->registry.find(name);
  if (entry == nullptr) {
    const char* hint = name == "*" ? "; name the model itself" : "";
    return Error{core::Status::kUnknownModel,
                 std::string(key) + ": no model \"" + std::string(name) + "\" is registered" + hint,
                 std::string(key)};
  }
  if (const std::string_view deployment = setting.whose.deployment; !deployment.empty()) {
    const auto names = entry->source.deployment_names(name);
    if (std::find(names.begin(), names.end(), deployment) == names.end()) {
      return Error{
          core::Status::kUnknownKey,
          std::string(key) + ": the model has no deployment \"" + std::string(deployment) + "\"",
          std::string(key)};
    }
  }
  config::Config changed = entry->source;
  auto done = changed.apply(setting, value, key);
  if (!done) return done;
  auto models = changed.models();
  if (!models) return models.error();
  ModelSettings settings =
      settings_of(std::move(models.value().front()), entry->settings.read()->entries);
  done = find_fallback(settings, {});
  if (!done) return done;
  done = check_change(*entry, settings, key);
  if (!done) return done;
  apply_change(*entry, settings, std::move(changed));
  return Done{};
}

// May a model that is in use become like that?
Result<Done> Manager::check_change(const ModelEntry& entry, const ModelSettings& settings,
                                   std::string_view key) const {
  auto calendars = check_calendars(static_cast<const config::ModelConfig&>(settings));
  if (!calendars) return config::bad_setting(key, calendars.error().message);
  if (entry.total == nullptr && !settings.limits.empty()) {
    return Error{core::Status::kUnsupported,
                 std::string(key) +
                     ": a limit over all deployments cannot be added to a model that was "
                     "registered with one deployment without a name",
                 std::string(key)};
  }
  for (size_t i = 0; i < settings.entries.size(); ++i) {
    auto done = check_together(entry, settings, i, entry.total, settings.limits, key);
    if (!done) return done;
  }
  return Done{};
}

// First what may fail for lack of memory, then the change; so it is made as a whole or not at all.
void Manager::apply_change(ModelEntry& entry, const ModelSettings& settings,
                           config::Config source) {
  std::vector<std::vector<core::LimitSpec>> places;
  for (size_t i = 0; i < settings.entries.size(); ++i) {
    places.push_back(placed(settings.entries[i]->places, settings.deployments[i].limits));
  }
  std::vector<core::LimitSpec> tenant_places = placed(entry.tenant_places, settings.tenant_limits);
  auto version = entry.settings.prepare(settings);
  Loop* const loop = loop_.get();
  auto command =
      Loop::command([loop, raw = &entry, settings] { loop->change_model(raw, settings); });
  PoolEntry* const total = entry.total;
  if (total != nullptr && !config::same_limits(*total->limits.read(), settings.limits)) {
    change_pool(*total, settings.limits, total->source);
  }
  for (size_t i = 0; i < places.size(); ++i) settings.entries[i]->places = std::move(places[i]);
  entry.tenant_places = std::move(tenant_places);
  entry.source = std::move(source);
  entry.settings.put(std::move(version));
  loop->post(std::move(command));
}

void Manager::change_pool(PoolEntry& pool, const std::vector<core::LimitSpec>& limits,
                          config::Config source) {
  std::vector<core::LimitSpec> places = placed(pool.places, limits);
  auto version = pool.limits.prepare(limits);
  Loop* const loop = loop_.get();
  auto command = Loop::command([loop, raw = &pool, limits] { loop->change_pool(raw, limits); });
  pool.places = std::move(places);
  pool.source = std::move(source);
  pool.limits.put(std::move(version));
  loop->post(std::move(command));
}

Result<Done> Manager::set_pool(const config::KeyParts& setting, std::string_view value,
                               std::string_view key) {
  const std::string_view name = setting.whose.name;
  PoolEntry* pool = loop_->registry.find_pool(name);
  if (pool == nullptr) {
    return Error{
        core::Status::kUnknownKey,
        std::string(key) + ": no registered model draws on a pool \"" + std::string(name) + "\"",
        std::string(key)};
  }
  config::Config changed = pool->source;
  auto done = changed.apply(setting, value, key);
  if (!done) return done;
  auto pools = changed.pools();
  if (!pools) return pools.error();
  const std::vector<core::LimitSpec>& limits = pools.value().front().limits;
  auto calendars = check_calendars(limits, pools.value().front().time_zone);
  if (!calendars) return config::bad_setting(key, calendars.error().message);
  for (const ModelEntry* entry : loop_->registry.models_of(pool)) {
    const auto settings = entry->settings.read();
    for (size_t i = 0; i < settings->entries.size(); ++i) {
      done = check_together(*entry, *settings, i, pool, limits, key);
      if (!done) return done;
    }
  }
  change_pool(*pool, limits, std::move(changed));
  return Done{};
}

}  // namespace llmq::runtime
