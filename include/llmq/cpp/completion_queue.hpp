// llmq/cpp/completion_queue.hpp - events, drained in batches. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_COMPLETION_QUEUE_HPP_
#define LLMQ_CPP_COMPLETION_QUEUE_HPP_

#include <llmq/cpp/response.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmq {

// Room for drained events, to be used again and again. What they hold is released by the next drain
// and at the end.
class batch {
 public:
  explicit batch(size_t capacity = 256) : events_(std::max<size_t>(capacity, 1)) {}
  batch(const batch&) = delete;
  batch& operator=(const batch&) = delete;
  ~batch() { release(); }

  llmq_event_t* begin() noexcept { return events_.data(); }
  llmq_event_t* end() noexcept { return events_.data() + count_; }
  size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  // The response of a DONE event, to live on.
  static response take(llmq_event_t& event) {
    llmq_response_t* taken = nullptr;
    detail::check(llmq_event_take(&event, &taken));
    return response(taken);
  }
  // What it tells beside its members; the texts belong to the event.
  static llmq_outcome_t outcome(const llmq_event_t& event) {
    llmq_outcome_t told{};
    told.struct_size = sizeof told;
    detail::check(llmq_event_outcome(&event, &told));
    return told;
  }
  // What a HOOK event tells; it belongs to the event. nullptr: of another type.
  static const llmq_hook_t* hook(const llmq_event_t& event) noexcept {
    return event.type == LLMQ_EV_HOOK ? static_cast<const llmq_hook_t*>(event.data) : nullptr;
  }
  void release() noexcept {
    llmq_events_release(events_.data(), sizeof(llmq_event_t), count_);
    count_ = 0;
  }

 private:
  friend class completion_queue;
  std::vector<llmq_event_t> events_;
  size_t count_ = 0;
};

class completion_queue {
 public:
  completion_queue() {
    llmq_cq_t* made = nullptr;
    detail::check(llmq_cq_create(&made));
    handle_.reset(made);
  }
  // Fills the batch with what is there; never waits.
  size_t drain(batch& into) noexcept {
    into.release();
    into.events_.front().stride = sizeof(llmq_event_t);
    into.count_ = llmq_cq_drain(handle_.get(), into.events_.data(), into.events_.size());
    return into.count_;
  }
  // True: there are events. False: the time is over, or wake() was called.
  bool wait(std::chrono::nanoseconds timeout = forever) {
    const status code = llmq_cq_wait(handle_.get(), timeout.count());
    if (code == LLMQ_ERR_TIMEOUT || code == LLMQ_ERR_AGAIN) return false;
    detail::check(code);
    return true;
  }
  void wake() { detail::check(llmq_cq_wake(handle_.get())); }
  // Readable exactly while there are events: poll it, do not read or close it.
  int fd(int32_t kind = LLMQ_CQ_FD_EVENTFD) {
    int32_t found = -1;
    detail::check(llmq_cq_fd(handle_.get(), kind, &found));
    return found;
  }
  llmq_cq_t* handle() const noexcept { return handle_.get(); }

 private:
  detail::owned<llmq_cq_t> handle_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_COMPLETION_QUEUE_HPP_
