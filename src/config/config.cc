#include "config/config.h"

#include <algorithm>

#include "config/keys.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

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

Config::Settings& Config::settings_of(const Whose& whose) {
  Settings& own = group(whose.owner).of(whose.name);
  if (whose.deployment.empty()) return own;
  return deployments_[std::string(whose.name)].of(whose.deployment);
}

const Config::Group& Config::deployments_of(std::string_view model) const {
  static const Group& none = *new Group();
  const auto found = deployments_.find(model);
  return found == deployments_.end() ? none : found->second;
}

core::Result<core::Done> Config::set(std::string_view key, std::string_view value) {
  const auto parts = resolve(key);
  if (!parts) return parts.error();
  return apply(parts.value(), value, key);
}

core::Result<core::Done> Config::apply(const KeyParts& key, std::string_view value,
                                       std::string_view what) {
  const Row& row = *key.row;
  const auto parsed = parse_value(row, value, what);
  if (!parsed) return parsed.error();
  if (row.scope == Scope::kManager) {
    manager_[row.name] = value;
    return core::Done{};
  }
  if (!key.whose.deployment.empty()) {
    for (const LimitEntry& entry : parsed.value().limits) {
      if (!entry.spec.per_tenant) continue;
      return bad_setting(what, core::limit_name(entry.spec) +
                                   " is per_tenant: such limits are the model's, no deployment "
                                   "has its own");
    }
  }
  Settings& settings = settings_of(key.whose);
  const bool of_model = key.whose.owner == Owner::kModel;
  if (of_model && row.name == kLimits) {
    settings.erase(std::string(kLimit));
    for (const Row& other : rows()) {
      if (other.is_limit) settings.erase(other.name);
    }
  }
  if (of_model && row.name == kLimit) {
    settings[row.name] = merged_limits(settings[row.name], value);
    return core::Done{};
  }
  settings[row.name] = value;
  return core::Done{};
}

Config::Settings Config::layered(const Settings& model, const Settings& deployment) const {
  Settings all = deployment;
  for (const Row& row : rows()) {
    if (row.scope != Scope::kDeployment || states_limits(row)) continue;
    const auto said = model.find(row.name);
    if (said != model.end()) all.emplace(*said);
  }
  return all;
}

Config::Settings Config::effective(const Whose& whose) const {
  static const Settings& nothing = *new Settings();
  const Settings* const found = group(whose.owner).find(whose.name);
  const Settings& own = found == nullptr ? nothing : *found;
  if (whose.owner != Owner::kModel) return own;
  const std::string model(whose.name);
  if (whose.deployment.empty()) return with_preset(model, own);
  const Settings* const said = deployments_of(whose.name).find(whose.deployment);
  return with_preset(model, layered(own, said == nullptr ? nothing : *said));
}

std::vector<Config::Settings> Config::each_deployment(const std::string& model) const {
  const Settings& own = *models_.find(model);
  const Group& named = deployments_of(model);
  if (named.order.empty()) return {own};
  std::vector<Settings> all;
  for (const std::string& name : named.order) all.push_back(layered(own, *named.find(name)));
  return all;
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
    for (const Settings& one : each_deployment(name)) {
      const auto pools = names_of(text_of(models_, one, row, {}, nullptr));
      if (std::find(pools.begin(), pools.end(), pool) != pools.end()) return provider_of(one);
    }
  }
  return {};
}

core::Result<std::string> Config::get(std::string_view key, bool* is_default) const {
  const auto parts = resolve(key);
  if (!parts) return parts.error();
  const Row& row = *parts.value().row;
  const Whose& whose = parts.value().whose;
  if (row.scope == Scope::kManager) {
    const auto found = manager_.find(row.name);
    if (is_default != nullptr) *is_default = found == manager_.end();
    return found == manager_.end() ? std::string(row.def) : found->second;
  }
  const Settings own = effective(whose);
  if (!whose.deployment.empty() && states_limits(row)) {  // those of "*" are the model's
    const auto found = own.find(row.name);
    if (is_default != nullptr) *is_default = found == own.end();
    return found == own.end() ? std::string() : found->second;
  }
  ProviderChoice provider;
  if (whose.owner == Owner::kModel) provider = provider_of(own);
  if (whose.owner == Owner::kPool) provider = provider_of_pool(whose.name);
  return text_of(group(whose.owner), own, row, provider, is_default);
}

std::vector<std::string> Config::model_names() const { return models_.order; }
std::vector<std::string> Config::pool_names() const { return pools_.order; }
std::vector<std::string> Config::tenant_names() const { return tenants_.order; }
std::vector<std::string> Config::deployment_names(std::string_view model) const {
  return deployments_of(model).order;
}

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
  part.mention({Owner::kModel, model, {}});
  const auto deployments = deployments_.find(model);
  if (deployments != deployments_.end()) part.deployments_.insert(*deployments);
  const Row& row = *model_row("pool");
  std::vector<std::string> pools{std::string(kEvery)};
  for (const Settings& one : part.each_deployment(std::string(model))) {
    for (std::string& name : names_of(text_of(models_, one, row, {}, nullptr))) {
      pools.push_back(std::move(name));
    }
  }
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
         tenants_ == other.tenants_ && deployments_ == other.deployments_;
}

}  // namespace llmq::config
