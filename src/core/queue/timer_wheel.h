// The engine's one timer structure: deadlines, attempt time-outs, retry delays, wake-ups of models.
//
// Promise: a timer fires never before its time and at most 1 ms after it. schedule and cancel are
// O(1), which matters because nearly every timer is cancelled. Hierarchical wheel after Varghese
// and Lauck (SOSP 1987): 4 levels of 256 slots, 1 ms at the lowest, 49 days in all; later times
// wait in the top level and are placed again when it comes round.
#ifndef LLMQ_CORE_QUEUE_TIMER_WHEEL_H_
#define LLMQ_CORE_QUEUE_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/queue/link.h"
#include "core/time.h"

namespace llmq::core {

// Whose timer it is, so that what is due can be handed to its owner.
enum class TimerOwner : uint8_t { kRequest, kModel, kTenant, kShutdown };

struct Timer {
  explicit Timer(TimerOwner whose) : tick(0), owner(whose) {}

  Link link;          // first member: a Timer is found from its link
  int64_t tick : 56;  // due, in ms
  TimerOwner owner : 8;
  bool armed() const { return link.linked(); }
};

class TimerWheel {
 public:
  // Arms the timer for `due`, or moves it there.
  void schedule(Timer& timer, TimeNs due);
  void cancel(Timer& timer);

  // Moves time to `now` and collects what is due, in the order of its ticks, into `due`. A
  // collected timer that is cancelled or scheduled anew before it is looked at leaves the list by
  // itself.
  void advance(TimeNs now, LinkList& due);

  // No timer fires before this time; kNever if none is armed. It may be the time of one that has
  // been cancelled.
  TimeNs next() const;

  static Timer* timer_of(Link* link) { return reinterpret_cast<Timer*>(link); }

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlots = 256;

  struct Level {
    std::array<LinkList, kSlots> slots;
    std::array<uint64_t, kSlots / 64> occupied{};
    std::array<int64_t, kSlots> earliest{};  // of an occupied slot: no timer in it is due before
  };

  void place(Timer& timer);
  int64_t value_of(size_t level, size_t slot) const;
  void forget_if_slot(const Link* head);
  int64_t next_tick() const;  // with something in its slot: to be fired or placed again
  void empty_slot(int level, int slot, LinkList& due);

  std::array<Level, kLevels> levels_;
  int64_t now_tick_ = 0;
  // What next() has found, as long as nothing has changed it.
  mutable int64_t next_value_ = 0;
  mutable bool next_known_ = false;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_TIMER_WHEEL_H_
