#include "core/limit/charge_mirrors.h"

#include <algorithm>

namespace llmq::core {
namespace {

constexpr int64_t kAnswers = 16;  // that are judged together
constexpr std::array kOthers{Counted::kInput, Counted::kActual, Counted::kRealtime};

int64_t distance(int64_t a, int64_t b) { return a < b ? b - a : a - b; }

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
  for (const Counted other : kOthers) buckets_[place(other)].reset();
  suspected_.reset();
  answers_ = 0;
  error_ = {};
}

ChargeMirrors::Levels ChargeMirrors::arrived(TimeNs now, int64_t estimate, int64_t input) {
  charge(now, Counted::kEstimate, estimate);
  charge(now, Counted::kInput, input);
  charge(now, Counted::kRealtime, input);
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
  take_back(Counted::kRealtime, input);
}

void ChargeMirrors::ended(TimeNs now, int64_t input, int64_t output) {
  charge(now, Counted::kActual, input + output);
  charge(now, Counted::kRealtime, output);
}

void ChargeMirrors::charge(TimeNs now, Counted as, int64_t cost) {
  std::optional<TokenBucket>& bucket = buckets_[place(as)];
  if (bucket) bucket->charge(now, cost);
}

std::optional<Counted> ChargeMirrors::shown(TimeNs now, const Levels& at_arrival, int64_t remaining,
                                            int64_t unit, Counted thought) {
  if (!shown_) return std::nullopt;
  const int64_t level = std::min(remaining, capacity_);
  if (!buckets_[place(Counted::kInput)]) {
    for (const Counted other : kOthers) {
      buckets_[place(other)].emplace(amount_, period_, capacity_, DurationNs{});
      buckets_[place(other)]->set_level(now, level);
    }
    return std::nullopt;
  }
  const Levels at_answer = levels(now);
  for (size_t i = 0; i < kCountedKinds; ++i) {
    error_[0][i] += distance(at_arrival[i], level);
    error_[1][i] += distance(at_answer[i], level);
  }
  if (++answers_ < kAnswers) return std::nullopt;
  Levels error{};
  for (size_t i = 0; i < kCountedKinds; ++i) error[i] = std::min(error_[0][i], error_[1][i]);
  const size_t best =
      static_cast<size_t>(std::min_element(error.begin(), error.end()) - error.begin());
  const int64_t wrong = error[place(thought)];
  const bool other = wrong > kAnswers * 2 * unit && wrong > 3 * error[best];
  // Once may be a beginning at a moment that shows little.
  const bool again = other && suspected_ && *suspected_ == static_cast<Counted>(best);
  suspected_.reset();
  if (other) suspected_ = static_cast<Counted>(best);
  answers_ = 0;
  error_ = {};
  return again ? suspected_ : std::nullopt;
}

}  // namespace llmq::core
