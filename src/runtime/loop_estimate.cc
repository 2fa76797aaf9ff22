// When a waiting request may start, and what it waits for (llmq_request_wait_estimate).
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {

// This build's engine gives no estimates.
core::Status Loop::wait_estimate(uint64_t id, WaitEstimate*) {
  const Job* job = home->jobs.at(slot_of(id));
  if (job == nullptr || job->id.load(std::memory_order_acquire) != id || !job->in_engine) {
    return core::Status::kStale;
  }
  return core::Status::kUnsupported;
}

}  // namespace llmq::runtime
