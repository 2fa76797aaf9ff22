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

// Limits that several models share.
struct PoolEntry {
  core::PoolIndex index = 0;
  std::string name;
  std::string time_zone;
  std::vector<core::LimitSpec> first_limits;  // as registered: a later registration must agree
  Current<std::vector<core::LimitSpec>> limits;
  // Guarded by the registry's mutex:
  config::Config source;                // what `limits` was made from
  std::vector<core::LimitSpec> places;  // every limit that it has or had: the engine keeps them
};

struct ModelEntry {
  core::ModelIndex index = 0;
  config::ModelConfig config;             // as registered: never changes
  Current<config::ModelConfig> settings;  // as llmq_manager_set has left it
  std::vector<PoolEntry*> pools;          // never changes
  // Guarded by the registry's mutex:
  config::Config source;                // what `settings` was made from
  std::vector<core::LimitSpec> places;  // every limit of its own that it has or had
  ApiKeyCallback key_fn;
  std::atomic<bool> removed{false};
  TokenLearning tokens;  // what its answers have taught
  // The loop's own:
  std::shared_ptr<Processor> processor;
  uint64_t mock_calls = 0;
  StoredKey key;           // from the environment or a file; none = ask key_fn, or there is none
  std::string quota_told;  // the last refusal because the account's quota is used up
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
  void add(std::unique_ptr<ModelEntry> entry);
  // nullptr if there is none. Pools are never removed.
  PoolEntry* find_pool(std::string_view name) const;
  core::PoolIndex next_pool() const { return static_cast<core::PoolIndex>(pools_.size()); }
  void add_pool(std::unique_ptr<PoolEntry> pool) { pools_.push_back(std::move(pool)); }
  // Registered models that draw on it.
  std::vector<ModelEntry*> models_of(const PoolEntry* pool) const;

  // Registered models in the order of their registration.
  std::vector<ModelEntry*> list();

 private:
  struct Table {
    explicit Table(size_t slots);
    size_t mask;
    std::unique_ptr<std::atomic<ModelEntry*>[]> slots;
  };

  static void insert(Table& table, ModelEntry* entry);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ModelEntry>> entries_;
  std::vector<std::unique_ptr<PoolEntry>> pools_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::atomic<Table*> table_{nullptr};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_REGISTRY_H_
