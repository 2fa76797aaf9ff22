#include "tests/sim/providers.h"

#include <algorithm>

namespace llmq::simulator {

const char* algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kFixed:
      return "fixed";
    case Algorithm::kSliding:
      return "sliding";
    case Algorithm::kBucket:
      return "bucket";
    case Algorithm::kQuantised:
      return "quantised";
    case Algorithm::kTwoBucket:
      return "two-bucket";
  }
  return "?";
}

Counter::Counter(const Rule& rule) : rule_(rule) {
  if (rule_.algorithm == Algorithm::kSliding) ring_.resize(64);
  level_ = static_cast<Wide>(rule_.burst) * rule_.period;
}

int64_t Counter::capacity() const {
  switch (rule_.algorithm) {
    case Algorithm::kBucket:
      return rule_.burst;
    case Algorithm::kQuantised:
      return static_cast<int64_t>(static_cast<Wide>(rule_.amount) * rule_.slice / rule_.period);
    default:
      return rule_.amount;
  }
}

void Counter::move_to(int64_t now) {
  switch (rule_.algorithm) {
    case Algorithm::kSliding:
      while (head_ != tail_ && ring_[head_ & (ring_.size() - 1)].at + rule_.period <= now) {
        sum_ -= ring_[head_ & (ring_.size() - 1)].cost;
        ++head_;
      }
      return;
    case Algorithm::kBucket: {
      const Wide full = static_cast<Wide>(rule_.burst) * rule_.period;
      level_ = std::min(full, level_ + static_cast<Wide>(now - at_) * rule_.amount);
      at_ = now;
      return;
    }
    case Algorithm::kFixed:
    case Algorithm::kQuantised:
    case Algorithm::kTwoBucket: {
      if (now < window_end_) return;
      const uint64_t window = window_of(now);
      window_end_ = now + grid() - (now + rule_.phase) % grid();
      if (window == window_) return;
      last_count_ = window == window_ + 1 ? now_count_ : 0;
      now_count_ = 0;
      window_ = window;
      return;
    }
  }
}

bool Counter::fits(int64_t now, int64_t cost) {
  move_to(now);
  switch (rule_.algorithm) {
    case Algorithm::kSliding:
      return sum_ + cost <= rule_.amount;
    case Algorithm::kBucket:
      return level_ >= static_cast<Wide>(cost) * rule_.period;
    case Algorithm::kFixed:
    case Algorithm::kQuantised:
      return now_count_ + cost <= capacity();
    case Algorithm::kTwoBucket: {
      const int64_t into = (now + rule_.phase) % rule_.period;
      const Wide estimate = static_cast<Wide>(last_count_) * (rule_.period - into) +
                            static_cast<Wide>(now_count_ + cost) * rule_.period;
      return estimate <= static_cast<Wide>(rule_.amount) * rule_.period;
    }
  }
  return false;
}

uint64_t Counter::add(int64_t now, int64_t cost) {
  move_to(now);
  switch (rule_.algorithm) {
    case Algorithm::kSliding: {
      if (tail_ - head_ == ring_.size()) {
        std::vector<Entry> bigger(ring_.size() * 2);
        for (uint64_t i = head_; i != tail_; ++i) {
          bigger[i & (bigger.size() - 1)] = ring_[i & (ring_.size() - 1)];
        }
        ring_.swap(bigger);
      }
      ring_[tail_ & (ring_.size() - 1)] = Entry{now, cost};
      sum_ += cost;
      return tail_++;
    }
    case Algorithm::kBucket:
      level_ -= static_cast<Wide>(cost) * rule_.period;
      return 0;
    default:
      now_count_ += cost;
      return window_;
  }
}

void Counter::correct(int64_t now, uint64_t entry, int64_t was, int64_t is) {
  move_to(now);
  switch (rule_.algorithm) {
    case Algorithm::kSliding:
      if (entry < head_ || entry >= tail_) return;
      ring_[entry & (ring_.size() - 1)].cost += is - was;
      sum_ += is - was;
      return;
    case Algorithm::kBucket: {
      const Wide full = static_cast<Wide>(rule_.burst) * rule_.period;
      level_ = std::min(full, level_ + static_cast<Wide>(was - is) * rule_.period);
      return;
    }
    default:
      if (entry == window_) now_count_ += is - was;
      if (entry + 1 == window_) last_count_ += is - was;
      return;
  }
}

int64_t Counter::wait(int64_t now, int64_t cost) {
  if (fits(now, cost)) return 0;
  switch (rule_.algorithm) {
    case Algorithm::kSliding: {
      int64_t left = sum_;
      for (uint64_t i = head_; i != tail_; ++i) {
        const Entry& entry = ring_[i & (ring_.size() - 1)];
        left -= entry.cost;
        if (left + cost <= rule_.amount) return entry.at + rule_.period - now;
      }
      return rule_.period;
    }
    case Algorithm::kBucket: {
      const Wide missing = static_cast<Wide>(cost) * rule_.period - level_;
      return static_cast<int64_t>((missing + rule_.amount - 1) / rule_.amount);
    }
    default:
      return grid() - (now + rule_.phase) % grid();
  }
}

int64_t Counter::used(int64_t now) {
  move_to(now);
  switch (rule_.algorithm) {
    case Algorithm::kSliding:
      return sum_;
    case Algorithm::kBucket: {
      const Wide missing = static_cast<Wide>(rule_.burst) * rule_.period - level_;
      return static_cast<int64_t>((missing + rule_.period - 1) / rule_.period);
    }
    case Algorithm::kTwoBucket: {
      const int64_t into = (now + rule_.phase) % rule_.period;
      const Wide weighted = static_cast<Wide>(last_count_) * (rule_.period - into);
      return now_count_ + static_cast<int64_t>((weighted + rule_.period - 1) / rule_.period);
    }
    default:
      return now_count_;
  }
}

int64_t Counter::remaining(int64_t now) { return std::max<int64_t>(0, capacity() - used(now)); }

void Counter::set_amount(int64_t now, int64_t amount) {
  move_to(now);
  if (rule_.algorithm == Algorithm::kBucket) {  // a full bucket stays full
    const int64_t burst = std::max<int64_t>(
        1, static_cast<int64_t>(static_cast<Wide>(rule_.burst) * amount / rule_.amount));
    level_ -= static_cast<Wide>(rule_.burst - burst) * rule_.period;
    rule_.burst = burst;
  }
  rule_.amount = amount;
}

}  // namespace llmq::simulator
