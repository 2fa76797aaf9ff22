// How long the first output of a deployment takes: a moving average that follows a rise at once and
// a fall slowly (peak EWMA, as in Finagle and Tower).
#ifndef LLMQ_CORE_POLICY_PEAK_LATENCY_H_
#define LLMQ_CORE_POLICY_PEAK_LATENCY_H_

#include <algorithm>
#include <cstdint>

#include "core/limit/wide.h"
#include "core/time.h"

namespace llmq::core {

class PeakLatency {
 public:
  void add(TimeNs now, DurationNs latency) {
    if (latency >= average_) {
      average_ = latency;
    } else {  // dt / (dt + tau) for 1 - e^(-dt/tau): no libm in the core
      const int64_t passed = std::max<int64_t>((now - last_).ns, 0);
      average_.ns -= mul_div((average_ - latency).ns, passed, passed + kTau.ns);
    }
    last_ = now;
  }
  DurationNs average() const { return average_; }  // 0 if nothing is known

 private:
  static constexpr DurationNs kTau = seconds(10);

  DurationNs average_{};
  TimeNs last_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_PEAK_LATENCY_H_
