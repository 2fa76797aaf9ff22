// How many attempts of a model may run at a time, once its provider has shown overload.
//
// Additive increase, multiplicative decrease (Chiu and Jain, 1989), driven by errors alone: the
// latency of a call tells of its length, not of the load. While nothing is wrong nothing is
// bounded. What that rule leaves open:
// - A cut takes the part of the last calls that met overload (as DCTCP does), at most a tenth, once
//   per round: one stray refusal in thousands costs one place, not a tenth of them.
// - Where most calls are refused, each refusal takes its place along: what still runs then is what
//   the provider has room for, found in one round, and kept if the next ones go well. If nothing
//   runs any more it is closed rather than full: one call goes at a time, and each that goes well
//   lets two follow, up to the bound of before (slow start).
// - A round of successes brings one more; what was refused before is tried again after 1, 2, 4, 8
//   clean rounds, and taken back at once if it is refused again. Once it holds, each clean round
//   brings twice what the one before did, at most a quarter.
#ifndef LLMQ_CORE_POLICY_ADAPTIVE_CONCURRENCY_H_
#define LLMQ_CORE_POLICY_ADAPTIVE_CONCURRENCY_H_

#include <algorithm>
#include <cstdint>

#include "core/limit/limit_spec.h"
#include "core/time.h"

namespace llmq::core {

class AdaptiveConcurrency {
 public:
  static constexpr int64_t kUnbounded = kMaxLimitAmount;

  // An attempt that began at `started` went well; `others` ran besides it. `most` is what the
  // configuration allows at a time.
  void succeeded(TimeNs started, int64_t others, int64_t most);
  // An attempt met overload. `round`: how long a cut takes to show.
  void overloaded(TimeNs now, int64_t others, int64_t most, DurationNs round);
  // The provider asked for a pause, or did not work. After it one call goes first, besides those
  // that still run.
  void closed(int64_t running = 0) { ramp_ = running + 1; }
  // The provider named how many it takes.
  void told(int64_t most) { bound_ = std::max<int64_t>(std::min(bound_, most), 1); }

  // Most attempts that may run; kUnbounded if the configuration alone decides.
  int64_t bound() const {
    const int64_t least = std::min(bound_, ramp_);
    return accepted_ > 0 ? std::min(least, accepted_) : least;
  }
  bool bounds() const { return bound() != kUnbounded; }
  // It is being found out how much goes, after nothing did.
  bool ramps() const { return ramp_ < bound_; }
  uint64_t overloads() const { return overloads_; }  // ever

 private:
  void remember(int64_t& outcome);
  void grow(int64_t most);
  void take_back(TimeNs now);
  void cut(TimeNs now);
  void give_up_place(TimeNs now, int64_t others);

  int64_t bound_ = kUnbounded;
  int64_t ramp_ = kUnbounded;
  int64_t accepted_ = 0;  // run on in a wave of refusals, least so far; 0: there is none
  int64_t good_ = 0;      // outcomes of about the last round
  int64_t bad_ = 0;
  int64_t in_round_ = 0;    // successes since the last overload that needed the bound
  int64_t clean_ = 0;       // rounds of them
  int64_t grown_from_ = 0;  // the bound before it grew, until that has held for a round; 0: it has
  int64_t refused_at_ = 0;  // the bound at which overload was met last; 0: not known
  int64_t patience_ = 1;    // clean rounds before that is tried again
  int64_t step_ = 1;
  uint64_t overloads_ = 0;
  TimeNs cut_at_{};
  TimeNs met_at_{};   // overload
  TimeNs wave_at_{};  // its first refusal
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_ADAPTIVE_CONCURRENCY_H_
