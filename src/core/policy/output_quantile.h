// How many output tokens 95 of 100 answers do not pass, of about the last 128.
#ifndef LLMQ_CORE_POLICY_OUTPUT_QUANTILE_H_
#define LLMQ_CORE_POLICY_OUTPUT_QUANTILE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace llmq::core {

class OutputQuantile {
 public:
  static constexpr size_t kKept = 128;
  static constexpr size_t kLeast = 20;  // fewer tell nothing of one in twenty
  static constexpr int64_t kUnknown = -1;

  // An answer had that many. The quantile follows every eighth.
  void add(int64_t tokens) {
    constexpr size_t kEvery = 8;
    if (p95_ != kUnknown) {
      ++judged_;
      passed_ += tokens > p95_;
    }
    kept_[count_ % kKept] = static_cast<uint32_t>(std::clamp<int64_t>(tokens, 0, UINT32_MAX));
    ++count_;
    if (count_ >= kLeast && (count_ % kEvery == 0 || count_ == kLeast)) p95_ = find();
  }

  int64_t p95() const { return p95_; }
  uint64_t judged() const { return judged_; }  // answers since it is known
  uint64_t passed() const { return passed_; }  // those that were longer

 private:
  int64_t find() const {
    const size_t known = std::min(count_, kKept);
    std::array<uint32_t, kKept> sorted = kept_;
    const size_t rank = (known * 95 + 99) / 100 - 1;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                     sorted.begin() + static_cast<std::ptrdiff_t>(known));
    return sorted[rank];
  }

  std::array<uint32_t, kKept> kept_{};
  size_t count_ = 0;
  int64_t p95_ = kUnknown;
  uint64_t judged_ = 0;
  uint64_t passed_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_OUTPUT_QUANTILE_H_
