// How many windows of a limit the accepted calls fill when they are packed in order: the yardstick
// for how fast the limit could have been used.
#ifndef LLMQ_CORE_LIMIT_PACKED_WINDOWS_H_
#define LLMQ_CORE_LIMIT_PACKED_WINDOWS_H_

#include <cstdint>

#include "core/limit/limit_spec.h"

namespace llmq::core {

class PackedWindows {
 public:
  void add(int64_t cost, int64_t amount) {
    if (cost == 0) return;
    if (windows_ == 0 || in_last_ + cost > amount) {
      ++windows_;
      in_last_ = 0;
    }
    in_last_ += cost;
  }

  // Earliest time, from the first call, at which a client that knew everything had had the last
  // unit accepted.
  DurationNs ideal(DurationNs period) const {
    return {windows_ < 2 ? 0 : (windows_ - 1) * period.ns};
  }

 private:
  int64_t windows_ = 0;
  int64_t in_last_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_PACKED_WINDOWS_H_
