// The limits that an answer's x-ratelimit- headers show.
#ifndef LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_
#define LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/limit/observation.h"

namespace llmq::provider {

// Takes headers one by one, then says what they show together. Names are
// x-ratelimit-{limit,remaining,reset,renewalperiod}-[project-]KIND[-PERIOD], KIND requests, tokens,
// input-tokens or output-tokens, PERIOD as in minute or 10-second; case does not matter. What is
// not understood is left out, field by field. Allocates nothing; keeps no view of what it was
// given.
class RateLimitHeaders {
 public:
  // Any header: others are skipped.
  void add(std::string_view name, std::string_view value);

  // Appends to `observed`. The wall clock serves resets that are points in time.
  void finish(int64_t wall_unix_ms, core::Observed& observed) const;

 private:
  struct Entry {
    core::LimitKind kind;
    core::DurationNs period;
    bool project;  // of a part of the account: the tighter one of both counts
    int64_t limit = core::kNotTold;
    int64_t remaining = core::kNotTold;
    int64_t reset_ns = core::kNotTold;  // written with its unit
    double reset_number = -1;           // written without
    int64_t renewal_ns = core::kNotTold;
  };
  static constexpr size_t kMost = 2 * core::Observed::kMost;

  Entry* entry_for(core::LimitKind kind, core::DurationNs period, bool project);
  static core::Observation observation_of(const Entry& entry, int64_t wall_unix_ms);

  std::array<Entry, kMost> entries_;  // the first count_ of them
  size_t count_ = 0;
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_
