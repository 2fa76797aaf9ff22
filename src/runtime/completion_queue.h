// The way out of the loop: events in order, for any thread to drain.
//
// Jobs that have ended are linked in themselves, so that a terminal event can always be queued. The
// loop hands over whole chains, one lock for each.
#ifndef LLMQ_RUNTIME_COMPLETION_QUEUE_H_
#define LLMQ_RUNTIME_COMPLETION_QUEUE_H_

#include <llmq/llmq.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "core/status.h"
#include "runtime/callback.h"
#include "runtime/fork_mark.h"
#include "runtime/job.h"
#include "runtime/platform.h"

namespace llmq::runtime {

// The announcement that a shutdown is complete.
struct ClosedNotice {
  Node node;  // first member
  uint64_t user_data = 0;
  CompletionQueue* cq = nullptr;
  ClosedNotice* next_notice = nullptr;
};

inline constexpr uint32_t kQueueMagic = 0x6c6d7143;

// Called without a lock, by whoever fills the queue.
struct Wakeup {
  llmq_wakeup_fn fn = nullptr;
  std::shared_ptr<UserData> user;
};

class CompletionQueue {
 public:
  uint32_t magic = kQueueMagic;  // first member: tells a handle of the C API from a stray pointer

  static CompletionQueue* create();

  // References of users decide whether anybody can still drain; the others keep the memory alive.
  void user_ref() { user_refs_.fetch_add(1, std::memory_order_relaxed); }
  void user_unref();
  void add_ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void drop_refs(int64_t n);

  // From a loop: appends a chain of `count` nodes, oldest first.
  void push(Node* first, Node* last, size_t count);

  size_t drain(llmq_event_t* events, size_t stride, size_t max);
  core::Status wait(int64_t timeout_ns);
  void wake();
  core::Status fd(int32_t kind, int32_t* fd);
  // nullptr: none. It is called once each time that the queue gets its first event.
  void set_wakeup(std::shared_ptr<Wakeup> wakeup);

  static void release_events(llmq_event_t* events, size_t stride, size_t n);

  bool forked() const { return fork_mark_.forked(); }

 private:
  CompletionQueue() = default;
  ~CompletionQueue();

  static void drop_chain(Node* first);
  static CompletionQueue* queue_of(const llmq_event_t& event);
  static void release_handle(int32_t type, void* handle);

  std::atomic<int64_t> refs_{1};  // all users together hold one
  std::atomic<int64_t> user_refs_{1};
  ForkMark fork_mark_;

  std::mutex mutex_;  // guards all below
  std::condition_variable not_empty_;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t count_ = 0;
  std::shared_ptr<Wakeup> wakeup_;
  size_t waiters_ = 0;
  bool woken_ = false;
  bool orphaned_ = false;
  platform::ReadableFd fd_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_COMPLETION_QUEUE_H_
