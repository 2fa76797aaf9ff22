// Products of amounts and times that do not fit 64 bits on their way to a quotient that does.
#ifndef LLMQ_CORE_LIMIT_WIDE_H_
#define LLMQ_CORE_LIMIT_WIDE_H_

#include <algorithm>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

__extension__ using Wide = __int128;

// 73 years: longer than anything waits, far from overflow when two are added.
inline constexpr DurationNs kMaxDuration{int64_t{1} << 61};

// a * b / c, rounded up, for a, b >= 0 and c > 0; at most kMaxDuration.
inline int64_t mul_div_up(int64_t a, int64_t b, int64_t c) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<int64_t>(std::min<Wide>((product + c - 1) / c, kMaxDuration.ns));
}
// The same, rounded down.
inline int64_t mul_div(int64_t a, int64_t b, int64_t c) {
  return static_cast<int64_t>(std::min<Wide>(static_cast<Wide>(a) * b / c, kMaxDuration.ns));
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_WIDE_H_
