// Keys that are asked for by events of a completion queue, for hosts whose functions no foreign
// thread can call. What waits for the answer is one attempt, never the loop.
#ifndef LLMQ_RUNTIME_KEY_QUEUE_H_
#define LLMQ_RUNTIME_KEY_QUEUE_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/event.h"
#include "runtime/completion_queue.h"
#include "runtime/job.h"

namespace llmq::runtime {

struct DeploymentEntry;
class Loop;

// Of one call of llmq_set_key_queue.
class KeyQueue {
 public:
  KeyQueue(CompletionQueue* queue, uint64_t user_data) : queue_(queue), user_data_(user_data) {
    queue_->add_ref();
  }
  ~KeyQueue() { queue_->drop_refs(1); }
  KeyQueue(const KeyQueue&) = delete;
  KeyQueue& operator=(const KeyQueue&) = delete;

  CompletionQueue* queue() const { return queue_; }
  uint64_t user_data() const { return user_data_; }

 private:
  CompletionQueue* const queue_;  // holds a reference to it
  const uint64_t user_data_;
};

// LLMQ_EV_KEY.
struct KeyEvent {
  Node node;                         // first member
  llmq_event_t event{};              // as it is drained, but for handle, stride and data
  CompletionQueue* queue = nullptr;  // holds a reference to it, once it is on its way
  std::weak_ptr<Loop> loop;          // hears if nobody can answer it
  bool taken = false;                // by whoever has drained it
  std::string names;                 // the model's, NUL, the deployment's

  KeyEvent() { node.kind = Node::Kind::kKey; }
  // It is released, drained or not. If nobody had the question, the loop hears of that.
  static void drop(KeyEvent* event);
  static KeyEvent* of(Node* its_node) { return reinterpret_cast<KeyEvent*>(its_node); }
  // It is being drained.
  void take(llmq_event_t& out);
};

// How an attempt ended whose key was refused. It counts unless there is another key by now.
struct RefusedAttempt {
  Outcome outcome;
  core::Observed observed;
  bool permanent = false;
  size_t key = 0;  // fingerprint of the one that was sent
};

// One that has not been answered. The loop's own.
struct KeyQuestion {
  core::ModelIndex model{};
  DeploymentEntry* entry = nullptr;
  std::shared_ptr<Job*> runner;  // whose attempt waits; nullptr: a refused key is looked after
  uint8_t attempt = 0;
  std::unique_ptr<RefusedAttempt> refused;  // nullptr: the attempt has not been sent
  bool told = false;                        // its event has been made
};

// What the host says: a key, or why there is none. The key is wiped with it.
struct KeyAnswer {
  KeyAnswer() = default;
  ~KeyAnswer();
  KeyAnswer(const KeyAnswer&) = delete;
  KeyAnswer& operator=(const KeyAnswer&) = delete;

  std::string key;  // "" = none
  std::string error;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_KEY_QUEUE_H_
