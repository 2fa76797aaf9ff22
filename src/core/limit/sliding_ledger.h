// What was charged during the last window, so that it never holds more than it may.
//
// Promise: an amount charged at time t is counted by used() at least until t + window, so a caller
// that charges only while used() + cost <= N never has more than N in any window. It is counted at
// most window / kBuckets longer: charges that follow each other closely share a bucket, and a
// bucket leaves as a whole when its latest charge has slid out.
//
// Times must not decrease from call to call. Amounts are integers; a negative balance cannot arise.
#ifndef LLMQ_CORE_LIMIT_SLIDING_LEDGER_H_
#define LLMQ_CORE_LIMIT_SLIDING_LEDGER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.h"

namespace llmq::core {

// Names a bucket for as long as it is in the window. 0 names none.
using LedgerSeq = uint64_t;

class SlidingLedger {
 public:
  static constexpr int64_t kBuckets = 256;
  static constexpr int64_t kBucketsOfDays = 1440;  // for windows of an hour and more

  explicit SlidingLedger(DurationNs window);

  // Sum of what lies in the window at `now`. Drops what has left it.
  int64_t used(TimeNs now);

  // The earliest time from `now` on at which used() <= room, if nothing is charged meanwhile;
  // kNever for room < 0. Reads only what used(now) left.
  TimeNs earliest_at_most(TimeNs now, int64_t room);

  // What will lie in the window at `first`, and then every `step`, if nothing is charged meanwhile.
  template <size_t kCount>
  void used_ahead(TimeNs first, DurationNs step, std::array<int64_t, kCount>& out) const {
    int64_t left = total_;
    LedgerSeq seq = head_;
    TimeNs at_time = first;
    for (int64_t& used : out) {
      for (; seq != tail_ && at(seq).last + window_ <= at_time; ++seq) left -= at(seq).cost;
      used = left;
      at_time = at_time + step;
    }
  }

  // Charges `cost` >= 0 at `now`.
  LedgerSeq charge(TimeNs now, int64_t cost);

  // Takes back part of what was charged, where it was charged; false if that has left the window.
  bool refund(TimeNs now, LedgerSeq seq, int64_t cost);

  // The buckets from `seq` on, oldest first: the time of the latest charge, and the sum.
  template <typename Visit>
  void each_from(LedgerSeq seq, const Visit& visit) const {
    for (; seq < tail_; ++seq) {
      const Bucket& bucket = ring_[seq & (ring_.size() - 1)];
      visit(bucket.last, bucket.cost);
    }
  }

  // All of them; the first may have left the window.
  template <typename Visit>
  void each(const Visit& visit) const {
    each_from(head_, visit);
  }

  // Is that bucket still in the window?
  bool alive(TimeNs now, LedgerSeq seq);

  // Sum of what was charged at or after `from`; of a bucket that covers it, everything.
  int64_t charged_since(TimeNs from) const;
  // The first charge that is still in the window; kNever if there is none.
  TimeNs oldest(TimeNs now);
  // A longer or shorter window from now on; what has left it stays gone.
  void change_window(DurationNs window);

 private:
  struct Bucket {
    TimeNs first;  // its first charge: the bucket takes more until first + span
    TimeNs last;   // its latest charge: the bucket leaves at last + window
    int64_t cost = 0;
  };

  const Bucket& at(LedgerSeq seq) const { return ring_[seq & (ring_.size() - 1)]; }
  Bucket& at(LedgerSeq seq) { return ring_[seq & (ring_.size() - 1)]; }
  void expire(TimeNs now);
  bool has_room();
  void grow();

  DurationNs window_;
  DurationNs span_;           // longest time that one bucket covers
  std::vector<Bucket> ring_;  // size is a power of two; live buckets are [head_, tail_)
  LedgerSeq head_ = 1;
  LedgerSeq tail_ = 1;
  int64_t total_ = 0;
  // Where earliest_at_most looked last, and what lies before: questions of one time ask for about
  // the same.
  LedgerSeq scan_ = 1;
  int64_t passed_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_SLIDING_LEDGER_H_
