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
  if (limit.two_bucket() != nullptr || limit.spec().changed_amount != 0) replayed_ = limit;
}

void Ideal::add(int64_t cost) {
  if (cost == 0) return;  // fits anywhere
  units_ += cost;
  if (replayed_) {
    replay(cost);
    return;
  }
  // A cost above the capacity (only a charge at completion can be) fills a window of its own.
  if (windows_ == 0 || in_last_window_ + cost > capacity_) {
    ++windows_;
    in_last_window_ = 0;
  }
  in_last_window_ += cost;
}

void Ideal::replay(int64_t cost) {
  // Only a charge at completion can be above the capacity; it had to wait for the whole.
  const auto wait = [&] {
    return replayed_->wait_for(last_sent_, std::min(cost, replayed_->capacity()));
  };
  const LimitSpec& spec = replayed_->spec();
  if (spec.changed_amount != 0 && last_sent_ + wait() >= spec.change_at) {
    last_sent_ = std::max(last_sent_, spec.change_at);
    replayed_->change_when_due(last_sent_);
  }
  last_sent_ += wait();
  replayed_->charge(last_sent_, cost);
}

Nanos Ideal::value() const {
  if (replayed_) return last_sent_;
  if (shape_ == Shape::kBucket) {
    const Wide beyond = static_cast<Wide>(units_ - capacity_);
    return Nanos(beyond <= 0 ? 0
                             : static_cast<int64_t>(ceil_div(beyond * period_.count(), amount_)));
  }
  if (windows_ < 2) return Nanos(0);
  if (shape_ == Shape::kSliding) return (windows_ - 1) * period_;
  return first_edge_ + (windows_ - 2) * period_;
}

}  // namespace llmq::mock
