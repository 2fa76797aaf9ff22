// A provider's token bucket, mirrored: it holds `capacity`, refills N per T, and a call takes its
// cost out of it.
//
// Promise: of a provider that counts each call within J after it was sent, with a bucket at least
// that large, no call is refused: in any span t at most capacity + N/T * t is sent. Kept as the
// theoretical arrival time of GCRA (ITU-T I.371): one word, the time at which the bucket is full
// again. No rate is lost to J, only J * N/T of the burst.
#ifndef LLMQ_CORE_LIMIT_TOKEN_BUCKET_H_
#define LLMQ_CORE_LIMIT_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "core/limit/wide.h"
#include "core/time.h"

namespace llmq::core {

class TokenBucket {
 public:
  // amount, capacity >= 1; period > 0.
  TokenBucket(int64_t amount, DurationNs period, int64_t capacity, DurationNs jitter)
      : amount_(amount),
        period_(period),
        capacity_(capacity),
        jitter_(jitter),
        filling_(time_for(capacity)) {}

  // Earliest time from `now` on at which it holds `cost`. Beyond its capacity: when it would, if it
  // held more - which is right for a call behind others that are not sent yet.
  TimeNs earliest(TimeNs now, int64_t cost) const {
    const TimeNs full = std::max(full_, now - jitter_);
    return std::max(now, full + jitter_ + time_for(cost) - filling_);
  }

  void charge(TimeNs now, int64_t cost) { full_ = std::max(full_, now) + time_for(cost); }
  // Gives back part of a charge; what would have overflowed meanwhile is lost, as at the provider:
  // it is not full before `full`.
  void refund(TimeNs now, int64_t cost, TimeNs full) {
    full_ = std::max(full_ - time_for_down(cost), std::min(full_, std::max(now, full)));
  }
  // When a bucket that is full at `full` is full again after a charge at `at`.
  TimeNs full_after(TimeNs full, TimeNs at, int64_t cost) const {
    return std::max(full, at) + time_for(cost);
  }

  // The provider showed `remaining` in the answer, which came at `now`, to a call sent at `sent`;
  // `after` was charged in between. It looked when the call arrived, before those, or when the
  // answer left, after them: the milder of the two is certain. Only ever takes: a bucket that shows
  // more than we think is left as we think.
  void shown(TimeNs now, TimeNs sent, int64_t remaining, int64_t after) {
    const int64_t missing = std::max<int64_t>(capacity_ - remaining, 0);
    const TimeNs at_arrival = sent + time_for(missing + after);
    const TimeNs at_answer = now + time_for(missing);
    full_ = std::max(full_, std::min(at_arrival, at_answer));
  }
  // It held exactly `remaining` at `at`.
  void set_level(TimeNs at, int64_t remaining) {
    full_ = at + time_for(std::max<int64_t>(capacity_ - remaining, 0));
  }

  // Other numbers from now on; what is missing from it stays missing. At the old rate more may have
  // overflowed there during J than the new rate leaves room for.
  void change(TimeNs now, int64_t amount, DurationNs period, int64_t capacity, DurationNs jitter) {
    const int64_t lost = mul_div_up(jitter_.ns, amount_, period_.ns);
    const int64_t margin = mul_div(jitter.ns, amount, period.ns);
    const int64_t missing = capacity_ - level(now) + std::max<int64_t>(lost - margin, 0);
    *this = TokenBucket(amount, period, capacity, jitter);
    full_ = now + time_for(std::max<int64_t>(missing, 0));
  }

  // What it holds, rounded down; negative in debt.
  int64_t level(TimeNs now) const {
    if (full_ <= now) return capacity_;
    return capacity_ - mul_div_up((full_ - now).ns, amount_, period_.ns);
  }
  int64_t capacity() const { return capacity_; }
  // Calls of that cost would each wait for J: the margin takes more than the bucket holds.
  bool is_narrow(int64_t cost) const { return filling_ < jitter_ + time_for(cost); }

 private:
  DurationNs time_for(int64_t cost) const { return {mul_div_up(cost, period_.ns, amount_)}; }
  DurationNs time_for_down(int64_t cost) const { return {mul_div(cost, period_.ns, amount_)}; }

  int64_t amount_;
  DurationNs period_;
  int64_t capacity_;
  DurationNs jitter_;
  DurationNs filling_;  // from empty to full
  TimeNs full_{};       // when it is full again
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_TOKEN_BUCKET_H_
