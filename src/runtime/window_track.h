// One calendar limit's windows on the loop's clock.
//
// The edges of a window are translated to the steady clock once, when it opens. No later word of
// the wall clock brings its end nearer than that: a step forward opens no window before the steady
// clock has got there. While the wall clock is behind, the end is further away, and no boundary is
// passed twice. The next window takes the wall clock as it then is.
#ifndef LLMQ_RUNTIME_WINDOW_TRACK_H_
#define LLMQ_RUNTIME_WINDOW_TRACK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/limit/limit_spec.h"
#include "core/time.h"
#include "runtime/calendar.h"

namespace llmq::runtime {

// `mono` stands still while the machine sleeps, on some systems; `asleep` is how long it did.
struct Clocks {
  core::TimeNs mono;
  core::DurationNs asleep;
  int64_t wall_unix_ms = 0;
};

// On the monotonic clock.
struct WindowTimes {
  core::TimeNs start;
  core::TimeNs end;
  core::TimeNs next_end;
};

class WindowTrack {
 public:
  // The wall clock may wander that far without an edge being moved.
  static constexpr core::DurationNs kTolerance = core::seconds(2);

  WindowTrack(core::Calendar calendar, std::string zone)
      : calendar_(calendar), zone_(std::move(zone)) {}

  // The window of that time, if the engine has not been told of it as it is: it has opened, or its
  // edges have moved (then `start` is as before). Times must not decrease.
  std::optional<WindowTimes> follow(const Clocks& now);

  // When to follow at the latest; kNever if there is no window.
  core::TimeNs due() const { return told_ ? told_->end : core::kNever; }

 private:
  void open(const Clocks& now, core::TimeNs earliest_start);
  std::optional<WindowTimes> tell(const Clocks& now);
  // The monotonic time of a wall time, as the edges are reckoned.
  core::TimeNs mono_of(int64_t unix_ms, core::DurationNs asleep) const;

  core::Calendar calendar_;
  std::string zone_;
  bool is_open_ = false;
  CalendarWindow window_;
  core::DurationNs opened_ahead_{};  // how far the wall clock was ahead of the steady one then
  core::DurationNs wall_ahead_{};    // as the edges are reckoned: that, or less
  core::TimeNs start_{};
  core::TimeNs followed_{};  // last
  std::optional<WindowTimes> told_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_WINDOW_TRACK_H_
