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

using core::WindowTimes;

class WindowTrack {
 public:
  // The wall clock may wander that far without an edge being moved.
  static constexpr core::DurationNs kTolerance = core::seconds(2);

  WindowTrack(core::Calendar calendar, std::string zone)
      : calendar_(calendar), zone_(std::move(zone)) {}

  // What the engine is to be told next: the edges of a window, or that its end has moved (then
  // `start` is as before). To be asked until there is nothing. Times must not decrease.
  std::optional<WindowTimes> follow(const Clocks& now);

  // The engine is told again, with the next follow: it may have forgotten.
  void repeat() { told_.reset(); }

  core::Calendar calendar() const { return calendar_; }
  const std::string& zone() const { return zone_; }

  // When to follow at the latest; kNever if there is no window.
  core::TimeNs due() const { return told_ ? told_->end : core::kNever; }

 private:
  bool open(const Clocks& now, core::TimeNs earliest_start);
  void reckon(const Clocks& now);
  std::optional<WindowTimes> tell();
  core::TimeNs end(core::DurationNs wall_ahead) const;

  core::Calendar calendar_;
  std::string zone_;
  bool is_open_ = false;
  CalendarWindow window_;
  core::DurationNs opened_ahead_{};  // how far the wall clock was ahead of the steady one then
  core::DurationNs wall_ahead_{};    // as the edges are reckoned: that, or less
  core::DurationNs asleep_{};
  core::TimeNs slept_{};  // the last look before the last sleep: what it hid began after that
  core::TimeNs followed_{};
  core::TimeNs start_{};
  std::optional<WindowTimes> told_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_WINDOW_TRACK_H_
