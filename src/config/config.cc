#include "config/config.h"

#include <algorithm>

#include "config/keys.h"
#include "config/limit_text.h"

namespace llmq::config {
namespace {

constexpr std::string_view kEvery = "*";
constexpr std::string_view kLimits = "limits";
constexpr std::string_view kLimit = "limit";

std::string key_of(Owner owner, std::string_view name, std::string_view row) {
  return std::string(owner_name(owner)) + "." + std::string(name) + "." + std::string(row);
}

// A text that set() has accepted, read again.
Value reread(const Row& row, std::string_view text) {
  auto value = parse_value(row, text, row.name);
  return value ? std::move(value.value()) : Value();
}

bool has_cost(const std::vector<core::LimitSpec>& limits) {
  return std::any_of(limits.begin(), limits.end(), [](const core::LimitSpec& limit) {
    return limit.kind == core::LimitKind::kCost;
  });
}

core::Error without_prices(const std::string& model, const std::string& whose) {
  return bad_setting(key_of(Owner::kModel, model, "price_input"),
                     "a limit of cost" + whose + " needs price_input and price_output");
}

}  // namespace

Config::Settings& Config::Group::of(std::string_view name) {
  const auto found = members.find(name);
  if (found != members.end()) return found->second;
  if (name != kEvery) order.emplace_back(name);
  return members.emplace(name, Settings()).first->second;
}

const Config::Settings* Config::Group::find(std::string_view name) const {
  const auto found = members.find(name);
  return found == members.end() ? nullptr : &found->second;
}

const Config::Group& Config::group(Owner owner) const {
  return owner == Owner::kPool ? pools_ : owner == Owner::kTenant ? tenants_ : models_;
}

Config::Group& Config::group(Owner owner) {
  return owner == Owner::kPool ? pools_ : owner == Owner::kTenant ? tenants_ : models_;
}

core::Result<core::Done> Config::set(std::string_view key, std::string_view value) {
  const auto parts = resolve(key);
  if (!parts) return parts.error();
  return apply(*parts.value().row, parts.value().name, value, key);
}

core::Result<core::Done> Config::apply(const Row& row, std::string_view name,
                                       std::string_view value, std::string_view what) {
  const auto parsed = parse_value(row, value, what);
  if (!parsed) return parsed.error();
  if (row.scope == Scope::kManager) {
    manager_[row.name] = value;
    return core::Done{};
  }
  const Owner owner = owner_of(row.scope);
  Settings& settings = group(owner).of(name);
  if (owner == Owner::kModel && row.name == kLimits) {
    settings.erase(std::string(kLimit));
    for (const Row& other : rows()) {
      if (other.is_limit) settings.erase(other.name);
    }
  }
  if (owner == Owner::kModel && row.name == kLimit) {
    settings[row.name] = merged_limits(settings[row.name], value);
    return core::Done{};
  }
  settings[row.name] = value;
  return core::Done{};
}

std::string Config::text_of(const Group& group, const Settings& own, const Row& row,
                            const ProviderChoice& provider, bool* is_default) const {
  if (is_default != nullptr) *is_default = false;
  const auto mine = own.find(row.name);
  if (mine != own.end()) return mine->second;
  if (const Settings* every = group.find(kEvery); every != nullptr) {
    const auto theirs = every->find(row.name);
    if (theirs != every->end()) return theirs->second;
  }
  if (is_default != nullptr) *is_default = true;
  return std::string(row.default_for(provider));
}

ProviderChoice Config::provider_of(const Settings& model) const {
  const Row& row = *model_row("provider");
  return provider_choice(reread(row, text_of(models_, model, row, {}, nullptr)).number);
}

ProviderChoice Config::provider_of_pool(std::string_view pool) const {
  const Row& row = *model_row("pool");
  for (const std::string& name : models_.order) {
    const Settings& model = *models_.find(name);
    const auto pools = names_of(text_of(models_, model, row, {}, nullptr));
    if (std::find(pools.begin(), pools.end(), pool) != pools.end()) return provider_of(model);
  }
  return {};
}

core::Result<std::string> Config::get(std::string_view key, bool* is_default) const {
  const auto parts = resolve(key);
  if (!parts) return parts.error();
  const Row& row = *parts.value().row;
  if (row.scope == Scope::kManager) {
    const auto found = manager_.find(row.name);
    if (is_default != nullptr) *is_default = found == manager_.end();
    return found == manager_.end() ? std::string(row.def) : found->second;
  }
  static const Settings& nothing = *new Settings();
  const Owner owner = owner_of(row.scope);
  const Settings* found = group(owner).find(parts.value().name);
  const Settings own = owner == Owner::kModel ? with_preset(std::string(parts.value().name),
                                                            found == nullptr ? nothing : *found)
                                              : (found == nullptr ? nothing : *found);
  ProviderChoice provider;
  if (owner == Owner::kModel) provider = provider_of(own);
  if (owner == Owner::kPool) provider = provider_of_pool(parts.value().name);
  return text_of(group(owner), own, row, provider, is_default);
}

std::vector<std::string> Config::model_names() const { return models_.order; }
std::vector<std::string> Config::pool_names() const { return pools_.order; }
std::vector<std::string> Config::tenant_names() const { return tenants_.order; }

core::Result<ManagerConfig> Config::manager() const {
  ManagerConfig config;
  for (const Row& row : rows()) {
    if (row.scope != Scope::kManager) continue;
    const auto found = manager_.find(row.name);
    std::string_view text = row.def;  // no ?: here, it would make a string that dies at once
    if (found != manager_.end()) text = found->second;
    if (row.kind == Kind::kText && text.empty()) continue;
    row.to_manager(reread(row, text), config);
  }
  const auto tenant = [this](const std::string& name, const Settings& own) {
    TenantConfig made;
    made.name = name;
    for (const Row& row : rows()) {
      if (row.to_tenant == nullptr) continue;
      row.to_tenant(reread(row, text_of(tenants_, own, row, {}, nullptr)), made);
    }
    return made;
  };
  config.every_tenant = tenant(std::string(kEvery), Settings());
  for (const std::string& name : tenants_.order) {
    config.tenants.push_back(tenant(name, *tenants_.find(name)));
  }
  return config;
}

const Preset* Config::preset_of(const Settings& model) const {
  return find_preset(text_of(models_, model, *model_row("preset"), {}, nullptr));
}

Config::Settings Config::with_preset(const std::string& name, const Settings& own) const {
  Settings all = own;
  const Preset* const preset = preset_of(own);
  const PresetModel* const model = preset == nullptr ? nullptr : preset->for_model(name);
  if (model == nullptr) return all;
  const Settings* const every = models_.find(kEvery);
  for (const auto& [key, value] : model->settings) {
    const bool layered = key == kLimits;  // limits_of() takes them one by one
    if (layered || (every != nullptr && every->count(key) != 0)) continue;
    all.emplace(key, value);
  }
  return all;
}

core::Result<ModelConfig> Config::model(const std::string& name, const Settings& given) const {
  ModelConfig config;
  config.name = name;
  const Settings own = with_preset(name, given);
  if (const Preset* preset = preset_of(own);
      preset != nullptr && preset->for_model(name) == nullptr) {
    return bad_setting(key_of(Owner::kModel, name, "preset"),
                       "preset " + preset->name + " says nothing of a model of that name");
  }
  const ProviderChoice provider = provider_of(own);
  for (const Row& row : rows()) {
    if (row.to_model == nullptr) continue;
    const std::string text = text_of(models_, own, row, provider, nullptr);
    if (text.empty()) continue;
    row.to_model(reread(row, text), config);
  }
  const Row& cached = *model_row("price_cached_input");
  if (text_of(models_, own, cached, provider, nullptr).empty()) {
    config.prices.cached_input = config.prices.input;
  }
  if (config.provider == ProviderKind::kHttp && config.base_url.empty()) {
    return bad_setting(key_of(Owner::kModel, name, "base_url"),
                       "it must be set: " + std::string(config.profile->name) +
                           " has no address that is the same for everybody");
  }
  for (const auto& header : config.headers) {
    if (!is_key_header(header.first) || config.allow_key_headers) continue;
    return bad_setting(key_of(Owner::kModel, name, "headers"),
                       header.first +
                           " would take the place of the key: allow_key_headers must "
                           "say that this is meant");
  }
  if (config.retry.cap < config.retry.base) {
    return bad_setting(key_of(Owner::kModel, name, "retry.cap_ms"),
                       "it is " + std::to_string(config.retry.cap.ns / 1'000'000) +
                           ", less than retry.base_ms, which is " +
                           std::to_string(config.retry.base.ns / 1'000'000));
  }
  if (config.breaker.open_max < config.breaker.open) {
    return bad_setting(key_of(Owner::kModel, name, "breaker.open_max_ms"),
                       "it is " + std::to_string(config.breaker.open_max.ns / 1'000'000) +
                           ", less than breaker.open_ms, which is " +
                           std::to_string(config.breaker.open.ns / 1'000'000));
  }
  auto limits = limits_of(Owner::kModel, name, own, provider);
  if (!limits) return limits.error();
  config.limits = std::move(limits.value());
  config.found_like = usual_limit(Owner::kModel, own, provider);
  if (has_cost(config.limits) && !config.has_prices) return without_prices(name, "");
  const auto fit = check_pools_of(config);
  if (!fit) return fit.error();
  return config;
}

core::Result<core::Done> Config::check_pools_of(const ModelConfig& model) const {
  size_t count = model.limits.size();
  for (const std::string& name : model.pools) {
    const Settings* settings = pools_.find(name);
    if (settings == nullptr) {
      return bad_setting(
          key_of(Owner::kModel, model.name, "pool"),
          "there is no pool " + quoted(name) + ": pool." + name + ".limits is not set");
    }
    const auto made = pool(name, *settings);
    if (!made) return made.error();
    if (has_cost(made.value().limits) && !model.has_prices) {
      return without_prices(model.name, " of pool " + name);
    }
    count += made.value().limits.size();
  }
  if (count > static_cast<size_t>(core::kMaxLimitsPerModel)) {
    return bad_setting(key_of(Owner::kModel, model.name, "pool"),
                       std::to_string(count) +
                           " limits, those of its pools among them, are more "
                           "than the " +
                           std::to_string(core::kMaxLimitsPerModel) + " that a model may have");
  }
  return core::Done{};
}

core::Result<PoolConfig> Config::pool(const std::string& name, const Settings& own) const {
  PoolConfig config;
  config.name = name;
  const ProviderChoice provider = provider_of_pool(name);
  for (const Row& row : rows()) {
    if (row.to_pool == nullptr) continue;
    row.to_pool(reread(row, text_of(pools_, own, row, provider, nullptr)), config);
  }
  auto limits = limits_of(Owner::kPool, name, own, provider);
  if (!limits) return limits.error();
  config.limits = std::move(limits.value());
  if (config.limits.empty()) {
    return bad_setting(key_of(Owner::kPool, name, kLimits), "the pool has no limits");
  }
  return config;
}

core::Result<std::vector<ModelConfig>> Config::models() const {
  std::vector<ModelConfig> models;
  for (const std::string& name : models_.order) {
    auto config = model(name, *models_.find(name));
    if (!config) return config.error();
    models.push_back(std::move(config.value()));
  }
  return models;
}

core::Result<std::vector<PoolConfig>> Config::pools() const {
  std::vector<PoolConfig> pools;
  for (const std::string& name : pools_.order) {
    auto config = pool(name, *pools_.find(name));
    if (!config) return config.error();
    pools.push_back(std::move(config.value()));
  }
  return pools;
}

Config Config::only_model(std::string_view model) const {
  Config part;
  for (const std::string_view name : {kEvery, model}) {
    if (const Settings* settings = models_.find(name)) part.models_.of(name) = *settings;
  }
  part.mention(Owner::kModel, model);
  const Settings& own = *part.models_.find(model);
  const Row& row = *model_row("pool");
  std::vector<std::string> pools = names_of(text_of(models_, own, row, {}, nullptr));
  pools.emplace_back(kEvery);
  for (const std::string& name : pools) {
    if (const Settings* settings = pools_.find(name)) part.pools_.of(name) = *settings;
  }
  return part;
}

// With a model that names it: the provider of that decides the pool's defaults.
Config Config::only_pool(std::string_view pool) const {
  Config part;
  for (const std::string_view name : {kEvery, pool}) {
    if (const Settings* settings = pools_.find(name)) part.pools_.of(name) = *settings;
  }
  const ProviderChoice provider = provider_of_pool(pool);
  Settings& member = part.models_.of("member");
  for (const Choice* word = model_row("provider")->choices; word->text != nullptr; ++word) {
    const ProviderChoice choice = provider_choice(word->value);
    if (choice.kind == provider.kind && choice.profile == provider.profile) {
      member["provider"] = word->text;
    }
  }
  member["pool"] = pool;
  return part;
}

bool Config::operator==(const Config& other) const {
  return manager_ == other.manager_ && models_ == other.models_ && pools_ == other.pools_ &&
         tenants_ == other.tenants_;
}

}  // namespace llmq::config
