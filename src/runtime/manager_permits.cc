// Permits: the caller makes the call itself, when there is room for it.
#include "runtime/manager.h"
#include "runtime/request_check.h"

namespace llmq::runtime {

core::Status Manager::acquire(const llmq_request_t& request, llmq_request_id_t* id) {
  Checked checked;
  checked.permit = true;
  core::Status status = inspect(request, &checked, nullptr);
  if (status == core::Status::kOk) status = check_permit(request, true);
  if (status != core::Status::kOk) return status;
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  Job* job = nullptr;
  status = open_job(request, checked, &job);
  if (status != core::Status::kOk) return status;
  if (id != nullptr) *id = job->request.id;
  loop_->push(&job->node);
  return core::Status::kOk;
}

core::Status Manager::try_acquire(const llmq_request_t& request, llmq_attempt_id_t* attempt,
                                  core::DurationNs* wait) {
  Checked checked;
  checked.permit = true;
  core::Status status = inspect(request, &checked, nullptr);
  if (status == core::Status::kOk) status = check_permit(request, false);
  if (status != core::Status::kOk) return status;
  const core::Status asked = on_loop([&] {
    Job* job = nullptr;
    status = open_job(request, checked, &job);
    if (status == core::Status::kOk) status = loop_->try_permit(*job, attempt, wait);
  });
  return asked == core::Status::kOk ? status : asked;
}

}  // namespace llmq::runtime
