// Permits: requests whose one attempt the caller makes itself, when there is room for it.
#include <algorithm>
#include <utility>

#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/lent_event.h"
#include "runtime/loop.h"

namespace llmq::runtime {

// A model that nobody runs attempts of lets them begin as soon as somebody asks for permits.
void Loop::expect_permits(const Job& job) {
  ModelEntry& entry = entry_of(job);
  if (entry.gives_permits || !entry.has_processor()) return;
  entry.gives_permits = true;
  if (entry.processor == nullptr) step(core::ModelReady{entry.index, true});
}

// The caller's call goes out about now. Its lease begins when the caller hears of the permit.
void Loop::give_permit(Job& job, uint8_t attempt) {
  job.live.store(live_word(job.request.id, attempt), std::memory_order_release);
  job.extra->deployment = deployment_of(job).config.name;
  if (!job.request.reservation->sent) step(core::AttemptSent{&job.request, attempt});
  auto permit = std::make_unique<LentEvent>();
  permit->event = attempt_event(LLMQ_EV_PERMIT, job, attempt);
  permit->text = job.extra->deployment;
  permit->event.data = permit->text.c_str();
  permit->event.data_len = permit->text.size();
  CompletionQueue* const queue = job.cq();
  const Lease& lease =
      leases_.open(permit->event.attempt_id, job, core::milliseconds(job.extra->lease_ms),
                   now_.mono, queue != nullptr ? kUntaken : now_.mono.ns);
  if (queue != nullptr) {
    job.queue = nullptr;
    permit->queue = queue;  // with the request's reference to it
    permit->heard = lease.heard;
    permit->loop = weak_from_this();
    enqueue(permit.release()->node, queue);
  } else if (const llmq_event_fn fn = std::exchange(job.done_fn, nullptr); fn != nullptr) {
    fn(std::exchange(job.done_user, nullptr), &permit->event);
  }
}

// It is not given a second time.
void Loop::end_permit(Job& job) {
  if (!job.is_permit() || job.has_sink() || core::is_final(job.request.state)) return;
  step(core::Cancel{&job.request});
}

// A request that was submitted to a model which only gives permits.
void Loop::refuse_without_processor(Job& job, uint8_t attempt) {
  job.live.store(live_word(job.request.id, attempt), std::memory_order_relaxed);
  Outcome outcome;
  outcome.status = core::Status::kUnsupported;
  outcome.message = "model " + entry_of(job).config.name +
                    " is used with permits alone: no processor and no workers are set for it";
  report(job, attempt, std::move(outcome), nullptr, Again::kNever);
}

core::Status Loop::try_permit(Job& job, uint64_t* attempt, core::DurationNs* wait) {
  now_ = now();
  if (engine_.model(job.request.model) == nullptr) {
    take_submit(job);  // which ends it
    return core::Status::kClosing;
  }
  const size_t before = actions_.size();
  take_submit(job);
  const core::Request* const request = &job.request;
  for (size_t i = before; i < actions_.size(); ++i) {
    const auto* const start = std::get_if<core::StartAttempt>(&actions_[i]);
    if (start == nullptr || start->request != request) continue;
    const core::StartAttempt started = *start;
    actions_.erase(actions_.begin() + static_cast<std::ptrdiff_t>(i));
    perform(started);
    *attempt = attempt_id(request->id, started.attempt);
    return core::Status::kOk;
  }
  if (core::is_final(request->state)) return request->status;
  WaitEstimate estimate;
  const core::Status asked = wait_estimate(request->id, &estimate);
  if (asked == core::Status::kOk) *wait = estimate.p50;
  step(core::Cancel{&job.request});
  return core::Status::kAgain;
}

}  // namespace llmq::runtime
