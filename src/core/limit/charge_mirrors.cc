#include "core/limit/charge_mirrors.h"

#include <algorithm>

namespace llmq::core {
namespace {

constexpr int64_t kAnswers = 16;  // that are judged together

size_t place(Counted counted) { return static_cast<size_t>(counted); }

}  // namespace

void ChargeMirrors::follow(TimeNs now, int64_t amount, DurationNs period, int64_t capacity,
                           bool shown) {
  shown_ = shown;
  std::optional<TokenBucket>& estimates = buckets_[place(Counted::kEstimate)];
  if (!estimates) estimates.emplace(amount, period, capacity, DurationNs{});
  if (amount == amount_ && period == period_ && capacity == capacity_) return;
  amount_ = amount;
  period_ = period;
  capacity_ = capacity;
  estimates->change(now, amount, period, capacity, DurationNs{});
  buckets_[place(Counted::kInput)].reset();
  buckets_[place(Counted::kActual)].reset();
  suspected_.reset();
  answers_ = 0;
  error_ = {};
}

ChargeMirrors::Levels ChargeMirrors::arrived(TimeNs now, int64_t estimate, int64_t input) {
  charge(now, Counted::kEstimate, estimate);
  charge(now, Counted::kInput, input);
  return levels(now);
}

ChargeMirrors::Levels ChargeMirrors::levels(TimeNs now) const {
  Levels all{};
  for (size_t i = 0; i < kCountedKinds; ++i) {
    if (buckets_[i]) all[i] = std::max<int64_t>(buckets_[i]->level(now), 0);
  }
  return all;
}

void ChargeMirrors::refused(TimeNs now, int64_t estimate, int64_t input) {
  const auto take_back = [&](Counted from, int64_t cost) {
    std::optional<TokenBucket>& bucket = buckets_[place(from)];
    if (bucket) bucket->refund(now, cost, now);
  };
  take_back(Counted::kEstimate, estimate);
  take_back(Counted::kInput, input);
}

void ChargeMirrors::ended(TimeNs now, int64_t actual) { charge(now, Counted::kActual, actual); }

void ChargeMirrors::charge(TimeNs now, Counted as, int64_t cost) {
  std::optional<TokenBucket>& bucket = buckets_[place(as)];
  if (bucket) bucket->charge(now, cost);
}

std::optional<Counted> ChargeMirrors::shown(TimeNs now, const Levels& at_arrival, int64_t remaining,
                                            int64_t unit, Counted thought) {
  if (!shown_) return std::nullopt;
  const int64_t level = std::min(remaining, capacity_);
  if (!buckets_[place(Counted::kInput)]) {
    for (const Counted other : {Counted::kInput, Counted::kActual}) {
      buckets_[place(other)].emplace(amount_, period_, capacity_, DurationNs{});
      buckets_[place(other)]->set_level(now, level);
    }
    return std::nullopt;
  }
  const Levels at_answer = levels(now);
  for (size_t i = 0; i < kCountedKinds; ++i) {
    const int64_t low = std::min(at_arrival[i], at_answer[i]);
    const int64_t high = std::max(at_arrival[i], at_answer[i]);
    error_[i] += std::max<int64_t>({low - level, level - high, 0});
  }
  if (++answers_ < kAnswers) return std::nullopt;
  const size_t best =
      static_cast<size_t>(std::min_element(error_.begin(), error_.end()) - error_.begin());
  const int64_t wrong = error_[place(thought)];
  const bool other = wrong > kAnswers * 2 * unit && wrong > 3 * error_[best];
  // Once may be a beginning at a moment that shows little.
  const bool again = other && suspected_ && *suspected_ == static_cast<Counted>(best);
  suspected_.reset();
  if (other) suspected_ = static_cast<Counted>(best);
  answers_ = 0;
  error_ = {};
  return again ? suspected_ : std::nullopt;
}

}  // namespace llmq::core
