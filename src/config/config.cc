#include "config/config.h"

#include <algorithm>

#include "config/keys.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

namespace llmq::config {
namespace {

constexpr std::string_view kEveryModel = "*";
constexpr std::string_view kLimits = "limits";

std::string key_of(std::string_view model, std::string_view name) {
  return "model." + std::string(model) + "." + std::string(name);
}

// A text that set() has accepted, read again.
Value reread(const Row& row, std::string_view text) {
  auto value = parse_value(row, text, row.name);
  return value ? std::move(value.value()) : Value();
}

const LimitEntry* find_subject(const std::vector<LimitEntry>& entries, const LimitEntry& entry) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const LimitEntry& other) {
    return same_subject(other.spec, entry.spec);
  });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

Config::Settings& Config::settings_of(std::string_view model) {
  const auto found = models_.find(model);
  if (found != models_.end()) return found->second;
  if (model != kEveryModel) order_.emplace_back(model);
  return models_.emplace(model, Settings()).first->second;
}

core::Result<core::Done> Config::set(std::string_view key, std::string_view value) {
  const auto parts = resolve(key);
  if (!parts) return parts.error();
  return apply(*parts.value().row, parts.value().model, value, key);
}

core::Result<core::Done> Config::apply(const Row& row, std::string_view model,
                                       std::string_view value, std::string_view what) {
  const auto parsed = parse_value(row, value, what);
  if (!parsed) return parsed.error();
  if (row.scope == Scope::kManager) {
    manager_[row.name] = value;
    return core::Done{};
  }
  Settings& settings = settings_of(model);
  if (row.kind == Kind::kLimits) {
    for (const Row& other : rows()) {
      if (other.is_limit) settings.erase(other.name);
    }
  }
  settings[row.name] = value;
  return core::Done{};
}

std::string Config::text_of(const Settings& own, const Row& row, ProviderKind provider,
                            bool* is_default) const {
  if (is_default != nullptr) *is_default = false;
  const auto mine = own.find(row.name);
  if (mine != own.end()) return mine->second;
  const auto every = models_.find(kEveryModel);
  if (every != models_.end()) {
    const auto theirs = every->second.find(row.name);
    if (theirs != every->second.end()) return theirs->second;
  }
  if (is_default != nullptr) *is_default = true;
  return row.default_for(provider);
}

ProviderKind Config::provider_of(const Settings& own) const {
  const Row& row = *model_row("provider");
  return static_cast<ProviderKind>(
      reread(row, text_of(own, row, ProviderKind::kNone, nullptr)).number);
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
  const auto found = models_.find(parts.value().model);
  const Settings& own = found == models_.end() ? nothing : found->second;
  return text_of(own, row, provider_of(own), is_default);
}

std::vector<std::string> Config::model_names() const { return order_; }

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
  return config;
}

core::Result<std::vector<core::LimitSpec>> Config::limits_of(const std::string& name,
                                                             const Settings& own,
                                                             ProviderKind provider) const {
  const auto text = [&](const char* key) {
    return text_of(own, *model_row(key), provider, nullptr);
  };
  const core::DurationNs long_period =
      core::seconds(reread(*model_row("time_period_s"), text("time_period_s")).number);

  // What one level of settings says, twice the same subject being a contradiction.
  const auto read_level = [&](std::string_view model, const Settings& settings,
                              std::vector<LimitEntry>& entries) -> core::Result<core::Done> {
    for (const Row& row : rows()) {
      const auto found = settings.find(row.name);
      if (found == settings.end() || (!row.is_limit && row.name != kLimits)) continue;
      Value value = reread(row, found->second);
      if (row.is_limit) {
        const bool timed = row.limit_kind != core::LimitKind::kConcurrency;
        const core::DurationNs period = !timed                     ? core::DurationNs{}
                                        : row.limit_period.ns != 0 ? row.limit_period
                                                                   : long_period;
        auto entry = make_limit(row.limit_kind, value.number, period, key_of(model, row.name));
        if (!entry) return entry.error();
        value.limits = {entry.value()};
      }
      for (const LimitEntry& entry : value.limits) {
        if (const LimitEntry* other = find_subject(entries, entry)) {
          return bad_setting(key_of(model, row.name),
                             core::limit_name(entry.spec) + " is given twice, as " +
                                 std::to_string(other->spec.amount) + " and as " +
                                 std::to_string(entry.spec.amount));
        }
        entries.push_back(entry);
      }
    }
    return core::Done{};
  };

  std::vector<LimitEntry> entries;
  auto read = read_level(name, own, entries);
  if (!read) return read.error();
  const auto every = models_.find(kEveryModel);
  if (every != models_.end()) {
    std::vector<LimitEntry> general;
    read = read_level(kEveryModel, every->second, general);
    if (!read) return read.error();
    for (const LimitEntry& entry : general) {
      if (find_subject(entries, entry) == nullptr) entries.push_back(entry);
    }
  }
  if (entries.size() > static_cast<size_t>(core::kMaxLimitsPerModel)) {
    return bad_setting(key_of(name, kLimits),
                       std::to_string(entries.size()) + " limits are more than the " +
                           std::to_string(core::kMaxLimitsPerModel) + " that a model may have");
  }

  const auto charge =
      static_cast<core::ChargeModel>(reread(*model_row("charge"), text("charge")).number);
  const Value jitter = reread(*model_row("jitter_ms"), text("jitter_ms"));
  std::vector<core::LimitSpec> limits;
  for (LimitEntry& entry : entries) {
    if (!entry.charge_given) entry.spec.charge = charge;
    if (!entry.jitter_given && !jitter.is_word &&
        entry.spec.kind != core::LimitKind::kConcurrency) {
      entry.spec.jitter = core::milliseconds(jitter.number);
    }
    limits.push_back(entry.spec);
  }
  return limits;
}

core::Result<ModelConfig> Config::model(const std::string& name, const Settings& own) const {
  ModelConfig config;
  config.name = name;
  const ProviderKind provider = provider_of(own);
  for (const Row& row : rows()) {
    if (row.to_model == nullptr) continue;
    const std::string text = text_of(own, row, provider, nullptr);
    if (text.empty()) continue;
    row.to_model(reread(row, text), config);
  }
  if (config.retry.cap < config.retry.base) {
    return bad_setting(key_of(name, "retry.cap_ms"), "it is less than retry.base_ms");
  }
  auto limits = limits_of(name, own, provider);
  if (!limits) return limits.error();
  config.limits = std::move(limits.value());
  return config;
}

core::Result<std::vector<ModelConfig>> Config::models() const {
  std::vector<ModelConfig> models;
  for (const std::string& name : order_) {
    auto config = model(name, models_.find(name)->second);
    if (!config) return config.error();
    models.push_back(std::move(config.value()));
  }
  return models;
}

bool Config::operator==(const Config& other) const {
  return manager_ == other.manager_ && order_ == other.order_ && models_ == other.models_;
}

}  // namespace llmq::config
