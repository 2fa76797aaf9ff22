// What a limit is, as the configuration states it.
#ifndef LLMQ_CORE_LIMIT_LIMIT_SPEC_H_
#define LLMQ_CORE_LIMIT_LIMIT_SPEC_H_

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

enum class LimitKind : uint8_t {
  kRequests,
  kTokens,  // input + output
  kInputTokens,
  kOutputTokens,
  kConcurrency,  // attempts that run at the same time; has no period
};

// When the provider counts a call, and what (algorithms.md, "Charge").
enum class ChargeModel : uint8_t {
  kArrival,     // the estimate, when the call arrives; nothing is given back
  kCompletion,  // the actual usage, when the call ends
  kRealtime,    // the actual usage while it is produced; bounded by the reservation until the call
                // ends
  kActual,      // the estimate when the call is sent, corrected in place to the actual usage
};

inline constexpr int kMaxLimitsPerModel = 16;
inline constexpr int64_t kMaxLimitAmount =
    1'000'000'000'000'000;  // 10^15: sums cannot overflow int64

struct LimitSpec {
  LimitKind kind = LimitKind::kRequests;
  ChargeModel charge = ChargeModel::kActual;
  int64_t amount = 0;   // N: 1 .. kMaxLimitAmount
  DurationNs period{};  // T: 1 s .. 31 days; 0 for concurrency
  DurationNs jitter{};  // J: most that the way to the provider's counter varies
  bool shared = false;  // room comes from a store shared with other processes, by Lease actions
};

// J unless configured: min(250 ms, T/100), at least 20 ms (algorithms.md, corrections).
inline DurationNs default_jitter(DurationNs period) {
  return {std::max(milliseconds(20).ns, std::min(milliseconds(250).ns, period.ns / 100))};
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_SPEC_H_
