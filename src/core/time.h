// Points and lengths of time as types of their own: a point cannot be added to a point by mistake.
#ifndef LLMQ_CORE_TIME_H_
#define LLMQ_CORE_TIME_H_

#include <cstdint>
#include <limits>

namespace llmq::core {

// A length of time in nanoseconds.
struct DurationNs {
  int64_t ns = 0;

  friend constexpr bool operator==(DurationNs a, DurationNs b) { return a.ns == b.ns; }
  friend constexpr bool operator!=(DurationNs a, DurationNs b) { return a.ns != b.ns; }
  friend constexpr bool operator<(DurationNs a, DurationNs b) { return a.ns < b.ns; }
  friend constexpr bool operator<=(DurationNs a, DurationNs b) { return a.ns <= b.ns; }
  friend constexpr bool operator>(DurationNs a, DurationNs b) { return a.ns > b.ns; }
  friend constexpr bool operator>=(DurationNs a, DurationNs b) { return a.ns >= b.ns; }
  friend constexpr DurationNs operator+(DurationNs a, DurationNs b) { return {a.ns + b.ns}; }
  friend constexpr DurationNs operator-(DurationNs a, DurationNs b) { return {a.ns - b.ns}; }
};

// A point on the monotonic clock, in nanoseconds from an arbitrary start. kNever lies after all
// others.
struct TimeNs {
  int64_t ns = 0;

  friend constexpr bool operator==(TimeNs a, TimeNs b) { return a.ns == b.ns; }
  friend constexpr bool operator!=(TimeNs a, TimeNs b) { return a.ns != b.ns; }
  friend constexpr bool operator<(TimeNs a, TimeNs b) { return a.ns < b.ns; }
  friend constexpr bool operator<=(TimeNs a, TimeNs b) { return a.ns <= b.ns; }
  friend constexpr bool operator>(TimeNs a, TimeNs b) { return a.ns > b.ns; }
  friend constexpr bool operator>=(TimeNs a, TimeNs b) { return a.ns >= b.ns; }
  friend constexpr DurationNs operator-(TimeNs a, TimeNs b) { return {a.ns - b.ns}; }
  friend constexpr TimeNs operator-(TimeNs a, DurationNs d) { return {a.ns - d.ns}; }
  // Saturates at kNever instead of overflowing.
  friend constexpr TimeNs operator+(TimeNs a, DurationNs d) {
    if (d.ns > 0 && a.ns > std::numeric_limits<int64_t>::max() - d.ns) {
      return {std::numeric_limits<int64_t>::max()};
    }
    return {a.ns + d.ns};
  }
};

inline constexpr TimeNs kNever{std::numeric_limits<int64_t>::max()};

constexpr DurationNs nanoseconds(int64_t n) { return {n}; }
constexpr DurationNs milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr DurationNs seconds(int64_t n) { return {n * 1'000'000'000}; }

// The two clocks that a step of the engine is told. Wall time serves calendars only, never a
// difference.
struct Now {
  TimeNs mono;
  int64_t wall_unix_ms = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_TIME_H_
