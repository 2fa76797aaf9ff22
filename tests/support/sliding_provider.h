// A provider that counts what arrives in an exact sliding window, and refuses what does not fit. It
// shares no code with src/core: a mistake in one must not hide in the other.
#ifndef LLMQ_TESTS_SUPPORT_SLIDING_PROVIDER_H_
#define LLMQ_TESTS_SUPPORT_SLIDING_PROVIDER_H_

#include <cstdint>
#include <deque>
#include <utility>

namespace llmq::sim {

class SlidingProvider {
 public:
  SlidingProvider(int64_t amount, int64_t period_ns) : amount_(amount), period_ns_(period_ns) {}

  // Arrivals come in the order of time. True if it was accepted; only then it counts.
  bool arrives(int64_t now_ns, int64_t cost) {
    while (!seen_.empty() && seen_.front().first <= now_ns - period_ns_) {
      sum_ -= seen_.front().second;
      seen_.pop_front();
    }
    if (sum_ + cost > amount_) {
      ++refused_;
      return false;
    }
    seen_.emplace_back(now_ns, cost);
    sum_ += cost;
    ++accepted_;
    accepted_cost_ += cost;
    return true;
  }

  int64_t accepted() const { return accepted_; }
  int64_t accepted_cost() const { return accepted_cost_; }
  int64_t refused() const { return refused_; }

 private:
  int64_t amount_;
  int64_t period_ns_;
  std::deque<std::pair<int64_t, int64_t>> seen_;  // arrival, cost
  int64_t sum_ = 0;
  int64_t accepted_ = 0;
  int64_t accepted_cost_ = 0;
  int64_t refused_ = 0;
};

}  // namespace llmq::sim

#endif  // LLMQ_TESTS_SUPPORT_SLIDING_PROVIDER_H_
