// Counting what falls into windows, the slow and obvious way: the judge of everything that claims a
// limit.
#ifndef LLMQ_TESTS_SUPPORT_WINDOWS_H_
#define LLMQ_TESTS_SUPPORT_WINDOWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.h"

namespace llmq::sim {

// An amount that was counted at a time.
struct Counted {
  core::TimeNs at;
  int64_t cost = 0;
};

// The most that any window [t, t + period) holds. A busiest window begins with an entry.
inline int64_t most_in_any_window(std::vector<Counted> entries, core::DurationNs period) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Counted& a, const Counted& b) { return a.at < b.at; });
  int64_t most = 0;
  int64_t sum = 0;
  size_t end = 0;
  for (size_t begin = 0; begin < entries.size(); ++begin) {
    for (; end < entries.size() && entries[end].at - entries[begin].at < period; ++end) {
      sum += entries[end].cost;
    }
    most = std::max(most, sum);
    sum -= entries[begin].cost;
  }
  return most;
}

// What (now - window, now] holds.
inline int64_t sum_in_window(const std::vector<Counted>& entries, core::TimeNs now,
                             core::DurationNs window) {
  int64_t sum = 0;
  for (const Counted& entry : entries) {
    if (entry.at <= now && now - entry.at < window) sum += entry.cost;
  }
  return sum;
}

}  // namespace llmq::sim

#endif  // LLMQ_TESTS_SUPPORT_WINDOWS_H_
