// How many retries a deployment, or a tenant, may have: retries keep an overload alive that would
// have ended by itself (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021;
// a tenth of all calls: Beyer et al., "Site Reliability Engineering", 2016, chapter 21).
//
// Of the retries of the last minute those count that have failed, or are not back yet: at most a
// tenth of the attempts begun in it, and in any case three at a time. One that goes well was worth
// its while and gives its place back, so that three of ten calls may fail and all are answered.
// Who finds no room waits for it; nobody fails for that.
#ifndef LLMQ_CORE_POLICY_RETRY_BUDGET_H_
#define LLMQ_CORE_POLICY_RETRY_BUDGET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/policy/recent_counts.h"
#include "core/time.h"

namespace llmq::core {

struct RetryBudgetSpec {
  int64_t percent = 10;   // of the attempts of the last minute
  int64_t at_a_time = 3;  // that may run in any case
};

class RetryBudget {
 public:
  void attempt(TimeNs now) { counts_.add(now, kAttempts); }
  // More retries that may begin now.
  int64_t room(TimeNs now, const RetryBudgetSpec& spec) {
    const int64_t share = counts_.sum(now, kAttempts) * spec.percent / 100;
    return std::max(share - counts_.sum(now, kRetries), spec.at_a_time - running_) - promised_;
  }
  // When time alone may bring room; kNever: it brings none.
  TimeNs next_room(TimeNs now) { return counts_.next_forgotten(now, kRetries); }

  // One stands in line, and will begin.
  void promise() { ++promised_; }
  void withdraw() { --promised_; }
  void begin(TimeNs now) {
    ++running_;
    counts_.add(now, kRetries);
  }
  // One that began at `begun` is over; `wasted`: it failed as the attempt before it did.
  void end(TimeNs now, TimeNs begun, bool wasted) {
    --running_;
    if (!wasted) counts_.take_back(now, begun, kRetries);
  }

 private:
  enum Counted : size_t { kAttempts, kRetries, kKinds };

  RecentCounts<kKinds> counts_;
  int64_t running_ = 0;
  int64_t promised_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_RETRY_BUDGET_H_
