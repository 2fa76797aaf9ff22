// What one answer of the provider tells about its limits, in the core's own terms: provider/ makes
// it from headers and bodies, a caller's SDK hands it in through llmq_report_limits.
#ifndef LLMQ_CORE_LIMIT_OBSERVATION_H_
#define LLMQ_CORE_LIMIT_OBSERVATION_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/limit/limit_spec.h"
#include "core/time.h"

namespace llmq::core {

inline constexpr int64_t kNotTold = -1;

// One limit, as the headers of an answer show it.
struct Observation {
  LimitKind kind = LimitKind::kRequests;
  DurationNs period{};  // 0 = not told
  int64_t limit = kNotTold;
  int64_t remaining = kNotTold;
  DurationNs reset{kNotTold};  // from the answer on
};

// What a refusal says of the limit that it met.
struct Refusal {
  bool kind_told = false;
  LimitKind kind = LimitKind::kRequests;
  DurationNs period{};  // 0 = not told
  int64_t limit = kNotTold;
  int64_t used = kNotTold;
  int64_t requested = kNotTold;
  DurationNs retry_after{};  // 0 = no hint
};

// Everything that one answer tells. Few limits are ever told at once; what is beyond is dropped.
struct Observed {
  static constexpr size_t kMost = 8;

  std::array<Observation, kMost> limits{};
  size_t count = 0;
  bool refused = false;  // then `refusal` says what is known
  Refusal refusal{};

  bool empty() const { return count == 0 && !refused; }
  // The entry of that kind and period, made if there is room; nullptr if there is none.
  Observation* of(LimitKind kind, DurationNs period) {
    for (size_t i = 0; i < count; ++i) {
      if (limits[i].kind == kind && limits[i].period == period) return &limits[i];
    }
    if (count == kMost) return nullptr;
    limits[count].kind = kind;
    limits[count].period = period;
    return &limits[count++];
  }
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_OBSERVATION_H_
