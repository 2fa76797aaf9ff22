// What a hook is told, as events of a completion queue: each owns a copy of what it tells. How many
// may be out at a time is bounded, so that a host that drains no more costs no more memory.
#ifndef LLMQ_RUNTIME_HOOK_QUEUE_H_
#define LLMQ_RUNTIME_HOOK_QUEUE_H_

#include <llmq/llmq.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/job.h"

namespace llmq::runtime {

// One record with its texts behind it, as llmq_hook_t says of LLMQ_EV_HOOK.
struct HookEvent {
  Node node;                                   // first member
  CompletionQueue* queue = nullptr;            // holds a reference to it, once it is on its way
  uint64_t user_data = 0;                      // of llmq_set_hook_queue
  uint64_t size = 0;                           // bytes of `told` and its texts
  std::shared_ptr<std::atomic<uint64_t>> out;  // counts it; nullptr: it is not counted
  llmq_hook_t told{};                          // last member

  struct Destroy {
    void operator()(HookEvent* event) const;
  };
  using Ptr = std::unique_ptr<HookEvent, Destroy>;

  // nullptr: there is no memory.
  static Ptr make(const llmq_hook_t& told);
  static HookEvent* of(Node* its_node) { return reinterpret_cast<HookEvent*>(its_node); }
  // It is being drained.
  void take(llmq_event_t& event);

 private:
  HookEvent() { node.kind = Node::Kind::kHook; }
  ~HookEvent() = default;
};

// Of one call of llmq_set_hook_queue. The loop's own, but for what its events share.
class HookQueue {
 public:
  static constexpr uint64_t kMostOut = 65'536;  // as llmq.h says

  // nullptr: there is no memory.
  static std::shared_ptr<HookQueue> create(CompletionQueue* queue, uint64_t user_data);
  ~HookQueue();
  HookQueue(const HookQueue&) = delete;
  HookQueue& operator=(const HookQueue&) = delete;

  // The event that tells it, to be pushed. nullptr: it is lost, which the next one tells.
  HookEvent::Ptr tell(const llmq_hook_t& told);
  // The last one, which was made with this object; once.
  HookEvent::Ptr end(int64_t now_ns);

 private:
  HookQueue(CompletionQueue* queue, uint64_t user_data, HookEvent::Ptr last);
  HookEvent::Ptr send(HookEvent::Ptr event);

  CompletionQueue* const queue_;  // holds a reference to it
  const uint64_t user_data_;
  const std::shared_ptr<std::atomic<uint64_t>> out_;  // not released yet
  HookEvent::Ptr last_;
  uint64_t lost_ = 0;  // since the last one that was told
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_HOOK_QUEUE_H_
