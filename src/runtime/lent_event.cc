#include "runtime/lent_event.h"

#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {

LentEvent::~LentEvent() {
  if (job != nullptr) Home::end_lending(*job);
}

// The event itself goes to the loop: that needs no memory.
void LentEvent::drop(LentEvent* event) {
  std::unique_ptr<LentEvent> owned(event);
  int64_t nobody = kUntaken;
  if (event->heard == nullptr || !event->heard->compare_exchange_strong(nobody, -1)) return;
  const std::shared_ptr<Loop> its_loop = event->loop.lock();
  if (its_loop == nullptr) return;
  const GatePass pass(its_loop->gate);
  if (pass) its_loop->push(&owned.release()->node);
}

void LentEvent::take(llmq_event_t& out) {
  if (heard != nullptr) heard->store(mono_now().ns, std::memory_order_relaxed);
  out = event;
  out.handle = this;
}

llmq_event_t attempt_event(int32_t type, const Job& job, uint8_t attempt) {
  llmq_event_t event{};
  event.stride = sizeof event;
  event.type = type;
  event.request_id = job.request.id;
  event.attempt_id = attempt_id(job.request.id, attempt);
  event.user_data = job.user_data;
  event.data = job.payload == nullptr ? "" : job.payload;
  event.data_len = job.request.bytes;
  event.queued_ns = (job.request.started - job.request.submitted).ns;
  event.attempt = attempt;
  event.flags = job.stream() != nullptr ? LLMQ_EVENT_STREAM : 0;
  event.state = LLMQ_STATE_PROCESSING;
  return event;
}

}  // namespace llmq::runtime
