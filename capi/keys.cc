// Keys that a manager asks for by events.
#include <memory>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/key_queue.h"

extern "C" {

llmq_status_t llmq_set_key_queue(llmq_manager_t* manager, llmq_cq_t* cq, uint64_t user_data) {
  if (const llmq_status_t status = llmq::capi::usable(manager); status != LLMQ_OK) return status;
  return llmq::capi::guarded([&]() -> llmq_status_t {
    std::shared_ptr<llmq::runtime::KeyQueue> queue;
    if (cq != nullptr) {
      if (const llmq_status_t status = llmq::capi::usable(cq); status != LLMQ_OK) return status;
      queue = std::make_shared<llmq::runtime::KeyQueue>(llmq::capi::queue_of(cq), user_data);
    }
    return llmq::capi::code(manager->manager->set_key_queue(std::move(queue)));
  });
}

llmq_status_t llmq_key_answer(llmq_manager_t* manager, uint64_t question, const char* key,
                              size_t key_len, const char* error, size_t error_len) {
  if (const llmq_status_t status = llmq::capi::usable(manager); status != LLMQ_OK) return status;
  if ((key == nullptr && key_len != 0) || (error == nullptr && error_len != 0)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return llmq::capi::guarded([&]() -> llmq_status_t {
    return llmq::capi::code(
        manager->manager->answer_key(question, {key, key_len}, {error, error_len}));
  });
}

}  // extern "C"
