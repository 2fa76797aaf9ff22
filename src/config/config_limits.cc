// The limits of a model or pool: what its keys, limit texts and those of "*" amount to together.
#include <algorithm>

#include "config/config.h"
#include "config/keys.h"
#include "config/limit_options.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

namespace llmq::config {
namespace {

constexpr std::string_view kLimits = "limits";
constexpr std::string_view kLimit = "limit";  // takes the place of what the others say

// A text that set() has accepted, read again.
Value reread(const Row& row, std::string_view text) {
  auto value = parse_value(row, text, row.name);
  return value ? std::move(value.value()) : Value();
}

const LimitEntry* find_subject(const std::vector<LimitEntry>& entries, const LimitEntry& entry) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const LimitEntry& other) {
    return core::is_same_limit(other.spec, entry.spec);
  });
  return found == entries.end() ? nullptr : &*found;
}

core::Result<std::vector<LimitEntry>> entries_of(const Row& row, std::string_view text,
                                                 core::DurationNs long_period,
                                                 const std::string& key) {
  Value value = reread(row, text);
  if (!row.is_limit) return std::move(value.limits);
  const bool timed = row.limit_kind != core::LimitKind::kConcurrency;
  const core::DurationNs period = !timed                     ? core::DurationNs{}
                                  : row.limit_period.ns != 0 ? row.limit_period
                                                             : long_period;
  auto entry = make_limit(row.limit_kind, value.number, period, key);
  if (!entry) return entry.error();
  return std::vector<LimitEntry>{entry.value()};
}

core::Error too_many(const std::string& key, size_t count) {
  return bad_setting(key, std::to_string(count) + " limits are more than the " +
                              std::to_string(core::kMaxLimitsPerModel) + " that a model may have");
}

// With what they do not say themselves.
core::Result<std::vector<core::LimitSpec>> completed(std::vector<LimitEntry>& entries,
                                                     const core::LimitSpec& usual,
                                                     const std::string& prefix) {
  const std::string key = prefix + std::string(kLimits);
  if (entries.size() > static_cast<size_t>(core::kMaxLimitsPerModel)) {
    return too_many(key, entries.size());
  }
  std::vector<core::LimitSpec> limits;
  for (LimitEntry& entry : entries) {
    core::LimitSpec& spec = entry.spec;
    const bool timed = spec.kind != core::LimitKind::kConcurrency;
    if (!entry.shape_given && timed) spec.shape = usual.shape;
    if (!entry.charge_given) spec.charge = usual.charge;
    if (!entry.jitter_given && usual.jitter != core::kJitterOfPeriod && timed) {
      spec.jitter = usual.jitter;
    }
    const std::string fault = shape_fault(entry);
    if (!fault.empty()) {
      return bad_setting(key, core::limit_name(spec) + " contradicts itself: " + fault);
    }
    if (spec.shape == core::Shape::kQuantised && !entry.slice_given) spec.slice = kLeastPeriod;
    limits.push_back(spec);
  }
  return limits;
}

}  // namespace

// What one level of settings says, twice the same subject being a contradiction.
core::Result<std::vector<LimitEntry>> Config::read_limits(std::string_view owner_key,
                                                          const Settings& settings,
                                                          core::DurationNs long_period) const {
  std::vector<LimitEntry> entries;
  if (const auto found = settings.find(kLimit); found != settings.end()) {
    entries = reread(*model_row(kLimit), found->second).limits;
  }
  const size_t overriding = entries.size();
  for (const Row& row : rows()) {
    if (row.scope == Scope::kPool || (!row.is_limit && row.name != kLimits)) continue;
    const auto found = settings.find(row.name);
    if (found == settings.end()) continue;
    const std::string key = std::string(owner_key) + row.name;
    auto more = entries_of(row, found->second, long_period, key);
    if (!more) return more.error();
    for (const LimitEntry& entry : more.value()) {
      const LimitEntry* other = find_subject(entries, entry);
      if (other == nullptr) {
        entries.push_back(entry);
      } else if (other - entries.data() >= static_cast<std::ptrdiff_t>(overriding)) {
        return bad_setting(key, core::limit_name(entry.spec) + " is given twice, as " +
                                    amount_text(other->spec.kind, other->spec.amount) + " and as " +
                                    amount_text(entry.spec.kind, entry.spec.amount));
      }
    }
  }
  return entries;
}

