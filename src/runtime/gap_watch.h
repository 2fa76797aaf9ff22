// Notices that time went by in which the loop could not look: the machine slept, or the process was
// stopped.
#ifndef LLMQ_RUNTIME_GAP_WATCH_H_
#define LLMQ_RUNTIME_GAP_WATCH_H_

#include <algorithm>

#include "core/time.h"

namespace llmq::runtime {

class GapWatch {
 public:
  // Less is ordinary lateness.
  static constexpr core::DurationNs kLeast = core::seconds(2);

  // The loop looks for what has come in, and will wake at `due` if nothing does; kNever: it waits
  // for as long as it takes.
  void before_poll(core::TimeNs now, core::TimeNs due) { due_ = std::max(now, due); }

  // The loop is back. `asleep` is what the clock has missed since the machine was started
  // (clock.h). How long nobody looked; 0 if that was asked for.
  core::DurationNs after_poll(core::TimeNs now, core::DurationNs asleep) {
    core::DurationNs gap{};
    if (!started_) {
      started_ = true;
      asleep_ = asleep;
    } else if (asleep - asleep_ > kLeast) {
      gap = asleep - asleep_;
      asleep_ = asleep;
    }
    if (due_ != core::kNever && now - due_ > kLeast) gap = gap + (now - due_);
    due_ = core::kNever;
    return gap;
  }

  // As of the last sleep that was noticed.
  core::DurationNs asleep() const { return asleep_; }

 private:
  core::TimeNs due_ = core::kNever;
  core::DurationNs asleep_{};
  bool started_ = false;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_GAP_WATCH_H_
