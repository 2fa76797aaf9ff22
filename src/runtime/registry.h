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
#include <vector>

#include "config/model_config.h"
#include "core/request.h"
#include "runtime/callback.h"

namespace llmq::runtime {

struct ModelEntry {
  core::ModelIndex index = 0;
  config::ModelConfig config;  // never changes
  std::string api_key;         // from the environment or a file; "" = ask key_fn, or none
  ApiKeyCallback key_fn;
  std::atomic<bool> removed{false};
  // The loop's own:
  std::shared_ptr<Processor> processor;
  uint64_t mock_calls = 0;
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
  std::vector<std::unique_ptr<Table>> tables_;
  std::atomic<Table*> table_{nullptr};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_REGISTRY_H_
