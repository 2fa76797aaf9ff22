#include "runtime/window_track.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace llmq::runtime {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

core::DurationNs wall_ahead_of_steady(const Clocks& now) {
  return core::DurationNs{now.wall_unix_ms * kNsPerMs - now.mono.ns - now.asleep.ns};
}

}  // namespace

core::TimeNs WindowTrack::mono_of(int64_t unix_ms, core::DurationNs asleep) const {
  return core::TimeNs{unix_ms * kNsPerMs} - wall_ahead_ - asleep;
}

void WindowTrack::open(const Clocks& now, core::TimeNs earliest_start) {
  const auto window = calendar_window(calendar_, zone_, now.wall_unix_ms);
  is_open_ = window.ok();
  if (!is_open_) return;
  window_ = window.value();
  opened_ahead_ = wall_ahead_ = wall_ahead_of_steady(now);
  start_ = std::max(mono_of(window_.start_ms, now.asleep), earliest_start);
}

std::optional<WindowTimes> WindowTrack::follow(const Clocks& now) {
  if (!is_open_) {
    open(now, core::TimeNs{std::numeric_limits<int64_t>::min()});
  } else {
    const core::DurationNs wall_ahead = wall_ahead_of_steady(now);
    const core::DurationNs wanted = std::min(wall_ahead, opened_ahead_);
    if (std::abs(wanted.ns - wall_ahead_.ns) > kTolerance.ns) wall_ahead_ = wanted;
    const core::TimeNs end = mono_of(window_.end_ms, now.asleep);
    if (end <= now.mono && now.wall_unix_ms < window_.end_ms) {
      wall_ahead_ = wall_ahead;  // a little behind: not yet
    } else if (end <= now.mono) {
      open(now, std::max(end, followed_));  // what began while nobody looked did not begin before
    }
  }
  followed_ = now.mono;
  return tell(now);
}

std::optional<WindowTimes> WindowTrack::tell(const Clocks& now) {
  if (!is_open_) {
    told_.reset();
    return std::nullopt;
  }
  const WindowTimes times{start_, mono_of(window_.end_ms, now.asleep),
                          mono_of(window_.next_end_ms, now.asleep)};
  if (told_ && told_->start == times.start && told_->end == times.end) return std::nullopt;
  told_ = times;
  return told_;
}

}  // namespace llmq::runtime
