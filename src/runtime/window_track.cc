#include "runtime/window_track.h"

#include <algorithm>
#include <limits>

namespace llmq::runtime {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

core::DurationNs wall_ahead_of_steady(const Clocks& now) {
  return core::DurationNs{now.wall_unix_ms * kNsPerMs - now.mono.ns - now.asleep.ns};
}

}  // namespace

core::TimeNs WindowTrack::end(core::DurationNs wall_ahead) const {
  const core::TimeNs end = core::TimeNs{window_.end_ms * kNsPerMs} - wall_ahead - asleep_;
  return std::max({end, slept_, start_ + core::nanoseconds(1)});
}

bool WindowTrack::open(const Clocks& now, core::TimeNs earliest_start) {
  const auto window = calendar_window(calendar_, zone_, now.wall_unix_ms);
  is_open_ = window.ok();
  if (!is_open_) return false;
  window_ = window.value();
  opened_ahead_ = wall_ahead_ = wall_ahead_of_steady(now);
  const core::TimeNs start = core::TimeNs{window_.start_ms * kNsPerMs} - wall_ahead_ - asleep_;
  start_ = std::max(start, earliest_start);
  return true;
}

// Calls have been counted as the edges were told: an end that is moved lies ahead.
void WindowTrack::reckon(const Clocks& now) {
  const core::DurationNs wanted = std::min(wall_ahead_of_steady(now), opened_ahead_);
  const bool later = wanted < wall_ahead_ - kTolerance;
  const bool earlier = wanted > wall_ahead_ + kTolerance && end(wanted) > now.mono;
  if (later || earlier) wall_ahead_ = wanted;
}

std::optional<WindowTimes> WindowTrack::follow(const Clocks& now) {
  if (now.asleep != asleep_) {
    asleep_ = now.asleep;
    slept_ = followed_;
  }
  followed_ = now.mono;
  if (!is_open_) {
    const core::TimeNs any{std::numeric_limits<int64_t>::min()};
    return open(now, any) ? tell() : std::nullopt;
  }
  reckon(now);
  const core::TimeNs end_now = end(wall_ahead_);
  if (end_now <= now.mono && told_ && told_->end == end_now) {
    if (now.wall_unix_ms < window_.end_ms) {
      wall_ahead_ = wall_ahead_of_steady(now);  // a little behind: not yet
    } else if (!open(now, end_now)) {
      told_.reset();
    }
  }
  return is_open_ ? tell() : std::nullopt;
}

std::optional<WindowTimes> WindowTrack::tell() {
  WindowTimes times;
  times.start = start_;
  times.end = end(wall_ahead_);
  const core::DurationNs next{(window_.next_end_ms - window_.end_ms) * kNsPerMs};
  times.next_end = times.end + next;
  if (told_ && told_->start == times.start && told_->end == times.end) return std::nullopt;
  told_ = times;
  return told_;
}

}  // namespace llmq::runtime
