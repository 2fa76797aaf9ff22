// Division by a number that many others are divided by: a multiplication and a shift.
#ifndef LLMQ_CORE_LIMIT_DIVISOR_H_
#define LLMQ_CORE_LIMIT_DIVISOR_H_

#include <cassert>
#include <cstdint>

namespace llmq::core {

// Exact for n >= 2 as long as value * n < 2^64: the multiplier is 2^64 / n rounded up, so the error
// stays below one part in the value (Granlund and Montgomery, PLDI 1994).
class Divisor {
 public:
  constexpr explicit Divisor(int64_t n)
      : multiplier_(n == 1 ? 0 : UINT64_MAX / static_cast<uint64_t>(n) + 1) {}

  // value / n, rounded down, for value >= 0.
  int64_t of(int64_t value) const {
    assert(value >= 0);
    if (multiplier_ == 0) return value;
    __extension__ using Wide = unsigned __int128;
    return static_cast<int64_t>((static_cast<Wide>(static_cast<uint64_t>(value)) * multiplier_) >>
                                64);
  }

 private:
  uint64_t multiplier_;  // 0: n is 1
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_DIVISOR_H_
