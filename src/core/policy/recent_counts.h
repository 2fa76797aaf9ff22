// How often things happened in about the last minute: ten buckets of six seconds, the oldest of
// which is forgotten whole.
#ifndef LLMQ_CORE_POLICY_RECENT_COUNTS_H_
#define LLMQ_CORE_POLICY_RECENT_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

// `Kinds` kinds of things, counted apart.
template <size_t Kinds>
class RecentCounts {
 public:
  static constexpr DurationNs kWindow = seconds(60);
  static constexpr int64_t kBuckets = 10;
  static constexpr DurationNs kBucket{kWindow.ns / kBuckets};

  void add(TimeNs now, size_t kind) {
    forget(now);
    ++at(newest_)[kind];
    ++sums_[kind];
  }
  // What was counted at `when` did not happen after all; nothing if it is forgotten.
  void take_back(TimeNs now, TimeNs when, size_t kind) {
    forget(now);
    const int64_t bucket = bucket_of(when);
    if (bucket <= newest_ - kBuckets || bucket > newest_ || at(bucket)[kind] == 0) return;
    --at(bucket)[kind];
    --sums_[kind];
  }
  int64_t sum(TimeNs now, size_t kind) {
    forget(now);
    return sums_[kind];
  }
  // When fewer will be known of that kind; kNever if none is.
  TimeNs next_forgotten(TimeNs now, size_t kind) {
    forget(now);
    if (sums_[kind] == 0) return kNever;
    int64_t bucket = newest_ - kBuckets + 1;
    while (at(bucket)[kind] == 0) ++bucket;
    return {bucket * kBucket.ns};  // when that one is kBuckets old
  }
  void clear() { *this = RecentCounts{}; }

 private:
  using Counts = std::array<int64_t, Kinds>;

  // From kBuckets on, so that those before the first are no less than 0.
  static int64_t bucket_of(TimeNs time) { return time.ns / kBucket.ns + kBuckets; }
  Counts& at(int64_t bucket) { return buckets_[static_cast<size_t>(bucket % kBuckets)]; }
  void forget(TimeNs now) {
    const int64_t bucket = bucket_of(now);
    if (bucket == newest_) return;
    const int64_t first = bucket - newest_ > kBuckets ? bucket - kBuckets : newest_;
    for (int64_t next = first + 1; next <= bucket; ++next) {
      for (size_t kind = 0; kind < Kinds; ++kind) sums_[kind] -= at(next)[kind];
      at(next).fill(0);
    }
    newest_ = bucket;
  }

  std::array<Counts, kBuckets> buckets_{};
  Counts sums_{};
  int64_t newest_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_RECENT_COUNTS_H_
