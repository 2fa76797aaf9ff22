// The largest sum of accepted charges that any window of length T held: the number by which a
// client's promise "never more than N in any window" is judged from the provider's side.
#ifndef LLMQ_MOCK_BUSIEST_WINDOW_H_
#define LLMQ_MOCK_BUSIEST_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "mock/units.h"

namespace llmq::mock {

// Windows are half open, [t, t + T): two charges exactly T apart never share one. The maximum is
// always reached by a window that ends with a charge, so looking at each charge once is exact.
class BusiestWindow {
 public:
  explicit BusiestWindow(Nanos period) : period_(period) {}

  // Times must not go backwards.
  void add(Nanos now, int64_t cost) {
    while (!log_.empty() && now - log_.front().first >= period_) {
      sum_ -= log_.front().second;
      log_.pop_front();
    }
    log_.emplace_back(now, cost);
    sum_ += cost;
    busiest_ = std::max(busiest_, sum_);
  }

  int64_t busiest() const { return busiest_; }

 private:
  Nanos period_;
  std::deque<std::pair<Nanos, int64_t>> log_;
  int64_t sum_ = 0;
  int64_t busiest_ = 0;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_BUSIEST_WINDOW_H_
