// The table of keys, and how its rows are found. A new setting is one row in keys.cc, and nothing
// else.
#ifndef LLMQ_CONFIG_KEYS_H_
#define LLMQ_CONFIG_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/value.h"

namespace llmq::config {

enum class Scope : uint8_t {
  kManager,
  kModel,
  kDeployment,  // a model key that each of its deployments may set for itself
  kPool,
  kTenant,
};

// What a key is a setting of: "model.<name>.<key>" and so on; the manager's have no name. Those of
// deployments are "model.<name>.deployments.<name>.<key>".
enum class Owner : uint8_t { kManager, kModel, kPool, kTenant };
inline constexpr Owner kOwners[] = {Owner::kManager, Owner::kModel, Owner::kPool, Owner::kTenant};
Owner owner_of(Scope scope);
const char* owner_name(Owner owner);  // "manager", "model", "pool", "tenant"

enum class Kind : uint8_t {
  kInteger,
  kUnsigned,  // 64 bits; JSON beyond 2^53: as a string
  kSize,      // bytes: 2147483648 or 2GiB
  kFraction,  // 0 .. 1
  kBool,
  kChoice,
  kText,
  kVariable,  // name of an environment variable
  kUrl,
  kRange,  // one integer, or min..max
  kLimits,
  kMoney,  // a decimal number with at most 6 decimals
  kNames,  // of pools, separated by commas
  kZone,   // name of a time zone
  kHeaders,
};

struct Choice {
  const char* text;
  int64_t value;
};

// Who runs the attempts of a model, and how.
struct ProviderChoice {
  ProviderKind kind = ProviderKind::kNone;
  const provider::Profile* profile = nullptr;  // of kHttp; never null then
};
// The value of the key `provider` as a number, and back.
ProviderChoice provider_choice(int64_t number);

struct Row {
  const char* name = "";  // without "model.<name>." and the like
  Scope scope = Scope::kManager;
  Kind kind = Kind::kInteger;
  int64_t min = 0;
  int64_t max = 0;
  const char* def = "";  // "" = none
  const char* doc = "";
  void (*to_manager)(const Value&, ManagerConfig&) = nullptr;
  void (*to_model)(const Value&, ModelConfig&) = nullptr;
  void (*to_deployment)(const Value&, DeploymentConfig&) = nullptr;
  void (*to_pool)(const Value&, PoolConfig&) = nullptr;
  void (*to_tenant)(const Value&, TenantConfig&) = nullptr;
  const Choice* choices = nullptr;                          // ends with a null text
  const char* word = nullptr;                               // accepted in place of a value
  const char* (*why_not)(std::string_view text) = nullptr;  // more about a value that is refused
  const char* mock_def = nullptr;                           // with provider mock, if different
  const char* (*fault)(std::string_view text) = nullptr;    // what is wrong with a value
  bool may_be_secret = false;                               // then errors do not show it
  // With a provider over HTTP, if different: one for all, or what the profile says.
  const char* http_def = nullptr;
  std::string_view (*profile_def)(const provider::Profile&) = nullptr;
  // A shorthand for one limit; period 0 = time_period_s decides.
  bool is_limit = false;
  core::LimitKind limit_kind = core::LimitKind::kRequests;
  core::DurationNs limit_period{};
  bool live = false;  // llmq_manager_set takes it while the manager runs

  std::string_view default_for(const ProviderChoice& provider) const;
  // The type with its range, as errors and docs name it.
  std::string type_text() const;
};

const std::deque<Row>& rows();

// A row by its name; nullptr if there is none.
const Row* find_row(Owner owner, std::string_view name);
const Row* model_row(std::string_view name);

// Whose setting it is. `name` is "" for the manager's, `deployment` for what belongs to none.
struct Whose {
  Owner owner = Owner::kManager;
  std::string_view name;
  std::string_view deployment;
};

// A limit, or several, whichever key states it.
inline bool states_limits(const Row& row) { return row.is_limit || row.kind == Kind::kLimits; }

// A key taken apart.
struct KeyParts {
  const Row* row = nullptr;
  Whose whose;
};
core::Result<KeyParts> resolve(std::string_view key);

// Is the name fit for a model, pool or tenant: 1 .. 255 bytes of UTF-8 without control characters?
// Names of pools stand in lists: neither comma nor space. Those of models stand in keys before
// ".deployments.".
core::Result<core::Done> check_name(Owner owner, std::string_view name, std::string_view what);
// The same for a deployment of that model.
core::Result<core::Done> check_deployment(std::string_view model, std::string_view name,
                                          std::string_view what);
// May deployments have their own of it?
core::Result<core::Done> check_per_deployment(const Row& row, std::string_view what);

// kUnknownKey that names `path`, the key as it was given.
core::Error unknown_key(std::string_view path);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_KEYS_H_
