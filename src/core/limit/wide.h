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

// a * b / c, rounded down, for a, b >= 0 and c > 0; at most kMaxDuration. Nearly always the product
// fits, and a division of 64 bits is several times faster.
inline int64_t mul_div(int64_t a, int64_t b, int64_t c) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return std::min(product / c, kMaxDuration.ns);
  return static_cast<int64_t>(std::min<Wide>(static_cast<Wide>(a) * b / c, kMaxDuration.ns));
}
// The same, rounded up.
inline int64_t mul_div_up(int64_t a, int64_t b, int64_t c) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) {
    return std::min(product / c + (product % c != 0 ? 1 : 0), kMaxDuration.ns);
  }
  return static_cast<int64_t>(
      std::min<Wide>((static_cast<Wide>(a) * b + c - 1) / c, kMaxDuration.ns));
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_WIDE_H_
