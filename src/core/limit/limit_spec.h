// What a limit is, as the configuration states it.
#ifndef LLMQ_CORE_LIMIT_LIMIT_SPEC_H_
#define LLMQ_CORE_LIMIT_LIMIT_SPEC_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

enum class LimitKind : uint8_t {
  kRequests,
  kTokens,  // input + output
  kInputTokens,
  kOutputTokens,
  kConcurrency,  // attempts that run at the same time; has no period
  kCost,         // money, in millionths of the unit that the prices are in
};
inline constexpr int kLimitKinds = 6;

// How the provider counts (algorithms.md, "Shape of a limit").
enum class Shape : uint8_t {
  kSliding,    // never more than N in any window T; N at once from idle
  kBucket,     // holds `burst`, refills N per T
  kFixed,      // N per window of a grid; as sliding until its edges are known
  kPaced,      // one after another, T/N apart
  kQuantised,  // N*slice/T per slice
  kAuto,       // learned from what the provider answers
};

// When the provider counts a call, and what (algorithms.md, "Charge").
enum class ChargeModel : uint8_t {
  kArrival,     // the estimate, when the call arrives; nothing is given back
  kCompletion,  // the actual usage, when the call ends
  kRealtime,    // the actual usage while it is produced; bounded by the reservation until the call
                // ends
  kActual,      // the estimate when the call is sent, corrected in place to the actual usage
  kUnknown,  // any of these: the larger of estimate and usage, from the sending to T after the end
};

// Windows that follow a calendar: their edges are handed in as data (event WindowEdges), for the
// core knows no time zones.
enum class Calendar : uint8_t { kNone, kMinute, kHour, kDay, kWeek, kMonth };
inline constexpr size_t kCalendars = 6;

// A window on the monotonic clock; the one after it lasts until next_end.
struct WindowTimes {
  TimeNs start;
  TimeNs end;
  TimeNs next_end;
};

// The clocks of provider and host, and the calendars that they follow, differ by less.
inline constexpr DurationNs kCalendarTolerance = seconds(2);

inline constexpr int kMaxLimitsPerModel = 16;  // that are configured
inline constexpr int kMostFoundLimits = 7;     // that answers have shown, beside them
// With the bound on attempts in flight.
inline constexpr int kMostLimitsTogether = kMaxLimitsPerModel + kMostFoundLimits + 1;
inline constexpr int64_t kMaxLimitAmount =
    1'000'000'000'000'000;  // 10^15: sums cannot overflow int64

struct LimitSpec {
  LimitKind kind = LimitKind::kRequests;
  Shape shape = Shape::kSliding;
  ChargeModel charge = ChargeModel::kActual;
  Calendar calendar = Calendar::kNone;
  int64_t amount = 0;       // N: 1 .. kMaxLimitAmount
  DurationNs period{};      // T: 1 s .. 31 days; 0 for concurrency
  DurationNs jitter{};      // J: most that the way to the provider's counter varies
  int64_t burst = 0;        // bucket: what it holds; 0 = N
  DurationNs slice{};       // quantised: 1 s .. T
  uint32_t share = 1;       // `amount` is one of so many parts of the provider's limit
  bool shared = false;      // room comes from a store shared with other processes, by Lease actions
  bool per_tenant = false;  // each tenant has its own
  bool ours = false;        // over several accounts: no provider counts it, no answer tells of it
  bool refused_count = true;    // requests: a call that the provider refused counts
  bool oversize_alone = false;  // a call larger than N may run, alone, and leaves debt
};

// Does `other` say anew what `spec` said? Then what was counted stays.
inline bool is_same_limit(const LimitSpec& spec, const LimitSpec& other) {
  return spec.kind == other.kind && spec.period == other.period &&
         spec.calendar == other.calendar && spec.per_tenant == other.per_tenant;
}

// What money a token costs, in millionths of the unit per million tokens.
struct Prices {
  int64_t input = 0;
  int64_t cached_input = 0;
  int64_t output = 0;
};

// In millionths of the unit, rounded up. Tokens of one kind are at most 10^12.
int64_t price_of(const Prices& prices, int64_t input, int64_t cached_input, int64_t output);

class OutputHistory;

// What a call is expected to use at most, or used.
struct Demand {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  const OutputHistory* outputs = nullptr;  // of calls like it; nullptr if too few are known
};

// In place of a jitter: the default of the period, whatever that will be.
inline constexpr DurationNs kJitterOfPeriod{-1};

// J unless configured: min(250 ms, T/100), at least 20 ms (algorithms.md, corrections).
inline DurationNs default_jitter(DurationNs period) {
  return {std::max(milliseconds(20).ns, std::min(milliseconds(250).ns, period.ns / 100))};
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_SPEC_H_
