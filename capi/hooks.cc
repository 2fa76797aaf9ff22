#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/hook_queue.h"

extern "C" {

llmq_status_t llmq_set_hook(llmq_manager_t* manager, uint32_t mask, llmq_hook_fn fn, void* user,
                            llmq_user_free_fn user_free) {
  return llmq::capi::guarded([&]() -> llmq_status_t {
    auto data = llmq::capi::own(user, user_free);
    if (const llmq_status_t status = llmq::capi::usable(manager); status != LLMQ_OK) return status;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    return llmq::capi::code(
        manager->manager->set_hook(llmq::runtime::Hook{mask, fn, std::move(data), nullptr}));
  });
}

llmq_status_t llmq_set_hook_queue(llmq_manager_t* manager, uint32_t mask, llmq_cq_t* cq,
                                  uint64_t user_data) {
  if (const llmq_status_t status = llmq::capi::usable(manager); status != LLMQ_OK) return status;
  return llmq::capi::guarded([&]() -> llmq_status_t {
    llmq::runtime::Hook hook;
    if (cq != nullptr) {
      if (const llmq_status_t status = llmq::capi::usable(cq); status != LLMQ_OK) return status;
      hook.mask = mask;
      hook.queue = llmq::runtime::HookQueue::create(llmq::capi::queue_of(cq), user_data);
      if (hook.queue == nullptr) return LLMQ_ERR_NOMEM;
    }
    return llmq::capi::code(manager->manager->set_hook(std::move(hook)));
  });
}

}  // extern "C"
