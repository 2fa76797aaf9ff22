#include "core/queue/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace llmq::core {
namespace {

constexpr int64_t kNsPerTick = 1'000'000;
constexpr int64_t kNoTick = std::numeric_limits<int64_t>::max();
constexpr int64_t kTickMask =
    (int64_t{1} << 55) - 1;  // a million years, in the bits that a Timer has
constexpr int64_t kHorizon = (int64_t{1} << 32) - 1;  // ticks that the four levels cover

int64_t tick_at_or_after(TimeNs time) {
  return time.ns / kNsPerTick + (time.ns % kNsPerTick > 0 ? 1 : 0);
}

// Slots from `from` + 1 to the next occupied one, going round; 0 if none is.
int distance_to_occupied(const std::array<uint64_t, 4>& occupied, int from) {
  if ((occupied[0] | occupied[1] | occupied[2] | occupied[3]) == 0) return 0;
  for (int step = 1; step <= 256;) {
    const int slot = (from + step) & 255;
    const int in_word = slot & 63;
    const uint64_t word = occupied[static_cast<size_t>(slot >> 6)] >> in_word;
    if (word != 0) {
      const int distance = step + __builtin_ctzll(word);
      return distance <= 256 ? distance : 0;
    }
    step += 64 - in_word;
  }
  return 0;
}

}  // namespace

void TimerWheel::schedule(Timer& timer, TimeNs due) {
  const int64_t tick = tick_at_or_after(due) & kTickMask;
  if (timer.armed() && timer.tick == tick && tick > now_tick_) return;
  cancel(timer);
  timer.tick = tick & kTickMask;
  place(timer);
}

void TimerWheel::cancel(Timer& timer) {
  if (!timer.armed()) return;
  Link* const neighbour = timer.link.next;
  const bool last = neighbour == timer.link.prev;  // then the neighbour is the head of the list
  timer.link.unlink();
  if (last) forget_if_slot(neighbour);
}

// An emptied slot must not cause a wake-up. Lists outside the wheel have nothing to forget.
void TimerWheel::forget_if_slot(const Link* head) {
  static_assert(sizeof(LinkList) == sizeof(Link), "a list is its head");
  const auto* list = reinterpret_cast<const LinkList*>(head);
  for (size_t index = 0; index < kLevels; ++index) {
    Level& level = levels_[index];
    if (std::less<>()(list, level.slots.data()) ||
        !std::less<>()(list, level.slots.data() + kSlots)) {
      continue;
    }
    const auto slot = static_cast<size_t>(list - level.slots.data());
    level.occupied[slot >> 6] &= ~(uint64_t{1} << (slot & 63));
    if (value_of(index, slot) <= next_value_) next_known_ = false;
  }
}

void TimerWheel::place(Timer& timer) {
  const int64_t tick = std::clamp<int64_t>(timer.tick, now_tick_ + 1, now_tick_ + kHorizon);
  const int64_t distance = tick - now_tick_;
  size_t level = 0;
  while (level + 1 < kLevels && distance >= (int64_t{1} << (8 * (level + 1)))) ++level;
  const auto slot = static_cast<size_t>((tick >> (8 * level)) & 255);
  Level& at = levels_[level];
  const bool first = at.slots[slot].empty();
  at.earliest[slot] = first ? timer.tick : std::min<int64_t>(at.earliest[slot], timer.tick);
  at.slots[slot].push_back(timer.link);
  at.occupied[slot >> 6] |= uint64_t{1} << (slot & 63);
  next_value_ = std::min(next_value_, value_of(level, slot));
}

void TimerWheel::advance(TimeNs now, LinkList& due) {
  const int64_t target = now.ns / kNsPerTick;
  if (now_tick_ < target) next_known_ = false;
  while (now_tick_ < target) {
    const int64_t tick = next_tick();
    if (tick > target) {
      now_tick_ = target;
      return;
    }
    now_tick_ = tick;
    for (int level = kLevels - 1; level > 0; --level) {
      const int64_t below = (int64_t{1} << (8 * level)) - 1;
      if ((now_tick_ & below) == 0) {
        empty_slot(level, static_cast<int>((now_tick_ >> (8 * level)) & 255), due);
      }
    }
    empty_slot(0, static_cast<int>(now_tick_ & 255), due);
  }
}

// Timers of the slot that are due join `due`, the others move to where they now belong.
void TimerWheel::empty_slot(int level, int slot, LinkList& due) {
  Level& at = levels_[static_cast<size_t>(level)];
  const auto index = static_cast<size_t>(slot);
  LinkList timers;
  at.slots[index].move_to(timers);
  at.occupied[index >> 6] &= ~(uint64_t{1} << (index & 63));
  while (Link* link = timers.front()) {
    link->unlink();
    Timer* timer = timer_of(link);
    if (timer->tick <= now_tick_) {
      due.push_back(*link);
    } else {
      place(*timer);
    }
  }
}

// Of an occupied slot: no timer in it fires before.
int64_t TimerWheel::value_of(size_t level, size_t slot) const {
  const int shift = 8 * static_cast<int>(level);
  const int64_t here = now_tick_ >> shift;
  const int64_t number = here + 1 + ((static_cast<int64_t>(slot) - here - 1) & 255);
  const int64_t start = number << shift;
  const int64_t earliest = levels_[level].earliest[slot];
  // Beyond the horizon: placed again there, for later slots may hold earlier ones.
  const bool far = earliest >> shift > number;
  return far ? start : std::max(start, earliest);
}

// The first occupied slot of a level has its least value.
TimeNs TimerWheel::next() const {
  if (!next_known_) {
    next_known_ = true;
    next_value_ = kNoTick;
    for (size_t level = 0; level < kLevels; ++level) {
      const int64_t here = now_tick_ >> (8 * level);
      const int distance =
          distance_to_occupied(levels_[level].occupied, static_cast<int>(here & 255));
      if (distance == 0) continue;
      const auto slot = static_cast<size_t>((here + distance) & 255);
      next_value_ = std::min(next_value_, value_of(level, slot));
    }
  }
  if (next_value_ == kNoTick) return kNever;
  const bool beyond_time = next_value_ > kNever.ns / kNsPerTick;
  return TimeNs{beyond_time ? kNever.ns - 1 : next_value_ * kNsPerTick};
}

int64_t TimerWheel::next_tick() const {
  int64_t best = kNoTick;
  for (int level = 0; level < kLevels; ++level) {
    const int shift = 8 * level;
    const int64_t here = now_tick_ >> shift;
    const int distance = distance_to_occupied(levels_[static_cast<size_t>(level)].occupied,
                                              static_cast<int>(here & 255));
    if (distance > 0) best = std::min(best, (here + distance) << shift);
  }
  return best;
}

}  // namespace llmq::core
