#include "runtime/leases.h"

#include <utility>

#include "runtime/completion_queue.h"

namespace llmq::runtime {

Lease& Leases::open(uint64_t attempt, Job& job, core::DurationNs length, core::TimeNs now,
                    int64_t since) {
  auto heard = std::make_shared<LastHeard>(since);
  if (lost_.capacity() <= open_.size()) lost_.reserve(2 * open_.size() + 16);
  Lease& lease = open_[attempt];
  lease.attempt = attempt;
  lease.job = &job;
  lease.length = length;
  lease.heard = std::move(heard);
  if (length.ns > 0) timers_.schedule(lease.timer, now + length);
  return lease;
}

Lease* Leases::find(uint64_t attempt) {
  const auto found = open_.find(attempt);
  return found == open_.end() ? nullptr : &found->second;
}

void Leases::close(uint64_t attempt) {
  const auto found = open_.find(attempt);
  if (found == open_.end()) return;
  Lease& lease = found->second;
  timers_.cancel(lease.timer);
  if (lease.workers != nullptr) lease.workers->drop_refs(1);
  open_.erase(found);
}

const std::vector<uint64_t>& Leases::lapsed(core::TimeNs now) {
  lost_.clear();
  if (timers_.next() > now) return lost_;
  core::LinkList due;
  timers_.advance(now, due);
  while (core::Link* link = due.front()) {
    link->unlink();
    Lease& lease = *reinterpret_cast<Lease*>(core::TimerWheel::timer_of(link));
    const int64_t heard = lease.heard->load(std::memory_order_relaxed);
    const core::TimeNs from = heard == kUntaken ? now : core::TimeNs{heard};
    if (from + lease.length > now) {
      timers_.schedule(lease.timer, from + lease.length);
    } else {
      lost_.push_back(lease.attempt);
    }
  }
  return lost_;
}

}  // namespace llmq::runtime
