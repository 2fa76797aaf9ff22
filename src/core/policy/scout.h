// How a model's first calls are made while nothing is known of its provider's limits.
//
// Where answers show limits, the first ones tell: one call goes alone, and after each answer that
// shows none twice as many may run. Where a refusal alone tells of a limit, its price is what was
// started until it came back. So there starts are spaced, whatever runs: a refusal that takes 0.25
// s costs at most a twenty-fifth of what was started before it, and what may start per second grows
// by a factor of e every 6 s.
#ifndef LLMQ_CORE_POLICY_SCOUT_H_
#define LLMQ_CORE_POLICY_SCOUT_H_

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

class Scout {
 public:
  // `unseen`: no answer but a refusal will show a limit.
  void begin(bool unseen) {
    phase_ = unseen ? Phase::kSpaced : Phase::kFewAtATime;
    most_ = 1;
    started_ = 0;
  }
  void end() { phase_ = Phase::kOff; }

  // When a call may start besides those that run; kNever: when one of them has ended.
  TimeNs opens(TimeNs now, uint64_t running) const {
    if (phase_ == Phase::kFewAtATime) return running < most_ ? now : kNever;
    return phase_ == Phase::kSpaced ? std::max(now, next_) : now;
  }
  void started(TimeNs now) {
    if (phase_ != Phase::kSpaced) return;
    ++started_;
    const DurationNs gap{kRefusalTime.ns * kPrice / std::max(started_, kPrice)};
    next_ = now + gap;
    if (gap < kLeastGap) end();
  }
  // An answer has come that shows no limit: perhaps there is none. `most` runs at a time in any
  // case.
  void answered(int64_t most) {
    if (phase_ != Phase::kFewAtATime) return;
    most_ *= 2;
    if (static_cast<int64_t>(most_) >= most) end();
  }
  // A call that began at `started` was refused by a limit that has no name: half as many per
  // second.
  void refused(TimeNs now, TimeNs started) {
    if (phase_ != Phase::kSpaced || started <= refused_at_) return;
    refused_at_ = now;
    started_ /= 2;
  }

 private:
  enum class Phase : uint8_t { kOff, kFewAtATime, kSpaced };
  static constexpr DurationNs kRefusalTime = milliseconds(250);
  static constexpr int64_t kPrice = 25;
  static constexpr DurationNs kLeastGap = milliseconds(1);

  Phase phase_ = Phase::kOff;
  uint64_t most_ = 1;
  int64_t started_ = 0;
  TimeNs next_{};
  TimeNs refused_at_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_SCOUT_H_
