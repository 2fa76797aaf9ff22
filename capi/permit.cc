// Permits: calls that the caller makes itself, when there is room for them.
#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;
using llmq::runtime::Whole;

extern "C" {

llmq_status_t llmq_acquire(llmq_manager_t* manager, const llmq_request_t* request,
                           llmq_request_id_t* id) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (request == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->acquire(*Whole(*request), id)); });
}

llmq_status_t llmq_try_acquire(llmq_manager_t* manager, const llmq_request_t* request,
                               llmq_attempt_id_t* attempt, int64_t* wait_ns) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (request == nullptr || attempt == nullptr) return LLMQ_ERR_INVALID_ARG;
  *attempt = 0;
  if (wait_ns != nullptr) *wait_ns = 0;
  return guarded([&] {
    llmq::core::DurationNs wait{};
    const auto status = manager->manager->try_acquire(*Whole(*request), attempt, &wait);
    if (wait_ns != nullptr) *wait_ns = wait.ns;
    return code(status);
  });
}

llmq_status_t llmq_permit_release(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                  const llmq_usage_t* usage) {
  return llmq_attempt_succeed(manager, attempt, nullptr, 0, usage);
}

}  // extern "C"
