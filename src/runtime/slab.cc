#include "runtime/slab.h"

namespace llmq::runtime {

uint32_t thread_lane() {
  static std::atomic<uint32_t> next{0};
  thread_local const uint32_t lane = next.fetch_add(1, std::memory_order_relaxed);
  return lane;
}

}  // namespace llmq::runtime
