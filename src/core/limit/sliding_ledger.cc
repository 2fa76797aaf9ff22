#include "core/limit/sliding_ledger.h"

#include <algorithm>
#include <cassert>

#include "core/room.h"

namespace llmq::core {
namespace {

constexpr size_t kFirstRingSize = 16;

int64_t buckets_for(DurationNs window) {
  return window < seconds(3600) ? SlidingLedger::kBuckets : SlidingLedger::kBucketsOfDays;
}

}  // namespace

SlidingLedger::SlidingLedger(DurationNs window)
    : window_(window),
      span_{std::max<int64_t>(1, window.ns / buckets_for(window))},
      ring_(kFirstRingSize) {}

int64_t SlidingLedger::used(TimeNs now) {
  expire(now);
  return total_;
}

TimeNs SlidingLedger::earliest_at_most(TimeNs now, int64_t room) {
  expire(now);
  if (total_ <= room) return now;
  if (room < 0) return kNever;
  // The first bucket with which so much has left.
  const int64_t needed = total_ - room;
  while (passed_ >= needed) passed_ -= at(--scan_).cost;
  while (passed_ + at(scan_).cost < needed) passed_ += at(scan_++).cost;
  return at(scan_).last + window_;
}

LedgerSeq SlidingLedger::charge(TimeNs now, int64_t cost) {
  assert(cost >= 0);
  expire(now);
  if (tail_ != head_) {
    Bucket& newest = at(tail_ - 1);
    assert(now >= newest.last);
    // Without memory for another bucket the newest covers more: it counts all until its latest
    // charge has left.
    if (now - newest.first < span_ || !has_room()) {
      newest.last = now;
      newest.cost += cost;
      total_ += cost;
      return tail_ - 1;
    }
  }
  at(tail_) = Bucket{now, now, cost};
  total_ += cost;
  return tail_++;
}

bool SlidingLedger::refund(TimeNs now, LedgerSeq seq, int64_t cost) {
  if (!alive(now, seq)) return false;
  Bucket& bucket = at(seq);
  assert(cost >= 0 && cost <= bucket.cost);
  bucket.cost -= cost;
  total_ -= cost;
  if (seq < scan_) passed_ -= cost;
  return true;
}

bool SlidingLedger::alive(TimeNs now, LedgerSeq seq) {
  expire(now);
  return seq >= head_ && seq < tail_;
}

int64_t SlidingLedger::charged_since(TimeNs from) const {
  int64_t sum = 0;
  for (LedgerSeq seq = tail_; seq != head_ && at(seq - 1).last >= from; --seq) {
    sum += at(seq - 1).cost;
  }
  return sum;
}

TimeNs SlidingLedger::oldest(TimeNs now) {
  expire(now);
  return head_ == tail_ ? kNever : at(head_).first;
}

void SlidingLedger::change_window(DurationNs window) {
  window_ = window;
  span_ = {std::max<int64_t>(1, window.ns / buckets_for(window))};
}

void SlidingLedger::expire(TimeNs now) {
  while (head_ != tail_ && at(head_).last + window_ <= now) {
    const int64_t cost = at(head_).cost;
    total_ -= cost;
    if (head_ < scan_) {
      passed_ -= cost;
    } else {
      ++scan_;
    }
    ++head_;
  }
}

// For one more bucket.
bool SlidingLedger::has_room() {
  return tail_ - head_ < ring_.size() || if_memory_lasts([this] { grow(); });
}

void SlidingLedger::grow() {
  std::vector<Bucket> bigger(ring_.size() * 2);
  for (LedgerSeq seq = head_; seq != tail_; ++seq) bigger[seq & (bigger.size() - 1)] = at(seq);
  ring_.swap(bigger);
}

}  // namespace llmq::core
