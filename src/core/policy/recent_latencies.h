// How long the last answers took.
#ifndef LLMQ_CORE_POLICY_RECENT_LATENCIES_H_
#define LLMQ_CORE_POLICY_RECENT_LATENCIES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

class RecentLatencies {
 public:
  static constexpr size_t kKept = 32;

  void add(DurationNs latency) {
    constexpr int64_t kNsPerMs = 1'000'000;
    ms_[count_ % kKept] =
        static_cast<uint32_t>(std::clamp<int64_t>(latency.ns / kNsPerMs, 0, UINT32_MAX));
    ++count_;
  }

  // The upper median; 0 if nothing is known.
  DurationNs median() const {
    const size_t known = std::min<size_t>(count_, kKept);
    if (known == 0) return {};
    std::array<uint32_t, kKept> sorted = ms_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(known / 2);
    std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(known));
    return milliseconds(*middle);
  }

 private:
  std::array<uint32_t, kKept> ms_{};
  size_t count_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_RECENT_LATENCIES_H_
