// loop=external: the host's own loop runs the manager.
#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;

extern "C" {

llmq_status_t llmq_manager_fd(llmq_manager_t* manager, int32_t* fd) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (fd == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->descriptor(fd)); });
}

llmq_status_t llmq_manager_timeout_ns(llmq_manager_t* manager, int64_t* timeout_ns) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (timeout_ns == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    llmq::core::DurationNs timeout{-1};
    const auto status = manager->manager->process_timeout(&timeout);
    if (status == llmq::core::Status::kOk) *timeout_ns = timeout.ns;
    return code(status);
  });
}

llmq_status_t llmq_manager_process(llmq_manager_t* manager) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  return guarded([&] { return code(manager->manager->process()); });
}

}  // extern "C"
