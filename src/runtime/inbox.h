// The way into the loop: any thread pushes, the loop takes all at once, in order.
//
// push() says whether the loop must be woken: only if it sleeps, and only the first push of a burst
// is told so.
#ifndef LLMQ_RUNTIME_INBOX_H_
#define LLMQ_RUNTIME_INBOX_H_

#include <atomic>

#include "runtime/job.h"

namespace llmq::runtime {

class Inbox {
 public:
  // True: wake the loop.
  bool push(Node* node) {
    Node* head = head_.load(std::memory_order_relaxed);
    do {
      node->next = head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return sleeping_.load(std::memory_order_seq_cst) &&
           sleeping_.exchange(false, std::memory_order_seq_cst);
  }

  // Everything that was pushed, oldest first.
  Node* take_all() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    Node* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }

  bool empty() const { return head_.load(std::memory_order_acquire) == nullptr; }

  // The loop is about to sleep. False: something has come, do not.
  bool try_sleep() {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (head_.load(std::memory_order_seq_cst) == nullptr) return true;
    sleeping_.store(false, std::memory_order_seq_cst);
    return false;
  }
  void awake() { sleeping_.store(false, std::memory_order_seq_cst); }

 private:
  alignas(64) std::atomic<Node*> head_{nullptr};
  alignas(64) std::atomic<bool> sleeping_{false};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_INBOX_H_
