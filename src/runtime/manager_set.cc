// Pools, and settings that change while the manager runs.
#include <algorithm>
#include <utility>

#include "config/keys.h"
#include "config/limit_text.h"
#include "runtime/calendar.h"
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

bool same_limits(const std::vector<core::LimitSpec>& a, const std::vector<core::LimitSpec>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), config::same_limit);
}

bool has_cost(const std::vector<core::LimitSpec>& limits) {
  return std::any_of(limits.begin(), limits.end(), [](const core::LimitSpec& limit) {
    return limit.kind == core::LimitKind::kCost;
  });
}

// With those of `limits` that have no place yet.
std::vector<core::LimitSpec> placed(std::vector<core::LimitSpec> places,
                                    const std::vector<core::LimitSpec>& limits) {
  for (const core::LimitSpec& limit : limits) {
    const bool known = std::any_of(places.begin(), places.end(), [&](const core::LimitSpec& place) {
      return core::is_same_limit(place, limit);
    });
    if (!known) places.push_back(limit);
  }
  return places;
}

// What a model and its pools must be together, once one of them has changed: `changed`, if it is a
// pool, has `limits` then. Running attempts name limits by their place, so a limit that was taken
// away keeps its own.
Result<Done> check_together(const config::ModelConfig& model,
                            const std::vector<core::LimitSpec>& places,
                            const std::vector<PoolEntry*>& pools, const PoolEntry* changed,
                            const std::vector<core::LimitSpec>& limits, std::string_view key) {
  size_t count = model.limits.size();
  size_t place_count = placed(places, model.limits).size();
  bool costs = false;
  for (const PoolEntry* pool : pools) {
    const auto own = pool->limits.read();
    const std::vector<core::LimitSpec>& theirs = pool == changed ? limits : *own;
    count += theirs.size();
    place_count += placed(pool->places, theirs).size();
    costs = costs || has_cost(theirs);
  }
  constexpr size_t kMost = core::kMaxLimitsPerModel;
  const char* which = count > kMost ? " limits with those of its pools; "
                                    : " limits with those of its pools, if those count that were "
                                      "taken away since it was registered; ";
  count = count > kMost ? count : place_count;
  if (count > kMost) {
    return config::bad_setting(key, "model " + model.name + " would have " + std::to_string(count) +
                                        which + std::to_string(kMost) + " are allowed");
  }
  if (costs && !model.has_prices) {
    return config::bad_setting(
        key, "a limit of cost needs price_input and price_output of model " + model.name);
  }
  return Done{};
}

}  // namespace

// Gives new models the pools that they name, and makes those that are new; all or none. Under the
// registry's mutex.
Result<Done> Manager::join_pools(const config::Config& config,
                                 const std::vector<std::unique_ptr<ModelEntry>>& models) {
  auto pools = config.pools();
  if (!pools) return pools.error();
  Registry& registry = loop_->registry;
  for (const config::PoolConfig& pool : pools.value()) {
    if (auto checked = check_calendars(pool); !checked) return checked.error();
    const PoolEntry* known = registry.find_pool(pool.name);
    if (known == nullptr || same_limits(known->first_limits, pool.limits)) continue;
    return config::bad_setting("pool." + pool.name + ".limits",
                               "the pool was registered with other limits; llmq_manager_set "
                               "changes them");
  }
  Loop* const loop = loop_.get();
  for (const std::unique_ptr<ModelEntry>& model : models) {
    for (const std::string& name : model->config.pools) {
      PoolEntry* known = registry.find_pool(name);
      if (known == nullptr) {
        const auto found = std::find_if(pools.value().begin(), pools.value().end(),
                                        [&](const auto& pool) { return pool.name == name; });
        auto pool = std::make_unique<PoolEntry>();
        known = pool.get();
        pool->index = registry.next_pool();
        pool->name = name;
        pool->time_zone = found->time_zone;
        pool->first_limits = found->limits;
        pool->limits.replace(found->limits);
        pool->source = config.only_pool(name);
        pool->places = found->limits;
        registry.add_pool(std::move(pool));
        loop->post([loop, known] { loop->add_pool(known); });
      }
      model->pools.push_back(known);
    }
    auto done = check_together(model->config, {}, model->pools, nullptr, {},
                               "model." + model->config.name + ".pool");
    if (!done) return done;
    model->places = model->config.limits;
  }
  return Done{};
}

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
  switch (config::owner_of(row.scope)) {
    case config::Owner::kModel:
      return set_model(row, parts.value().name, value, key);
    case config::Owner::kPool:
      return set_pool(row, parts.value().name, value, key);
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

Result<Done> Manager::set_model(const config::Row& row, std::string_view name,
                                std::string_view value, std::string_view key) {
  ModelEntry* entry = loop_->registry.find(name);
  if (entry == nullptr) {
    const char* hint = name == "*" ? "; name the model itself" : "";
    return Error{core::Status::kUnknownModel,
                 std::string(key) + ": no model \"" + std::string(name) + "\" is registered" + hint,
                 std::string(key)};
  }
  config::Config changed = entry->source;
  auto done = changed.apply(row, name, value, key);
  if (!done) return done;
  auto models = changed.models();
  if (!models) return models.error();
  config::ModelConfig& settings = models.value().front();
  auto calendars = check_calendars(settings.limits, settings.time_zone);
  if (!calendars) return config::bad_setting(key, calendars.error().message);
  done = check_together(settings, entry->places, entry->pools, nullptr, {}, key);
  if (!done) return done;
  entry->source = std::move(changed);
  entry->places = placed(std::move(entry->places), settings.limits);
  entry->settings.replace(settings);
  Loop* const loop = loop_.get();
  loop->post(
      [loop, entry, settings = std::move(settings)] { loop->change_model(entry, settings); });
  return Done{};
}

Result<Done> Manager::set_pool(const config::Row& row, std::string_view name,
                               std::string_view value, std::string_view key) {
  PoolEntry* pool = loop_->registry.find_pool(name);
  if (pool == nullptr) {
    return Error{
        core::Status::kUnknownKey,
        std::string(key) + ": no registered model draws on a pool \"" + std::string(name) + "\"",
        std::string(key)};
  }
  config::Config changed = pool->source;
  auto done = changed.apply(row, name, value, key);
  if (!done) return done;
  auto pools = changed.pools();
  if (!pools) return pools.error();
  std::vector<core::LimitSpec>& limits = pools.value().front().limits;
  auto calendars = check_calendars(limits, pools.value().front().time_zone);
  if (!calendars) return config::bad_setting(key, calendars.error().message);
  for (const ModelEntry* entry : loop_->registry.models_of(pool)) {
    done = check_together(*entry->settings.read(), entry->places, entry->pools, pool, limits, key);
    if (!done) return done;
  }
  pool->source = std::move(changed);
  pool->places = placed(std::move(pool->places), limits);
  pool->limits.replace(limits);
  Loop* const loop = loop_.get();
  loop->post([loop, pool, limits = std::move(limits)] { loop->change_pool(pool, limits); });
  return Done{};
}

}  // namespace llmq::runtime
