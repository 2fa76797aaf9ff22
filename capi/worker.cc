// Workers: attempts that are pulled from a queue, on a lease.
#include <string_view>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/ids.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;

namespace {

constexpr llmq::core::DurationNs kUsualLease = llmq::core::seconds(60);

}  // namespace

extern "C" {

llmq_status_t llmq_model_set_workers(llmq_manager_t* manager, const char* model, size_t model_len,
                                     llmq_cq_t* cq, int64_t lease_ns) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (const llmq_status_t status = usable(cq); status != LLMQ_OK) return status;
  if (model == nullptr || lease_ns < -1) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    auto processor = std::make_shared<llmq::runtime::Processor>();
    processor->workers = llmq::capi::queue_of(cq);
    processor->workers->add_ref();
    processor->lease = lease_ns == 0 ? kUsualLease : llmq::core::DurationNs{lease_ns};
    return code(
        manager->manager->set_processor(std::string_view(model, model_len), std::move(processor)));
  });
}

llmq_status_t llmq_attempt_heartbeat(llmq_manager_t* manager, llmq_attempt_id_t attempt) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (!llmq::runtime::is_attempt_id(attempt)) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->heartbeat(attempt)); });
}

llmq_status_t llmq_attempt_number(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                  uint32_t* number) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (number == nullptr || !llmq::runtime::is_attempt_id(attempt)) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    return code(manager->manager->look_into(
        attempt, [&](const llmq::runtime::Job&) { *number = llmq::runtime::attempt_of(attempt); }));
  });
}

llmq_status_t llmq_attempt_deadline_ns(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                       int64_t* deadline_ns) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (deadline_ns == nullptr || !llmq::runtime::is_attempt_id(attempt)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&]() -> llmq_status_t {
    llmq::core::TimeNs deadline;
    const auto status = manager->manager->attempt_deadline(attempt, &deadline);
    if (status != llmq::core::Status::kOk) return code(status);
    *deadline_ns = deadline == llmq::core::kNever ? 0 : deadline.ns;
    return LLMQ_OK;
  });
}

}  // extern "C"
