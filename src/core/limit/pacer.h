// Spaces calls out: one after another, each followed by the time in which the limit brings its
// cost. GCRA with a burst of one (ITU-T I.371).
//
// Promise: without bursts, no counter of the provider - sliding, of a grid in any phase, of slices,
// of two buckets - sees more than its share. A wake-up may be late by kTolerance without losing
// rate: calls that much behind their time are caught up with. That tolerance belongs to the jitter
// that the rate leaves room for.
#ifndef LLMQ_CORE_LIMIT_PACER_H_
#define LLMQ_CORE_LIMIT_PACER_H_

#include <algorithm>
#include <cstdint>

#include "core/limit/wide.h"
#include "core/time.h"

namespace llmq::core {

class Pacer {
 public:
  static constexpr DurationNs kTolerance = milliseconds(4);

  Pacer(int64_t amount, DurationNs period, DurationNs jitter)
      : amount_(amount), period_(period + jitter + kTolerance) {}

  // The next one, behind `held` units that are reserved and not yet sent.
  TimeNs earliest(TimeNs now, int64_t held) const {
    const TimeNs next = std::max(next_, held > 0 ? now : next_);
    return std::max(now, next + time_for(held) - kTolerance);
  }
  void charge(TimeNs now, int64_t cost) { next_ = std::max(next_, now) + time_for(cost); }
  void refund(TimeNs now, int64_t cost) {
    next_ = std::max(next_ - time_for(cost), std::min(next_, now));
  }
  // Keeps the backlog, in units.
  void change(TimeNs now, const Pacer& other) {
    const int64_t backlog = mul_div(std::max<int64_t>((next_ - now).ns, 0), amount_, period_.ns);
    *this = other;
    next_ = now + DurationNs{mul_div_up(backlog, period_.ns, amount_)};
  }

 private:
  static constexpr int64_t kLarge = 100;

  // At N - cost per T + J an approximate counter refuses nothing (est <= r (T + J) + b); at N per
  // T + J where the difference would be felt.
  DurationNs time_for(int64_t cost) const {
    const int64_t rate =
        amount_ >= kLarge ? std::max(amount_ - std::max<int64_t>(cost, 1), amount_ / 2) : amount_;
    return {mul_div_up(cost, period_.ns, rate)};
  }

  int64_t amount_;
  DurationNs period_;
  TimeNs next_{};  // theoretical arrival time
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_PACER_H_
