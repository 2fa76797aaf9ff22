#include "runtime/key_queue.h"

#include "runtime/loop.h"
#include "runtime/secret.h"

namespace llmq::runtime {

// The event itself goes to the loop: that needs no memory.
void KeyEvent::drop(KeyEvent* event) {
  std::unique_ptr<KeyEvent> owned(event);
  const std::shared_ptr<Loop> its_loop = event->taken ? nullptr : event->loop.lock();
  if (its_loop == nullptr) return;
  const GatePass pass(its_loop->gate);
  if (pass) its_loop->push(&owned.release()->node);
}

void KeyEvent::take(llmq_event_t& out) {
  taken = true;
  out = event;
  out.data = names.data();
  out.data_len = names.size();
  out.handle = this;
}

KeyAnswer::~KeyAnswer() { wipe(key); }

}  // namespace llmq::runtime
