// The models of a manager by name, for any thread to look up without a lock.
//
// Entries and tables are kept until the registry dies, so that a reader may hold on to what it
// found; a table is replaced by one twice the size, so the old ones take no more room than the
// last.
#ifndef LLMQ_RUNTIME_REGISTRY_H_
#define LLMQ_RUNTIME_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/model_config.h"
#include "core/event.h"
#include "core/request.h"
#include "runtime/callback.h"
#include "runtime/current.h"
#include "runtime/stored_key.h"
#include "runtime/token_learning.h"

namespace llmq::runtime {

// Limits that several models share, or all deployments of one.
struct PoolEntry {
  core::PoolIndex index = 0;
  std::string name;  // "" of those over all deployments of a model
  std::string time_zone;
  std::vector<core::LimitSpec> first_limits;  // as registered: a later registration must agree
  Current<std::vector<core::LimitSpec>> limits;
  // Guarded by the registry's mutex:
  config::Config source;                // what `limits` was made from
  std::vector<core::LimitSpec> places;  // every limit that it has or had: the engine keeps them
};

struct DeploymentEntry {
  core::DeploymentIndex index = 0;
  config::DeploymentConfig config;  // as registered: where and how it is called never changes
  std::vector<PoolEntry*> pools;    // never changes; that of all deployments is the last
  ApiKeyCallback key_fn;
  // Guarded by the registry's mutex:
  std::vector<core::LimitSpec> places;  // every limit of its own that it has or had
  // The loop's own:
  core::Prices prices;
  uint64_t mock_calls = 0;
  StoredKey key;           // from the environment or a file; none = ask key_fn, or there is none
  size_t refused_key = 0;  // a fingerprint of the one that was refused last
  std::string quota_told;  // the last refusal because the account's quota is used up
};

// A model as llmq_manager_set and changes of its deployments have left it.
struct ModelSettings : config::ModelConfig {
  std::vector<DeploymentEntry*> entries;  // beside its deployments
  // Places of those whose calls say a payload in a way of their own, the first one among them.
  std::vector<size_t> forms;
  std::vector<core::ModelIndex> fallback_models;  // of `fallback`
};

struct ModelEntry {
  core::ModelIndex index = 0;
  config::ModelConfig config;       // as registered: never changes
  Current<ModelSettings> settings;  // as it is now
  PoolEntry* total = nullptr;       // over all deployments; none where the first has no name
  // Guarded by the registry's mutex:
  config::Config source;                       // what `settings` was made from
  std::vector<core::LimitSpec> tenant_places;  // every limit of its tenants that it has or had
  std::vector<std::unique_ptr<DeploymentEntry>> deployments;  // by index, those that left too
  std::atomic<bool> removed{false};
  TokenLearning tokens;  // what its answers have taught
  // The loop's own:
  std::vector<DeploymentEntry*> called;  // by index, those that left too
  std::shared_ptr<Processor> processor;
  bool gives_permits = false;  // without a processor too

  bool has_processor() const {
    return config.deployments.front().provider == config::ProviderKind::kNone;
  }
};

class Registry {
 public:
  Registry();

  // The model of that name that new requests may use; nullptr if there is none.
  ModelEntry* find(std::string_view name) const;
  ModelEntry* by_index(core::ModelIndex index) const;

  // The caller holds mutex() across looking and adding.
  std::mutex& mutex() { return mutex_; }
  core::ModelIndex next_index() const { return static_cast<core::ModelIndex>(entries_.size()); }
  // For so many more, which can then be added without memory.
  void reserve(size_t models, size_t pools);
  void add(std::unique_ptr<ModelEntry> entry) noexcept;
  // nullptr if there is none. Pools are never removed.
  PoolEntry* find_pool(std::string_view name) const;
  core::PoolIndex next_pool() const { return static_cast<core::PoolIndex>(pools_.size()); }
  void add_pool(std::unique_ptr<PoolEntry> pool) noexcept { pools_.push_back(std::move(pool)); }
  // Registered models of which deployments draw on it.
  std::vector<ModelEntry*> models_of(const PoolEntry* pool) const;

  // Registered models in the order of their registration.
  std::vector<ModelEntry*> list();

 private:
  struct Table {
    explicit Table(size_t slots);
    size_t mask;
    std::unique_ptr<std::atomic<ModelEntry*>[]> slots;
  };

  void grow(size_t slots);
  static void insert(Table& table, ModelEntry* entry);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ModelEntry>> entries_;
  std::vector<std::unique_ptr<PoolEntry>> pools_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::atomic<Table*> table_{nullptr};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_REGISTRY_H_
