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
struct ProviderChoice;

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
  // "max_pending", "model.<name>.<key>", "pool.<name>.<key>" or "tenant.<name>.<key>"; the name may
  // contain dots, the longest known key suffix decides; the name "*" gives defaults for all models,
  // pools or tenants. kUnknownKey and kInvalidValue name the key, the range and the value.
  core::Result<core::Done> set(std::string_view key, std::string_view value);
  // The same for a row of the table; `what` names the setting in errors. `name` is "" for a
  // manager's row.
  core::Result<core::Done> apply(const Row& row, std::string_view name, std::string_view value,
                                 std::string_view what);
  // Makes a model, pool or tenant known that has no setting of its own.
  void mention(Owner owner, std::string_view name) { group(owner).of(name); }

  // {"max_pending":..., "log":{"level":"info"}, "pools":[{"name":"account","limits":[...]}],
  // "tenants":[{"name":"a","weight":3}],
  // "models":[{"name":"gpt-4o","limits":[{"requests":500,"per":"1m"},
  //  {"tokens":30000,"per":"1m","charge":"actual"},{"concurrency":8}],"deployments":[{"provider":"openai",
  //  "base_url":"...","api_key_env":"OPENAI_API_KEY"}],"retry":{"max_attempts":8,"base_ms":500,"cap_ms":30000}}]}
  // All or nothing. Malformed JSON: kInvalidValue with line and column. More than one deployment:
  // kInvalidValue that says one is supported.
  core::Result<core::Done> set_json(std::string_view document);

  // Value as text: what was set, else the default ("" = none).
  core::Result<std::string> get(std::string_view key, bool* is_default) const;

  std::vector<std::string> model_names() const;  // order of first mention, without "*"
  std::vector<std::string> pool_names() const;
  std::vector<std::string> tenant_names() const;

  // The typed settings; fails on what is out of range or contradicts itself.
  core::Result<ManagerConfig> manager() const;
  core::Result<std::vector<ModelConfig>> models() const;
  core::Result<std::vector<PoolConfig>> pools() const;

  // What one model or pool is made from, and nothing else: to be changed while it is in use.
  Config only_model(std::string_view model) const;
  Config only_pool(std::string_view pool) const;

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
  // The text that counts for a member: its own, that of "*", or the default.
  std::string text_of(const Group& group, const Settings& own, const Row& row,
                      const ProviderChoice& provider, bool* is_default) const;
  ProviderChoice provider_of(const Settings& model) const;
  ProviderChoice provider_of_pool(std::string_view pool) const;  // of the first model that names it
  core::Result<ModelConfig> model(const std::string& name, const Settings& own) const;
  const Preset* preset_of(const Settings& model) const;
  // The model's settings, and what its preset says where neither it nor "*" does.
  Settings with_preset(const std::string& name, const Settings& own) const;
  core::Result<PoolConfig> pool(const std::string& name, const Settings& own) const;
  core::Result<core::Done> check_pools_of(const ModelConfig& model) const;

  // config_limits.cc
  core::Result<std::vector<LimitEntry>> read_limits(std::string_view owner_key,
                                                    const Settings& settings,
                                                    core::DurationNs long_period) const;
  core::LimitSpec usual_limit(Owner owner, const Settings& own,
                              const ProviderChoice& provider) const;
  void add_preset_limits(const std::string& name, const Settings& own,
                         std::vector<LimitEntry>& entries) const;
  core::Result<std::vector<core::LimitSpec>> limits_of(Owner owner, const std::string& name,
                                                       const Settings& own,
                                                       const ProviderChoice& provider) const;

  Settings manager_;
  Group models_;
  Group pools_;
  Group tenants_;
};

// "250ms", "6s", "1m", "2h", "1d"; a bare number is not a period.
core::Result<core::DurationNs> parse_period(std::string_view text, std::string_view what);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_CONFIG_H_
