// Counts the threads that are inside, so that the loop can end without anybody still holding on to
// it. Entering costs two atomic operations on a line of the thread's own lane.
#ifndef LLMQ_RUNTIME_GATE_H_
#define LLMQ_RUNTIME_GATE_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "runtime/slab.h"

namespace llmq::runtime {

class Gate {
 public:
  // False: closed, and the caller is not inside.
  bool enter() {
    lane().fetch_add(1, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    leave();
    return false;
  }
  void leave() { lane().fetch_sub(1, std::memory_order_release); }

  // Nobody enters any more; those inside are still to leave.
  void close() { closed_.store(true, std::memory_order_seq_cst); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  bool empty() const {
    for (const Lane& lane : lanes_) {
      if (lane.inside.load(std::memory_order_seq_cst) != 0) return false;
    }
    return true;
  }

 private:
  static constexpr uint32_t kLanes = 8;
  struct alignas(64) Lane {
    std::atomic<int64_t> inside{0};
  };

  std::atomic<int64_t>& lane() { return lanes_[thread_lane() % kLanes].inside; }

  std::array<Lane, kLanes> lanes_;
  std::atomic<bool> closed_{false};
};

// Inside for the length of a scope.
class GatePass {
 public:
  explicit GatePass(Gate& gate) : gate_(gate), inside_(gate.enter()) {}
  ~GatePass() {
    if (inside_) gate_.leave();
  }
  GatePass(const GatePass&) = delete;
  GatePass& operator=(const GatePass&) = delete;
  explicit operator bool() const { return inside_; }

 private:
  Gate& gate_;
  bool inside_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_GATE_H_
