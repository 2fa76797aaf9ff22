// Something that happens once, on another thread, to be waited for.
#ifndef LLMQ_TESTS_CPP_EVENT_H_
#define LLMQ_TESTS_CPP_EVENT_H_

#include <chrono>
#include <future>

class Event {
 public:
  void set() { promise_.set_value(); }
  // False if it does not come in a time that only a hang takes.
  bool wait() { return future_.wait_for(std::chrono::minutes(1)) == std::future_status::ready; }

 private:
  std::promise<void> promise_;
  std::future<void> future_ = promise_.get_future();
};

#endif  // LLMQ_TESTS_CPP_EVENT_H_
