// Events about attempts that are run outside: READY and CANCEL_REQUESTED for those who drain a
// queue, PERMIT. Each is a record of its own, owned by whoever has drained it until it is released.
#ifndef LLMQ_RUNTIME_LENT_EVENT_H_
#define LLMQ_RUNTIME_LENT_EVENT_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/job.h"
#include "runtime/leases.h"

namespace llmq::runtime {

class Loop;

struct LentEvent {
  Node node;                         // first member
  llmq_event_t event{};              // as it is drained, but for handle and stride
  CompletionQueue* queue = nullptr;  // holds a reference to it
  Job* job = nullptr;                // READY: whose payload it lends
  std::shared_ptr<LastHeard> heard;  // READY, PERMIT: of its lease
  std::weak_ptr<Loop> loop;          // READY, PERMIT: hears if nobody can take it
  std::string text;                  // PERMIT: what event.data points to

  LentEvent() { node.kind = Node::Kind::kLent; }
  ~LentEvent();
  LentEvent(const LentEvent&) = delete;
  LentEvent& operator=(const LentEvent&) = delete;

  // It is released, drained or not. If nobody had the attempt, the loop hears of that.
  static void drop(LentEvent* event);
  static LentEvent* of(Node* its_node) { return reinterpret_cast<LentEvent*>(its_node); }
  // It is being drained.
  void take(llmq_event_t& out);
};

// An event of attempt number `attempt` of the request, with its payload.
llmq_event_t attempt_event(int32_t type, const Job& job, uint8_t attempt);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LENT_EVENT_H_