// What limits take that do not say it themselves.
core::LimitSpec Config::usual_limit(Owner owner, const Settings& own,
                                    const ProviderChoice& provider) const {
  const auto value_of = [&](const char* row_name) {
    const Row& row = *find_row(owner, row_name);
    return reread(row, text_of(group(owner), own, row, provider, nullptr));
  };
  core::LimitSpec usual;
  usual.shape = static_cast<core::Shape>(value_of("shape").number);
  usual.charge = static_cast<core::ChargeModel>(value_of("charge").number);
  if (usual.shape == core::Shape::kQuantised) usual.slice = kLeastPeriod;
  const Value jitter = value_of("jitter_ms");
  usual.jitter = jitter.is_word ? core::kJitterOfPeriod : core::milliseconds(jitter.number);
  return usual;
}

// A preset gives way to whatever else is said of the same kind and period.
void Config::add_preset_limits(const std::string& name, const Settings& own,
                               std::vector<LimitEntry>& entries) const {
  const Preset* const preset = preset_of(own);
  const PresetModel* const model = preset == nullptr ? nullptr : preset->for_model(name);
  if (model == nullptr) return;
  for (const auto& [key, value] : model->settings) {
    if (key != kLimits) continue;
    for (const LimitEntry& entry : reread(*model_row(kLimits), value).limits) {
      if (find_subject(entries, entry) == nullptr) entries.push_back(entry);
    }
  }
}

core::DurationNs Config::long_period_of(const Settings& own) const {
  const Row& row = *model_row("time_period_s");
  return core::seconds(reread(row, text_of(models_, own, row, {}, nullptr)).number);
}

// Its own, and where it says nothing of the same kind and period those of "*".
core::Result<std::vector<LimitEntry>> Config::read_all_limits(Owner owner, const std::string& name,
                                                              const Settings& own) const {
  const core::DurationNs long_period =
      owner == Owner::kModel ? long_period_of(own) : core::DurationNs{};
  const std::string prefix = std::string(owner_name(owner)) + ".";
  auto read = read_limits(prefix + name + ".", own, long_period);
  if (!read) return read;
  std::vector<LimitEntry> entries = std::move(read.value());
  const Settings* const every = group(owner).find("*");
  if (every == nullptr) return entries;
  read = read_limits(prefix + "*.", *every, long_period);
  if (!read) return read;
  for (const LimitEntry& entry : read.value()) {
    if (find_subject(entries, entry) == nullptr) entries.push_back(entry);
  }
  return entries;
}

core::Result<std::vector<core::LimitSpec>> Config::limits_of(Owner owner, const std::string& name,
                                                             const Settings& own,
                                                             const ProviderChoice& provider) const {
  auto entries = read_all_limits(owner, name, own);
  if (!entries) return entries.error();
  if (owner == Owner::kModel) add_preset_limits(name, own, entries.value());
  return completed(entries.value(), usual_limit(owner, own, provider),
                   std::string(owner_name(owner)) + "." + name + ".");
}

core::Result<std::vector<core::LimitSpec>> Config::limits_of(const DeploymentConfig& deployment,
                                                             const Settings& own,
                                                             const Settings& given) const {
  const std::string prefix = deployment.key_prefix();
  auto entries = read_limits(prefix, own, long_period_of(given));
  if (!entries) return entries.error();
  add_preset_limits(deployment.model, given, entries.value());
  return completed(entries.value(), usual_limit(Owner::kModel, given, provider_of(given)), prefix);
}

// No provider counts them, so there is nothing to be learnt and nothing to be unsure of.
core::Result<std::vector<core::LimitSpec>> Config::total_limits(const std::string& model,
                                                                const Settings& own) const {
  auto entries = read_all_limits(Owner::kModel, model, own);
  if (!entries) return entries.error();
  const std::string prefix = "model." + model + ".";
  core::LimitSpec usual;
  usual.jitter = core::kJitterOfPeriod;
  auto limits = completed(entries.value(), usual, prefix);
  if (!limits) return limits;
  for (core::LimitSpec& limit : limits.value()) {
    limit.ours = !limit.per_tenant;
    if (!limit.ours || limit.shape != core::Shape::kAuto) continue;
    return bad_setting(prefix + std::string(kLimits),
                       core::limit_name(limit) +
                           " bounds all deployments together, which no provider counts: shape=auto "
                           "has nothing to learn from");
  }
  return limits;
}

}  // namespace llmq::config
