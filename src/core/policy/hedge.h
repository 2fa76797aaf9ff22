// A second call of a request elsewhere, when the first is slow: the first output wins (Dean and
// Barroso, "The Tail at Scale", CACM 2013). Every such call is paid for twice, so it is bounded.
//
// A call is slow when it has brought nothing for longer than 19 of 20 calls take where it could go
// instead. What the place where it runs has taken does not matter: one that has become slow would
// make slowness its own measure.
#ifndef LLMQ_CORE_POLICY_HEDGE_H_
#define LLMQ_CORE_POLICY_HEDGE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

struct HedgeSpec {
  bool enabled = false;
  DurationNs after{};   // never sooner; until enough is known just then, 0: not until then
  int64_t percent = 2;  // of the tokens of all calls
};

// How long the first output of the last calls has taken.
class FirstOutputs {
 public:
  static constexpr size_t kKept = 128;
  static constexpr size_t kEnough = 40;

  void add(DurationNs latency) {
    constexpr int64_t kNsPerUs = 1'000;
    us_[count_ % kKept] =
        static_cast<uint32_t>(std::clamp<int64_t>(latency.ns / kNsPerUs, 0, UINT32_MAX));
    ++count_;
  }
  bool known() const { return count_ >= kEnough; }
  // 19 of 20 took no longer; only if known().
  DurationNs p95() {
    if (count_ - counted_ >= kRefresh || counted_ == 0) weigh();
    return p95_;
  }

 private:
  static constexpr size_t kRefresh = 8;  // sorting is for several calls

  void weigh() {
    constexpr int64_t kNsPerUs = 1'000;
    const size_t size = std::min(count_, kKept);
    std::array<uint32_t, kKept> sorted = us_;
    const size_t rank = (size * 95 + 99) / 100 - 1;
    const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(sorted.begin(), place, sorted.begin() + static_cast<std::ptrdiff_t>(size));
    p95_ = {*place * kNsPerUs};
    counted_ = count_;
  }

  std::array<uint32_t, kKept> us_{};
  size_t count_ = 0;
  size_t counted_ = 0;  // of them, when p95_ was found
  DurationNs p95_{};
};

// Tokens that second calls may take. What every call adds is known at once, so that at no time the
// second calls of a model have taken more than their part. A quiet time saves up some calls, not
// more: when all is slow at once, a second call of each would be the end.
class HedgeBudget {
 public:
  static constexpr int64_t kCallsSaved = 20;  // of mean size

  // A call that is none of them begins.
  void attempt(int64_t tokens, const HedgeSpec& spec) {
    tokens = std::max<int64_t>(tokens, 1);
    mean_ += (tokens - mean_) / (mean_ == 0 ? 1 : kWeight);
    mean_ = std::max<int64_t>(mean_, 1);
    const int64_t most = std::max(kCallsSaved * mean_ * kPercent, credit_);
    credit_ = std::min(credit_ + tokens * spec.percent, most);
  }
  bool covers(int64_t tokens) const { return std::max<int64_t>(tokens, 1) * kPercent <= credit_; }
  // Only what is covered.
  void spend(int64_t tokens) { credit_ -= std::max<int64_t>(tokens, 1) * kPercent; }

 private:
  static constexpr int64_t kPercent = 100;
  static constexpr int64_t kWeight = 16;  // of the moving average

  int64_t credit_ = 0;  // hundredths of a token
  int64_t mean_ = 0;    // size of a call
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_HEDGE_H_
