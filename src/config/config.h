// Settings as keys and values over one table (src/config/keys.cc): the only place that knows a
// key's name, type, range, default and text. parse, get, list, validate and docs/configuration.md
// all come from it.
#ifndef LLMQ_CONFIG_CONFIG_H_
#define LLMQ_CONFIG_CONFIG_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "config/presets.h"
#include "config/value.h"
#include "core/result.h"

namespace llmq::config {

enum class Owner : uint8_t;
struct KeyParts;
struct ProviderChoice;
struct Whose;

// One row of the table, as text for lists and docs. Keys of models, pools and tenants are shown as
// "model.*.rpm".
struct KeyInfo {
  const char* key;
  const char* type;  // with the range: "integer 1 .. 16000000"
  const char* def;   // default as text
  const char* doc;   // one sentence
};
const std::vector<KeyInfo>& keys();

// The providers that the key `provider` takes beside none and mock; nullptr past the last.
const provider::Profile* provider_at(size_t index);

class Config {
 public:
  // "max_pending", "model.<name>.<key>", "model.<name>.deployments.<name>.<key>",
  // "pool.<name>.<key>" or "tenant.<name>.<key>"; the name may contain dots, the longest known key
  // suffix decides; the name "*" gives defaults for all models, pools or tenants. kUnknownKey and
  // kInvalidValue name the key, the range and the value.
  core::Result<core::Done> set(std::string_view key, std::string_view value);
  // The same for a key that has been taken apart; `what` names the setting in errors.
  core::Result<core::Done> apply(const KeyParts& key, std::string_view value,
                                 std::string_view what);
  // Makes a model, deployment, pool or tenant known that has no setting of its own.
  void mention(const Whose& whose) { settings_of(whose); }

  // {"max_pending":..., "log":{"level":"info"}, "pools":[{"name":"account","limits":[...]}],
  // "tenants":[{"name":"a","weight":3}],
  // "models":[{"name":"gpt-4o","limits":[{"requests":500,"per":"1m"},
  //  {"tokens":30000,"per":"1m","charge":"actual"},{"concurrency":8}],"deployments":[{"provider":"openai",
  //  "base_url":"...","api_key_env":"OPENAI_API_KEY"}],"retry":{"max_attempts":8,"base_ms":500,"cap_ms":30000}}]}
  // One deployment without a name is the model itself; else those without one are called by their
  // place, "0", "1". All or nothing. Malformed JSON: kInvalidValue with line and column.
  core::Result<core::Done> set_json(std::string_view document);

  // Value as text: what was set, else the default ("" = none).
  core::Result<std::string> get(std::string_view key, bool* is_default) const;

  std::vector<std::string> model_names() const;  // order of first mention, without "*"
  std::vector<std::string> pool_names() const;
  std::vector<std::string> tenant_names() const;
  // Of a model, in the order of first mention; none if its only deployment has no name.
  std::vector<std::string> deployment_names(std::string_view model) const;

  // The typed settings; fails on what is out of range or contradicts itself.
  core::Result<ManagerConfig> manager() const;
  core::Result<std::vector<ModelConfig>> models() const;
  core::Result<std::vector<PoolConfig>> pools() const;

  // What one model or pool is made from, and nothing else: to be changed while it is in use.
  Config only_model(std::string_view model) const;
  Config only_pool(std::string_view pool) const;
  // Of what only_model() made: a deployment of the model as `from` has it, with its pools, beside
  // those that are there. One that had no name is called "0" then, and has the model's limits,
  // which were its own. `from` must have it.
  void add_deployment(const Config& from, std::string_view model, std::string_view name);
  void remove_deployment(std::string_view model, std::string_view name);

  bool operator==(const Config& other) const;  // same settings, in the same words

 private:
  using Settings = std::map<std::string, std::string, std::less<>>;  // name of a row -> text

  // What belongs to models, pools or tenants, by name.
  struct Group {
    std::vector<std::string> order;  // of first mention, without "*"
    std::map<std::string, Settings, std::less<>> members;

    Settings& of(std::string_view name);
    const Settings* find(std::string_view name) const;
    bool operator==(const Group& other) const {
      return order == other.order && members == other.members;
    }
  };

  const Group& group(Owner owner) const;
  Group& group(Owner owner);
  Settings& settings_of(const Whose& whose);
  const Group& deployments_of(std::string_view model) const;
  // What a deployment goes by where the model does not decide: its own settings, else the model's,
  // but for limits.
  Settings layered(const Settings& model, const Settings& deployment) const;
  // Everything that a member says, presets included; of a deployment, with what its model says.
  Settings effective(const Whose& whose) const;
  // The settings of each deployment of a model, layered; the model's own if none has a name.
  std::vector<Settings> each_deployment(const std::string& model) const;
  // The text that counts for a member: its own, that of "*", or the default.
  std::string text_of(const Group& group, const Settings& own, const Row& row,
                      const ProviderChoice& provider, bool* is_default) const;
  ProviderChoice provider_of(const Settings& model) const;
  ProviderChoice provider_of_pool(std::string_view pool) const;  // of the first model that names it
  const Preset* preset_of(const Settings& model) const;
  // The model's settings, and what its preset says where neither it nor "*" does.
  Settings with_preset(const std::string& name, const Settings& own) const;
  core::Result<PoolConfig> pool(const std::string& name, const Settings& own) const;

  // config_models.cc
  core::Result<ModelConfig> model(const std::string& name, const Settings& own) const;
  // `own` is what it says itself, `given` with what its model says.
  core::Result<DeploymentConfig> deployment(const std::string& model, const std::string& name,
                                            const Settings& own, const Settings& given) const;
  core::Result<core::Done> add_deployments(const Settings& own, ModelConfig& model) const;
  static std::string limits_text(const Settings& from, core::DurationNs long_period);
  void name_only_deployment(std::string_view model);
  core::Result<core::Done> check_limits_of(const ModelConfig& model,
                                           const DeploymentConfig& deployment) const;

  // config_limits.cc
  core::Result<std::vector<LimitEntry>> read_limits(std::string_view owner_key,
                                                    const Settings& settings,
                                                    core::DurationNs long_period) const;
  core::Result<std::vector<LimitEntry>> read_all_limits(Owner owner, const std::string& name,
                                                        const Settings& own) const;
  core::LimitSpec usual_limit(Owner owner, const Settings& own,
                              const ProviderChoice& provider) const;
  core::DurationNs long_period_of(const Settings& own) const;
  void add_preset_limits(const std::string& name, const Settings& own,
                         std::vector<LimitEntry>& entries) const;
  // Of a pool, or of a model whose only deployment has no name.
  core::Result<std::vector<core::LimitSpec>> limits_of(Owner owner, const std::string& name,
                                                       const Settings& own,
                                                       const ProviderChoice& provider) const;
  // Of a deployment that has a name.
  core::Result<std::vector<core::LimitSpec>> limits_of(const DeploymentConfig& deployment,
                                                       const Settings& own,
                                                       const Settings& given) const;
  // Of a model whose deployments have names: ours, over all of them.
  core::Result<std::vector<core::LimitSpec>> total_limits(const std::string& model,
                                                          const Settings& own) const;

  Settings manager_;
  Group models_;
  Group pools_;
  Group tenants_;
  std::map<std::string, Group, std::less<>> deployments_;  // by model
};

// "250ms", "6s", "1m", "2h", "1d"; a bare number is not a period.
core::Result<core::DurationNs> parse_period(std::string_view text, std::string_view what);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_CONFIG_H_
