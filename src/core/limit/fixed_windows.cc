#include "core/limit/fixed_windows.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

FixedWindows::FixedWindows(TimeNs edge, DurationNs period, DurationNs tolerance, DurationNs jitter)
    : calendar_(false), edge_(edge), period_(period), tolerance_(tolerance), jitter_(jitter) {
  assert(period.ns > 0);
}

FixedWindows::FixedWindows(TimeNs start, TimeNs end, TimeNs next_end, DurationNs tolerance,
                           DurationNs jitter)
    : calendar_(true),
      edge_(start),
      period_(end - start),
      edges_{start, end, next_end},
      tolerance_(tolerance),
      jitter_(jitter) {
  assert(start < end && end < next_end);
}

void FixedWindows::set_edges(TimeNs start, TimeNs end, TimeNs next_end) {
  assert(calendar_ && start < end && end < next_end);
  // An edge that comes again, moved by a correction of the clock, opens no window a second time.
  const DurationNs half{(edges_[1] - edges_[0]).ns / 2};
  if (start > edges_[0] + half) base_ += start > edges_[1] + half ? 2 : 1;
  edges_ = {start, end, next_end};
  edge_ = start;
  period_ = end - start;
}

int64_t FixedWindows::index(TimeNs time) const {
  if (!calendar_) return floor_div(time.ns - edge_.ns, period_.ns);
  if (time < edges_[0]) return base_ - 1;
  if (time < edges_[1]) return base_;
  return time < edges_[2] ? base_ + 1 : base_ + 2;
}

TimeNs FixedWindows::start(int64_t index) const {
  if (!calendar_) return {edge_.ns + index * period_.ns};
  const int64_t offset = index - base_;
  if (offset <= 0) return edges_[0];
  return offset <= 2 ? edges_[static_cast<size_t>(offset)] : kNever;
}

TimeNs FixedWindows::earliest(TimeNs now, int64_t cost, int64_t amount) const {
  return earliest_behind(now, cost, 0, amount);
}

// Windows fill in order, so the first time that fits is now or the opening of a later window.
TimeNs FixedWindows::earliest_behind(TimeNs now, int64_t cost, int64_t ahead,
                                     int64_t amount) const {
  const int64_t ahead_first = first_of(now);
  const int64_t ahead_last = last_of(now);
  const auto fits = [&](int64_t window) {
    const int64_t more = window >= ahead_first && window <= ahead_last ? ahead : 0;
    return used_in(window) + more + cost <= amount;
  };
  TimeNs at = now;
  for (size_t tries = 0; tries <= kKept; ++tries) {
    const int64_t first = first_of(at);
    const int64_t last = last_of(at);
    if (fits(first) && (last == first || fits(last))) return at;
    const TimeNs opening = start(first + 1);
    if (opening == kNever) return edges_[2];  // the next edges are not known yet
    at = opening + tolerance_;
  }
  return at;
}

void FixedWindows::charge(TimeNs now, int64_t cost) {
  const int64_t first = first_of(now);
  const int64_t last = last_of(now);
  add(first, cost);
  if (last != first) add(last, cost);
}

bool FixedWindows::refund(TimeNs now, TimeNs then, int64_t cost) {
  const int64_t first = first_of(then);
  const int64_t last = last_of(then);
  const int64_t current = first_of(now);
  bool room = false;
  for (const int64_t index : {first, last}) {
    Window& window = windows_[static_cast<size_t>(index) & (kKept - 1)];
    if (window.index == index && index >= current) {
      window.used = std::max<int64_t>(window.used - cost, 0);
      room = true;
    }
    if (first == last) break;
  }
  return room;
}

void FixedWindows::at_least(TimeNs time, int64_t used) {
  const int64_t window = index(time);
  add(window, std::max<int64_t>(used - used_in(window), 0));
}

bool FixedWindows::is_empty(TimeNs now) const {
  return used_in(first_of(now)) == 0 && used_in(index(now)) == 0 && used_in(last_of(now)) == 0;
}

int64_t FixedWindows::used(TimeNs now) const { return used_in(index(now)); }

int64_t FixedWindows::used_in(int64_t index) const {
  const Window& window = windows_[static_cast<size_t>(index) & (kKept - 1)];
  return window.index == index ? window.used : 0;
}

void FixedWindows::add(int64_t index, int64_t cost) {
  Window& window = windows_[static_cast<size_t>(index) & (kKept - 1)];
  if (window.index > index) return;  // long over
  if (window.index != index) window = Window{index, 0};
  window.used += cost;
}

}  // namespace llmq::core
