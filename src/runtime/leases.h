// Attempts that are run by somebody who may vanish: workers who drain a queue, holders of permits.
//
// Each has a lease. Who has been heard of within its length keeps the attempt; else it lapses, and
// the attempt is lost. A worker's lease begins when it drains the attempt, on its own thread: the
// loop looks when the lease could lapse at the earliest, and then looks again.
#ifndef LLMQ_RUNTIME_LEASES_H_
#define LLMQ_RUNTIME_LEASES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/queue/timer_wheel.h"
#include "core/time.h"

namespace llmq::runtime {

class CompletionQueue;
struct Job;

// When the runner of an attempt was heard of last; kUntaken: nobody has it yet.
using LastHeard = std::atomic<int64_t>;
inline constexpr int64_t kUntaken = 0;

struct Lease {
  core::Timer timer{core::TimerOwner::kRequest};  // first member
  uint64_t attempt = 0;
  Job* job = nullptr;
  core::DurationNs length{};  // 0 = it never lapses
  std::shared_ptr<LastHeard> heard;
  CompletionQueue* workers = nullptr;  // a worker's: is told to stop there; holds a reference
};

// The loop's own.
class Leases {
 public:
  // `since`: when its runner was heard of first; kUntaken: it is for whoever takes it.
  Lease& open(uint64_t attempt, Job& job, core::DurationNs length, core::TimeNs now, int64_t since);
  // nullptr: there is none.
  Lease* find(uint64_t attempt);
  void close(uint64_t attempt);

  // Nothing lapses before.
  core::TimeNs next() const { return timers_.next(); }
  // Attempts whose leases have lapsed. They stay open.
  const std::vector<uint64_t>& lapsed(core::TimeNs now);

 private:
  std::unordered_map<uint64_t, Lease> open_;
  core::TimerWheel timers_;
  std::vector<uint64_t> lost_;  // with room for all that are open
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LEASES_H_
