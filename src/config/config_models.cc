// Models and their deployments: what the keys of each amount to together.
#include <algorithm>

#include "config/config.h"
#include "config/keys.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

namespace llmq::config {
namespace {

constexpr size_t kMostLimits = core::kMaxLimitsPerModel;
constexpr const char* kEvery = "*";
constexpr const char* kLimits = "limits";
constexpr std::string_view kLimit = "limit";  // takes the place of what the others say

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

// What a key such as rpm says, in the words of limits.
std::string shorthand_text(const Row& row, std::string_view value, core::DurationNs long_period) {
  std::string text = std::string(core::kind_name(row.limit_kind)) + "=" + std::string(value);
  if (row.limit_kind == core::LimitKind::kConcurrency) return text;
  const core::DurationNs period = row.limit_period.ns != 0 ? row.limit_period : long_period;
  return text + "/" + core::period_text(period);
}

core::Error without_prices(const DeploymentConfig& deployment, const std::string& whose) {
  return bad_setting(deployment.key_prefix() + "price_input",
                     "a limit of cost" + whose + " needs price_input and price_output");
}

core::Result<core::Done> check_calls(const DeploymentConfig& config) {
  if (config.provider == ProviderKind::kHttp && config.base_url.empty()) {
    return bad_setting(config.key_prefix() + "base_url",
                       "it must be set: " + std::string(config.profile->name) +
                           " has no address that is the same for everybody");
  }
  for (const auto& header : config.headers) {
    if (!is_key_header(header.first) || config.allow_key_headers) continue;
    return bad_setting(config.key_prefix() + "headers",
                       header.first +
                           " would take the place of the key: allow_key_headers must "
                           "say that this is meant");
  }
  return core::Done{};
}

core::Result<core::Done> check_delays(const ModelConfig& config) {
  const auto ordered = [&config](const std::string& least, core::DurationNs least_ns,
                                 const std::string& greatest, core::DurationNs greatest_ns) {
    if (greatest_ns >= least_ns) return core::Result<core::Done>(core::Done{});
    return core::Result<core::Done>(
        bad_setting("model." + config.name + "." + greatest,
                    "it is " + std::to_string(greatest_ns.ns / 1'000'000) + ", less than " + least +
                        ", which is " + std::to_string(least_ns.ns / 1'000'000)));
  };
  auto fit = ordered("retry.base_ms", config.retry.base, "retry.cap_ms", config.retry.cap);
  if (!fit) return fit;
  return ordered("breaker.open_ms", config.breaker.open, "breaker.open_max_ms",
                 config.breaker.open_max);
}

// Those of tenants are the model's.
void part_limits(DeploymentConfig& deployment, ModelConfig& model) {
  std::vector<core::LimitSpec>& limits = deployment.limits;
  const auto own = std::stable_partition(
      limits.begin(), limits.end(), [](const core::LimitSpec& limit) { return !limit.per_tenant; });
  model.tenant_limits.assign(own, limits.end());
  limits.erase(own, limits.end());
}

}  // namespace

std::string DeploymentConfig::title() const {
  return (name.empty() ? "" : "deployment " + name + " of ") + "model " + model;
}

std::string DeploymentConfig::key_prefix() const {
  return "model." + model + "." + (name.empty() ? "" : "deployments." + name + ".");
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

core::Result<ModelConfig> Config::model(const std::string& name, const Settings& own) const {
  ModelConfig config;
  config.name = name;
  auto done = add_deployments(own, config);
  if (!done) return done.error();
  const DeploymentConfig& first = config.deployments.front();
  const ProviderChoice provider = provider_of(each_deployment(name).front());
  for (const Row& row : rows()) {
    if (row.to_model == nullptr) continue;
    const std::string text = text_of(models_, own, row, provider, nullptr);
    if (!text.empty()) row.to_model(reread(row, text), config);
  }
  done = check_delays(config);
  if (!done) return done.error();
  if (config.is_named()) {
    auto limits = total_limits(name, own);
    if (!limits) return limits.error();
    for (const core::LimitSpec& limit : limits.value()) {
      (limit.per_tenant ? config.tenant_limits : config.limits).push_back(limit);
    }
  } else {
    part_limits(config.deployments.front(), config);
  }
  for (const DeploymentConfig& deployment : config.deployments) {
    done = check_limits_of(config, deployment);
    if (!done) return done.error();
    if (deployment.provider == ProviderKind::kNone && &deployment != &first) {
      return bad_setting(deployment.key_prefix() + "provider",
                         "none has a processor run the model's attempts: such a model has one "
                         "deployment, this one has " +
                             std::to_string(config.deployments.size()));
    }
  }
  return config;
}

core::Result<core::Done> Config::add_deployments(const Settings& own, ModelConfig& model) const {
  const Group& named = deployments_of(model.name);
  if (named.order.empty()) {
    auto only = deployment(model.name, "", own, own);
    if (!only) return only.error();
    model.deployments.push_back(std::move(only.value()));
    return core::Done{};
  }
  for (const std::string& name : named.order) {
    const Settings& said = *named.find(name);
    auto one = deployment(model.name, name, said, layered(own, said));
    if (!one) return one.error();
    model.deployments.push_back(std::move(one.value()));
  }
  return core::Done{};
}

core::Result<DeploymentConfig> Config::deployment(const std::string& model, const std::string& name,
                                                  const Settings& own,
                                                  const Settings& given) const {
  DeploymentConfig config;
  config.model = model;
  config.name = name;
  const Settings all = with_preset(model, given);
  if (const Preset* preset = preset_of(all);
      preset != nullptr && preset->for_model(model) == nullptr) {
    return bad_setting(config.key_prefix() + "preset",
                       "preset " + preset->name + " says nothing of a model of that name");
  }
  const ProviderChoice provider = provider_of(all);
  for (const Row& row : rows()) {
    if (row.to_deployment == nullptr) continue;
    const std::string text = text_of(models_, all, row, provider, nullptr);
    if (!text.empty()) row.to_deployment(reread(row, text), config);
  }
  const Row& cached = *model_row("price_cached_input");
  if (text_of(models_, all, cached, provider, nullptr).empty()) {
    config.prices.cached_input = config.prices.input;
  }
  const auto sound = check_calls(config);
  if (!sound) return sound.error();
  auto limits =
      name.empty() ? limits_of(Owner::kModel, model, all, provider) : limits_of(config, own, all);
  if (!limits) return limits.error();
  config.limits = std::move(limits.value());
  config.found_like = usual_limit(Owner::kModel, all, provider);
  return config;
}

// With those of the model and of its pools.
core::Result<core::Done> Config::check_limits_of(const ModelConfig& model,
                                                 const DeploymentConfig& deployment) const {
  if (has_cost(deployment.limits) && !deployment.has_prices) return without_prices(deployment, "");
  if ((has_cost(model.limits) || has_cost(model.tenant_limits)) && !deployment.has_prices) {
    return without_prices(deployment, deployment.name.empty() ? "" : " of model " + model.name);
  }
  size_t count = deployment.limits.size() + model.limits.size() + model.tenant_limits.size();
  for (const std::string& name : deployment.pools) {
    const Settings* settings = pools_.find(name);
    if (settings == nullptr) {
      return bad_setting(
          deployment.key_prefix() + "pool",
          "there is no pool " + quoted(name) + ": pool." + name + ".limits is not set");
    }
    const auto made = pool(name, *settings);
    if (!made) return made.error();
    if (has_cost(made.value().limits) && !deployment.has_prices) {
      return without_prices(deployment, " of pool " + name);
    }
    count += made.value().limits.size();
  }
  if (count <= kMostLimits) return core::Done{};
  const char* const whose =
      deployment.name.empty()
          ? " limits, those of its pools among them, are more than the "
          : " limits, those of its pools and of its model among them, are more than the ";
  return bad_setting(deployment.key_prefix() + "pool",
                     std::to_string(count) + whose + std::to_string(kMostLimits) + " that a " +
                         (deployment.name.empty() ? "model" : "deployment") + " may have");
}

// All limits that settings state, as one text.
std::string Config::limits_text(const Settings& from, core::DurationNs long_period) {
  std::string text;
  std::string changes;
  for (const Row& row : rows()) {
    const auto found = from.find(row.name);
    if (row.scope != Scope::kDeployment || !states_limits(row) || found == from.end()) continue;
    std::string& to = row.name == kLimit ? changes : text;
    to += (to.empty() ? "" : ";") +
          (row.is_limit ? shorthand_text(row, found->second, long_period) : found->second);
  }
  return changes.empty() ? text : merged_limits(text, changes);
}

// The only deployment of a model, which had no name, is "0" from now on: limits that are not of
// tenants are its own, in the same words, and those of "*" with them.
void Config::name_only_deployment(std::string_view model) {
  Settings& own = models_.of(model);
  Settings& every = models_.of(kEvery);
  Settings& first = deployments_[std::string(model)].of("0");
  const auto part = [&](const std::string& name, std::string_view text) {
    while (!text.empty()) {
      const std::string_view one = text.substr(0, text.find(';'));
      text.remove_prefix(std::min(one.size() + 1, text.size()));
      const auto limit = parse_limit_entry(one, kLimits);
      std::string& to = (limit && limit.value().spec.per_tenant ? own : first)[name];
      to += (to.empty() ? "" : ";") + std::string(one);
    }
  };
  const core::DurationNs long_period = long_period_of(own);
  const std::string mine = limits_text(own, long_period);
  std::string others = limits_text(every, long_period);
  if (!mine.empty()) {
    others = merged_limits(others, mine);
    others.resize(others.size() - mine.size());
  }
  for (const Row& row : rows()) {
    if (row.scope != Scope::kDeployment || !states_limits(row)) continue;
    every.erase(row.name);
    const auto found = own.find(row.name);
    if (found == own.end()) continue;
    const std::string value = found->second;
    own.erase(found);
    if (row.is_limit) {
      first[row.name] = value;
    } else {
      part(row.name, value);
    }
  }
  part(kLimits, others);
}

void Config::add_deployment(const Config& from, std::string_view model, std::string_view name) {
  const std::string whose(model);
  if (deployments_of(model).order.empty()) name_only_deployment(model);
  deployments_[whose].of(name) = *from.deployments_of(model).find(name);
  for (const std::string& pool : from.pools_.order) {
    if (pools_.find(pool) == nullptr) pools_.of(pool) = *from.pools_.find(pool);
  }
}

void Config::remove_deployment(std::string_view model, std::string_view name) {
  Group& group = deployments_[std::string(model)];
  group.members.erase(std::string(name));
  group.order.erase(std::find(group.order.begin(), group.order.end(), name));
}

}  // namespace llmq::config
