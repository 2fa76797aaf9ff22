// Windows on a grid whose edges are known: N per window, the next one starts from nothing.
//
// Promise: of a provider whose edges lie within `tolerance` of the grid, and that counts each call
// within J after it was sent, no window holds more than N: a call that may be counted in either of
// two windows is charged to both (straddle accounting, algorithms.md 1.3).
#ifndef LLMQ_CORE_LIMIT_FIXED_WINDOWS_H_
#define LLMQ_CORE_LIMIT_FIXED_WINDOWS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

class FixedWindows {
 public:
  // Edges at edge + k * period for every k.
  FixedWindows(TimeNs edge, DurationNs period, DurationNs tolerance, DurationNs jitter);
  // Calendar windows: [start, end), then [end, next_end). Counts go on where windows do.
  FixedWindows(TimeNs start, TimeNs end, TimeNs next_end, DurationNs tolerance, DurationNs jitter);
  void set_edges(TimeNs start, TimeNs end, TimeNs next_end);

  // Earliest time from `now` on at which `cost` fits into every window that may count it; cost <=
  // amount. What must be known of later windows is not asked for: nothing is charged ahead.
  TimeNs earliest(TimeNs now, int64_t cost, int64_t amount) const;
  // The same if `ahead` is charged now.
  TimeNs earliest_behind(TimeNs now, int64_t cost, int64_t ahead, int64_t amount) const;
  void charge(TimeNs now, int64_t cost);
  // Takes back part of what was charged at `then`; false if its windows are over.
  bool refund(TimeNs now, TimeNs then, int64_t cost);

  // The window that holds `time` has used at least this much.
  void at_least(TimeNs time, int64_t used);
  int64_t used(TimeNs now) const;
  // Nothing is counted in any window that may count a call of now.
  bool is_empty(TimeNs now) const;
  int64_t index(TimeNs time) const;
  TimeNs start(int64_t index) const;
  DurationNs tolerance() const { return tolerance_; }

 private:
  static constexpr size_t kKept = 4;  // the windows that can still matter

  struct Window {
    int64_t index = INT64_MIN;
    int64_t used = 0;
  };

  int64_t used_in(int64_t index) const;
  void add(int64_t index, int64_t cost);
  int64_t first_of(TimeNs time) const { return index(time - tolerance_); }
  int64_t last_of(TimeNs time) const { return index(time + jitter_ + tolerance_); }

  // A grid: edge_ and period_. A calendar: window 0 begins at edges_[0]; kKept edges are known.
  bool calendar_;
  TimeNs edge_;
  DurationNs period_;
  int64_t base_ = 0;  // calendar: index of the window that begins at edges_[0]
  std::array<TimeNs, 3> edges_{};
  DurationNs tolerance_;
  DurationNs jitter_;
  std::array<Window, kKept> windows_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_FIXED_WINDOWS_H_
