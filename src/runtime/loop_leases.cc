// Attempts that are run on leases: handed to workers, taken back from those who have vanished.
#include <algorithm>
#include <utility>

#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/lent_event.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"

namespace llmq::runtime {

Processor::~Processor() {
  if (workers != nullptr) workers->drop_refs(1);
}

// Whoever drains it first has the attempt.
void Loop::run_worker(Job& job, const Processor& processor, uint8_t attempt) {
  CompletionQueue* const queue = processor.workers;
  job.live.store(live_word(job.request.id, attempt), std::memory_order_release);
  auto ready = std::make_unique<LentEvent>();
  ready->event = attempt_event(LLMQ_EV_READY, job, attempt);
  Lease& lease = leases_.open(ready->event.attempt_id, job, processor.lease, now_.mono, kUntaken);
  lease.workers = queue;
  job.lend();
  ready->job = &job;
  ready->loop = weak_from_this();
  ready->queue = queue;
  ready->heard = lease.heard;
  for (int references = 0; references < 2; ++references) queue->add_ref();
  enqueue(ready.release()->node, queue);
}

// The attempt has ended for the engine. A worker is told; what a permit was for is its holder's.
void Loop::end_lease(const Lease& lease) {
  const uint64_t attempt = lease.attempt;
  if (lease.workers != nullptr)
    if_memory_lasts([&] {  // a worker that is not told finds out
      auto stop = std::make_unique<LentEvent>();
      stop->event = attempt_event(LLMQ_EV_CANCEL_REQUESTED, *lease.job,
                                  static_cast<uint8_t>(attempt_of(lease.attempt)));
      stop->event.data = "";
      stop->event.data_len = 0;
      stop->queue = lease.workers;
      lease.workers->add_ref();
      enqueue(stop.release()->node, lease.workers);
    });
  leases_.close(attempt);
}

void Loop::heartbeat(uint64_t attempt) {
  if (const Lease* lease = leases_.find(attempt); lease != nullptr) {
    lease->heard->store(now().mono.ns, std::memory_order_relaxed);
  }
}

// When it ends at the latest, however often its runner is heard of; kNever: it is not bounded.
core::Status Loop::attempt_deadline(uint64_t attempt, core::TimeNs* deadline) {
  const Job* const job = live_job(request_of(attempt));
  const uint32_t running = live_word(attempt, attempt_of(attempt));
  if (job == nullptr || job->live.load(std::memory_order_acquire) != running) {
    return core::Status::kStale;
  }
  *deadline = job->request.deadline;
  if (job->request.timeout_ms == 0) return core::Status::kOk;
  const core::TimeNs timeout = job->request.started + core::milliseconds(job->request.timeout_ms);
  *deadline = std::min(*deadline, timeout);
  return core::Status::kOk;
}

// Whoever had the attempt has vanished. Nothing is wrong with the request: somebody else runs it. A
// permit was its holder's alone.
void Loop::lose(uint64_t attempt) {
  const Lease* const lease = leases_.find(attempt);
  if (lease == nullptr) return;
  Job& job = *lease->job;
  const auto number = static_cast<uint8_t>(attempt_of(attempt));
  Outcome lost;
  lost.status = core::Status::kAbandoned;
  if_memory_lasts([&] {
    lost.message = "attempt " + std::to_string(number) +
                   (lease->heard->load(std::memory_order_relaxed) < 0
                        ? " was taken by nobody: its queue is not drained any more"
                        : " was not heard of for its lease of " + milliseconds_text(lease->length));
  });
  report(job, number, std::move(lost), nullptr, job.is_permit() ? Again::kNever : Again::kAtOnce);
  // Else a report of its runner is on its way, and counts.
  if (job.live.load(std::memory_order_acquire) == 0) end_lease(*lease);
}

void Loop::lose_lapsed() {
  for (const uint64_t attempt : leases_.lapsed(now_.mono)) lose(attempt);
}

}  // namespace llmq::runtime
