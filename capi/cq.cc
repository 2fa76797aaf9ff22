#include <algorithm>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::guarded_or;
using llmq::capi::queue_of;
using llmq::capi::usable;
using llmq::capi::valid;
using llmq::runtime::CompletionQueue;
using llmq::runtime::plausible;

extern "C" {

llmq_status_t llmq_cq_create(llmq_cq_t** cq) {
  if (cq == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    CompletionQueue* queue = CompletionQueue::create();
    if (queue == nullptr) return LLMQ_ERR_NOMEM;
    *cq = reinterpret_cast<llmq_cq_t*>(queue);
    return LLMQ_OK;
  });
}

llmq_cq_t* llmq_cq_ref(llmq_cq_t* cq) {
  if (!valid(cq)) return nullptr;
  queue_of(cq)->user_ref();
  return cq;
}

void llmq_cq_unref(llmq_cq_t* cq) {
  if (!valid(cq)) return;
  guarded([&] {
    queue_of(cq)->user_unref();
    return LLMQ_OK;
  });
}

size_t llmq_cq_drain(llmq_cq_t* cq, llmq_event_t* events, size_t max) {
  if (usable(cq) != LLMQ_OK || events == nullptr || max == 0) return 0;
  const size_t stride = events[0].stride;
  if (!plausible<llmq_event_t>(stride)) return 0;
  return guarded_or(size_t{0}, [&] { return queue_of(cq)->drain(events, stride, max); });
}

llmq_status_t llmq_cq_wait(llmq_cq_t* cq, int64_t timeout_ns) {
  if (const llmq_status_t status = usable(cq); status != LLMQ_OK) return status;
  if (llmq::runtime::Loop::on_any_loop_thread()) return LLMQ_ERR_WRONG_THREAD;
  return guarded([&] { return code(queue_of(cq)->wait(timeout_ns)); });
}

llmq_status_t llmq_cq_wake(llmq_cq_t* cq) {
  if (const llmq_status_t status = usable(cq); status != LLMQ_OK) return status;
  return guarded([&] {
    queue_of(cq)->wake();
    return LLMQ_OK;
  });
}

llmq_status_t llmq_cq_fd(llmq_cq_t* cq, int32_t kind, int32_t* fd) {
  if (const llmq_status_t status = usable(cq); status != LLMQ_OK) return status;
  if (fd == nullptr || kind < LLMQ_CQ_FD_EVENTFD || kind > LLMQ_CQ_FD_PIPE) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] { return code(queue_of(cq)->fd(kind, fd)); });
}

llmq_status_t llmq_cq_set_wakeup(llmq_cq_t* cq, llmq_wakeup_fn fn, void* user,
                                 llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = llmq::capi::own(user, user_free);
    if (const llmq_status_t status = usable(cq); status != LLMQ_OK) return status;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    std::shared_ptr<llmq::runtime::Wakeup> wakeup;
    if (fn != nullptr) {
      wakeup = std::make_shared<llmq::runtime::Wakeup>();
      wakeup->fn = fn;
      wakeup->user = std::move(data);
    }
    queue_of(cq)->set_wakeup(std::move(wakeup));
    return LLMQ_OK;
  });
}

// Event by event, so that one whose function takes long holds no others.
size_t llmq_cq_dispatch(llmq_cq_t* cq, llmq_event_fn fn, void* user, size_t max) {
  if (usable(cq) != LLMQ_OK || fn == nullptr) return 0;
  size_t n = 0;
  for (; n < max; ++n) {
    llmq_event_t event{};
    event.stride = sizeof event;
    if (llmq_cq_drain(cq, &event, 1) == 0) break;
    fn(user, &event);
    llmq_events_release(&event, sizeof event, 1);
  }
  return n;
}

void llmq_events_release(llmq_event_t* events, size_t stride, size_t n) {
  if (events == nullptr || !plausible<llmq_event_t>(stride)) return;
  guarded([&] {
    CompletionQueue::release_events(events, stride, n);
    return LLMQ_OK;
  });
}

llmq_status_t llmq_event_outcome(const llmq_event_t* event, llmq_outcome_t* outcome) {
  if (event == nullptr || outcome == nullptr || event->type != LLMQ_EV_DONE ||
      event->handle == nullptr || !plausible<llmq_outcome_t>(outcome->struct_size)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  if (llmq::runtime::event_is_inherited(*event)) return LLMQ_ERR_FORKED;
  llmq_outcome_t filled{};
  filled.struct_size = outcome->struct_size;
  llmq::runtime::read_outcome(*event, filled);
  llmq::runtime::hand_over(filled, outcome, outcome->struct_size);
  return LLMQ_OK;
}

llmq_status_t llmq_event_take(llmq_event_t* event, llmq_response_t** response) {
  if (event == nullptr || response == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    if (event->type != LLMQ_EV_DONE || event->handle == nullptr) return LLMQ_ERR_INVALID_ARG;
    if (llmq::runtime::event_is_inherited(*event)) return LLMQ_ERR_FORKED;
    auto handle =
        std::make_unique<llmq_response>();  // first: if memory is short, nothing has moved
    handle->response = llmq::runtime::take_event(*event);
    *response = handle.release();
    return LLMQ_OK;
  });
}

}  // extern "C"
