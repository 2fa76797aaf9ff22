// loop=external: the turns of the loop are taken by a thread of the host, when the descriptor or
// the timeout says so.
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kMostTurns = 4;  // before the host's other work has its turn

// For the length of a turn the thread is the loop's. It may be another one's already, whose
// callback ends this manager: then it stays that.
class TurnTaker {
 public:
  explicit TurnTaker(std::atomic<std::thread::id>& thread_id)
      : thread_id_(thread_id), was_loops_(Loop::on_any_loop_thread()) {
    thread_id_.store(std::this_thread::get_id());
    Loop::mark_thread(true);
  }
  ~TurnTaker() {
    Loop::mark_thread(was_loops_);
    thread_id_.store(std::thread::id());
  }
  TurnTaker(const TurnTaker&) = delete;
  TurnTaker& operator=(const TurnTaker&) = delete;

 private:
  std::atomic<std::thread::id>& thread_id_;
  const bool was_loops_;
};

}  // namespace

void Loop::adopt() { host_thread_.store(std::this_thread::get_id()); }

// With the mutex held. What the sockets bring is worked on at once. False: everything has ended.
bool Loop::take_turns() {
  if (finished_) return false;
  const TurnTaker taker(thread_id_);
  for (int turns = 0; turns < kMostTurns; ++turns) {
    if (uv_run(&loop_, UV_RUN_NOWAIT) == 0) {
      uv_loop_close(&loop_);
      finished_ = true;
      return false;
    }
    if (ending_) continue;
    turn();
    if (nothing_to_do() && inbox.try_sleep()) {
      gap_watch_.before_poll(mono_now(), armed_for_);  // the turn may have armed it anew
      return true;
    }
  }
  if (!ending_) uv_async_send(&async_);
  return true;
}

core::Status Loop::process() {
  const std::shared_ptr<Loop> self = shared_from_this();  // a callback may let go of the manager
  const std::lock_guard<std::mutex> lock(turn_mutex_);
  adopt();
  const bool more = take_turns();
  if (left_to_itself_) {
    while (take_turns()) {
    }
  }
  return more ? core::Status::kOk : core::Status::kClosed;
}

core::DurationNs Loop::process_timeout() {
  const std::lock_guard<std::mutex> lock(turn_mutex_);
  if (finished_) return core::DurationNs{-1};
  if (!nothing_to_do() || !inbox.empty()) return {};
  uv_update_time(&loop_);
  const int64_t ms = uv_backend_timeout(&loop_);
  return core::DurationNs{ms < 0 ? -1 : ms * kNsPerMs};
}

void Loop::process_all() {
  if (on_loop_thread()) {
    left_to_itself_ = true;
    return;
  }
  const std::lock_guard<std::mutex> lock(turn_mutex_);
  while (take_turns()) {
    std::this_thread::yield();  // somebody may still be inside the gate
  }
}

}  // namespace llmq::runtime
