// What llmq ought to have counted: its charges booked a second time from the outside, cheaply
// enough to be compared after every step.
//
// The core may count a charge a little longer than its window, since charges that follow closely
// share a bucket; so the books know the least and the most that may be counted.
#ifndef LLMQ_TESTS_SIM_BOOKS_H_
#define LLMQ_TESTS_SIM_BOOKS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/limit/limit_spec.h"
#include "tests/sim/providers.h"

namespace llmq::simulator {

struct Booking {
  int64_t cost = 0;
  int64_t seen = 0;    // charged already, as it was produced
  uint64_t entry = 0;  // 0: held, not yet charged
};

class Book {
 public:
  explicit Book(const core::LimitSpec& spec, const core::Prices& prices = {});

  const core::LimitSpec& spec() const { return spec_; }
  int64_t cost_of(int64_t input, int64_t output) const;

  void reserve(Booking& booking, int64_t cost);
  void sent(int64_t now, Booking& booking);
  // So much output has been received.
  void progress(int64_t now, Booking& booking, int64_t tokens);
  void refund(Booking& booking);
  // The sent attempt ended; `actual` < 0: nobody knows what it used.
  void settle(int64_t now, Booking& booking, int64_t actual, bool refused);
  // What it used becomes known after that.
  void amend(int64_t now, Booking& booking, int64_t actual);
  enum class Age : uint8_t { kCounts, kMayCount, kGone };
  Age age_of(int64_t now, const Booking& booking);

  // The range in which what is counted at `now` must lie.
  void move_to(int64_t now);
  int64_t least() const { return least_; }
  int64_t most() const { return most_; }
  int64_t held() const { return held_; }
  // Past the amount by usage that was larger than reserved, or by a lowered limit.
  bool in_debt() const { return least_ + (projects() ? 0 : held_) > spec_.amount; }
  // What runs need not fit with all that it has reserved.
  bool projects() const;

  // Never more than the amount in any window: what bounds the other shapes is another rule.
  bool is_sliding() const { return spec_.shape == core::Shape::kSliding; }

  bool has_bucket() const { return bucket_.has_value(); }
  // Of a declared bucket: no more than `used` must be missing from it at `now`.
  bool bucket_misses_at_most(int64_t now, int64_t used) {
    return bucket_->misses_at_most(now, used);
  }
  // And no less than `used` may be, for a refund may come when the provider's bucket has been full,
  // and is lost then.
  bool bucket_may_miss(int64_t now, int64_t used) {
    return unrefunded_->misses_at_least(now, used);
  }
  int64_t bucket_least(int64_t now) { return bucket_->used(now); }
  int64_t bucket_most(int64_t now) { return unrefunded_->used(now); }

  void change(int64_t now, const core::LimitSpec& spec);

  struct Entry {
    int64_t at;
    int64_t cost;
  };
  int64_t window() const { return window_; }
  int64_t slack() const { return slack_; }
  // For the oracle: everything that was ever charged and may still count.
  uint64_t first() const { return most_head_; }
  uint64_t end() const { return tail_; }
  const Entry& entry(uint64_t index) const { return ring_[index & (ring_.size() - 1)]; }

 private:
  static std::optional<Counter> bucket_of(const core::LimitSpec& spec);
  uint64_t charge(int64_t now, int64_t cost);
  void correct(int64_t now, Booking& booking, int64_t actual);
  bool counts_at_end() const;
  bool counts_output() const;
  Entry& at(uint64_t index) { return ring_[index & (ring_.size() - 1)]; }

  core::LimitSpec spec_;
  core::Prices prices_;
  int64_t window_;
  int64_t slack_;
  std::vector<Entry> ring_;
  uint64_t most_head_ = 1;   // first that may count
  uint64_t least_head_ = 1;  // first that must
  uint64_t tail_ = 1;
  int64_t least_ = 0;
  int64_t most_ = 0;
  int64_t held_ = 0;
  std::optional<Counter> bucket_;
  std::optional<Counter> unrefunded_;  // as if nothing were given back
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_BOOKS_H_
