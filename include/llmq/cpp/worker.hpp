// llmq/cpp/worker.hpp - threads that pull attempts from a queue. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_WORKER_HPP_
#define LLMQ_CPP_WORKER_HPP_

#include <llmq/cpp/attempt.hpp>
#include <llmq/cpp/completion_queue.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace llmq {

// An attempt that was pulled, with the event that lends it its payload. Unless it is heard of (a
// report, a chunk, a heartbeat) within its lease, it is lost, and somebody else tries.
class work : public attempt {
 public:
  work(llmq_manager_t* manager, const llmq_event_t& ready) noexcept
      : attempt(manager, ready), ready_(ready) {}
  work(work&& from) noexcept
      : attempt(std::move(from)), ready_(std::exchange(from.ready_, llmq_event_t{})) {}
  work& operator=(work&& from) noexcept {
    if (this == &from) return *this;
    release();
    attempt::operator=(std::move(from));
    ready_ = std::exchange(from.ready_, llmq_event_t{});
    return *this;
  }
  ~work() { release(); }

 private:
  void release() noexcept {
    if (ready_.handle != nullptr) llmq_events_release(&ready_, sizeof ready_, 1);
  }
  llmq_event_t ready_;
};

// Runs the attempts of a model of which no provider is set: any number of threads pull.
class worker {
 public:
  // lease 0 = 60 s, forever = none. on_cancel hears, on a pulling thread, that an attempt has ended
  // for llmq.
  worker(llmq_manager_t* manager, std::string_view model, std::chrono::nanoseconds lease = {},
         std::function<void(attempt_id)> on_cancel = {})
      : manager_(llmq_manager_ref(manager)), on_cancel_(std::move(on_cancel)) {
    detail::check(llmq_model_set_workers(manager, detail::at(model), model.size(), queue_.handle(),
                                         lease.count()));
  }
  // The next attempt to run; none when the time is over, or after stop().
  std::optional<work> next(std::chrono::nanoseconds timeout = forever) {
    const clock::time_point now = clock::now();
    const auto longest = clock::time_point::max() - now;  // that the clock can tell the end of
    const clock::time_point until = now + std::clamp(timeout, timeout.zero(), longest);
    for (;;) {
      const auto left = std::max(until - clock::now(), std::chrono::nanoseconds(0));
      if (!queue_.wait(timeout < timeout.zero() ? forever : left)) return std::nullopt;
      llmq_event_t event{};
      event.stride = sizeof event;
      if (llmq_cq_drain(queue_.handle(), &event, 1) == 0) continue;  // another thread was faster
      if (event.type == LLMQ_EV_READY)
        return std::optional<work>(std::in_place, manager_.get(), event);
      const attempt_id stopped = event.attempt_id;
      const bool is_stop = event.type == LLMQ_EV_CANCEL_REQUESTED;
      llmq_events_release(&event, sizeof event, 1);
      if (is_stop && on_cancel_) on_cancel_(stopped);
    }
  }
  // Ends next() of one thread, or the next one.
  void stop() { queue_.wake(); }

 private:
  detail::owned<llmq_manager_t> manager_;
  completion_queue queue_;
  std::function<void(attempt_id)> on_cancel_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_WORKER_HPP_
