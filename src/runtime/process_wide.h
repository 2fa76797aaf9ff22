// What a process has one of, whoever asks for it.
#ifndef LLMQ_RUNTIME_PROCESS_WIDE_H_
#define LLMQ_RUNTIME_PROCESS_WIDE_H_

#include <atomic>
#include <memory>

#include "runtime/fork_mark.h"

namespace llmq::runtime {

// A static of this type has no destructor: its T is made at first use and stays, for a process may
// end while other threads still call in. A forked child gets a T of its own: a thread that stayed
// behind may hold a mutex of the inherited one.
template <typename T>
class ProcessWide {
 public:
  constexpr ProcessWide() = default;

  // That of this process; nullptr if nobody has asked for it here. Needs no memory.
  T* known() const {
    Made* const made = made_.load(std::memory_order_acquire);
    return made == nullptr || made->fork_mark.forked() ? nullptr : &made->value;
  }
  T& get() {
    Made* known = made_.load(std::memory_order_acquire);
    if (known != nullptr && !known->fork_mark.forked()) return known->value;
    auto fresh = std::make_unique<Made>();
    if (made_.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel)) {
      return fresh.release()->value;
    }
    return known->value;  // another thread was first
  }

 private:
  struct Made {
    ForkMark fork_mark;
    T value;
  };
  std::atomic<Made*> made_{nullptr};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_PROCESS_WIDE_H_
