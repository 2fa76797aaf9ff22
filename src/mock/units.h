// Time and wide integers of the mock. Time never comes from a clock in here: callers hand it in.
#ifndef LLMQ_MOCK_UNITS_H_
#define LLMQ_MOCK_UNITS_H_

#include <chrono>
#include <cstdint>

namespace llmq::mock {

// A span, or a point counted from an origin that each class names.
using Nanos = std::chrono::nanoseconds;

// units x nanoseconds does not fit 64 bits: 10^15 tokens x 31 days needs 102.
__extension__ using Wide = __int128;

// Bounds that keep every sum inside its type. Options and request bodies are checked against them.
constexpr int64_t kMaxAmount = 1'000'000'000'000'000;
constexpr int64_t kMaxTokensPerCall = 1'000'000'000;
constexpr Nanos kMaxPeriod = std::chrono::hours(24 * 366);

// a / b rounded up, for a >= 0 and b > 0.
constexpr Wide ceil_div(Wide a, Wide b) { return (a + b - 1) / b; }

constexpr int64_t to_ms_rounded_up(Nanos span) {
  return static_cast<int64_t>(ceil_div(span.count() > 0 ? span.count() : 0, 1'000'000));
}

constexpr double to_ms(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_UNITS_H_
