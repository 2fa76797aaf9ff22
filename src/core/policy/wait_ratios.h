// How far predicted waits were off: actual / predicted of the last 256 that came true.
#ifndef LLMQ_CORE_POLICY_WAIT_RATIOS_H_
#define LLMQ_CORE_POLICY_WAIT_RATIOS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

class WaitRatios {
 public:
  static constexpr int64_t kOne = 1024;  // ratios are in 1/1024
  static constexpr size_t kKept = 256;

  void add(DurationNs predicted, DurationNs actual) {
    constexpr int64_t kMost = 1000 * kOne;
    const int64_t parts = std::max<int64_t>(predicted.ns / kOne, 1);
    const int64_t ratio = std::clamp<int64_t>(actual.ns / parts, 1, kMost);
    ratios_[count_ % kKept] = static_cast<uint32_t>(ratio);
    ++count_;
  }

  // The ratio that `percent` of them do not pass; kOne as long as fewer than 8 are known.
  int64_t percentile(size_t percent) const {
    constexpr size_t kLeast = 8;
    const size_t known = std::min<size_t>(count_, kKept);
    if (known < kLeast) return kOne;
    std::array<uint32_t, kKept> sorted = ratios_;
    const size_t rank = std::min(known * percent / 100, known - 1);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                     sorted.begin() + static_cast<std::ptrdiff_t>(known));
    return sorted[rank];
  }

 private:
  std::array<uint32_t, kKept> ratios_{};
  size_t count_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_WAIT_RATIOS_H_
