#include "mock/ideal.h"

#include <algorithm>

namespace llmq::mock {

Ideal::Ideal(const RateLimit& limit)
    : shape_(limit.spec().shape),
      amount_(limit.spec().amount),
      period_(limit.spec().period),
      capacity_(limit.capacity()) {
  if (const FixedWindow* grid = limit.grid()) {
    period_ = grid->period();
    first_edge_ = grid->first_edge();
  }
  if (const TwoBucket* counter = limit.two_bucket()) counter_ = *counter;
}

void Ideal::add(int64_t cost) {
  if (cost == 0) return;  // fits anywhere
  units_ += cost;
  if (counter_) {
    // Only a charge at completion can be above the capacity; it had to wait for the whole.
    last_sent_ += counter_->wait_for(last_sent_, std::min(cost, capacity_));
    counter_->charge(last_sent_, cost);
    return;
  }
  // A cost above the capacity (only a charge at completion can be) fills a window of its own.
  if (windows_ == 0 || in_last_window_ + cost > capacity_) {
    ++windows_;
    in_last_window_ = 0;
  }
  in_last_window_ += cost;
}

Nanos Ideal::value() const {
  if (shape_ == Shape::kBucket) {
    const Wide beyond = static_cast<Wide>(units_ - capacity_);
    return Nanos(beyond <= 0 ? 0
                             : static_cast<int64_t>(ceil_div(beyond * period_.count(), amount_)));
  }
  if (counter_) return last_sent_;
  if (windows_ < 2) return Nanos(0);
  if (shape_ == Shape::kSliding) return (windows_ - 1) * period_;
  return first_edge_ + (windows_ - 2) * period_;
}

}  // namespace llmq::mock
