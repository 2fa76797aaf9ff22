#include "capi/shared_manager.h"

#include <mutex>
#include <utility>

#include "capi/handles.h"
#include "runtime/process_wide.h"

namespace llmq::capi {
namespace {

struct Shared {
  std::mutex mutex;
  llmq_manager_t* manager = nullptr;  // not counted: gone with the last reference of others
  config::Config config;
};

runtime::ProcessWide<Shared> shared;

}  // namespace

llmq_status_t shared_manager(const llmq_conf_t* conf, llmq_manager_t** manager,
                             llmq_error_t** err) {
  Shared& own = shared.get();
  const std::lock_guard<std::mutex> lock(own.mutex);
  llmq_manager_t* known = own.manager;
  if (known != nullptr && !known->manager->shut_down()) {
    if (conf != nullptr && !(conf->config == own.config)) {
      return fail(core::Error{core::Status::kInvalidValue,
                              "the shared manager was made from another configuration", ""},
                  err);
    }
    known->refs.fetch_add(1, std::memory_order_relaxed);
    *manager = known;
    return LLMQ_OK;
  }
  config::Config config = conf == nullptr ? config::Config() : conf->config;
  llmq_manager_t* made = nullptr;
  const llmq_status_t status = llmq_manager_create(conf, &made, err);
  if (status != LLMQ_OK) return status;
  own.manager = made;
  own.config = std::move(config);
  *manager = made;
  return LLMQ_OK;
}

// Makes nothing: a manager can be left when there is no memory.
bool drop_reference(llmq_manager_t* manager) {
  Shared* const own = shared.known();
  if (own == nullptr) return manager->refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  const std::lock_guard<std::mutex> lock(own->mutex);
  if (manager->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  if (own->manager == manager) own->manager = nullptr;
  return true;
}

}  // namespace llmq::capi
