// Whether a deployment works at all (circuit breaker: Nygard, "Release It!", 2007).
//
// Closed: calls go there. It opens when half of at least 20 calls of the last minute failed, when
// 20 failed one after the other, or 5 that did not even get a connection. Open: none goes there;
// the time grows from 5 s by a factor of two to 120 s, drawn from +-20 % so that many do not come
// back at once. Half-open: three calls at a time find out. Three that go well before three fail
// close it, so that a deployment that answers most calls is used; three that fail open it again.
//
// A probe has a lease: one that never ends, or is cancelled, makes room for the next. Nothing but
// its caller's cancel, a deadline, a refusal by a limit or a fault of the request is neutral.
#ifndef LLMQ_CORE_POLICY_CIRCUIT_BREAKER_H_
#define LLMQ_CORE_POLICY_CIRCUIT_BREAKER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/policy/recent_counts.h"
#include "core/random.h"
#include "core/status.h"
#include "core/time.h"

namespace llmq::core {

struct Request;

struct BreakerSpec {
  bool enabled = true;
  int64_t min_calls = 20;        // fewer tell nothing
  int64_t failure_percent = 50;  // of them
  int64_t connect_failures = 5;  // one after the other
  DurationNs open = seconds(5);  // for so long at first
  DurationNs open_max = seconds(120);
};

class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };

  State state() const { return state_; }
  bool is_closed() const { return state_ == State::kClosed; }
  // Nothing may start before `until`.
  bool is_open(TimeNs now) const { return state_ == State::kOpen && now < until_; }
  TimeNs until() const { return state_ == State::kOpen ? until_ : TimeNs{}; }
  // When the next call may start there, as far as this decides.
  TimeNs opens(TimeNs now) const;
  Status cause() const { return cause_; }  // the failure that opened it last

  // A call begins, when opens() allows it; `lease`: how long it may take to tell anything. True if
  // that changes the state.
  bool started(TimeNs now, const Request* request, DurationNs lease);
  // How it ended; true if that changes the state. `begun`: when it started.
  bool succeeded(TimeNs now, const Request* request, TimeNs begun);
  // It did not go well, but something that works has answered.
  bool answered(TimeNs now, const Request* request, TimeNs begun);
  bool failed(TimeNs now, const Request* request, TimeNs begun, Status why, bool connected,
              const BreakerSpec& spec, Random& random);
  // It tells nothing: its place as a probe is free.
  void ended(const Request* request);

 private:
  static constexpr size_t kProbes = 3;
  static constexpr int64_t kVerdict = 3;  // that many of one kind decide
  enum Counted : size_t { kCalls, kFailures, kKinds };
  struct Probe {
    const Request* request = nullptr;
    TimeNs lease{};  // it counts no more after that
  };

  bool trips(TimeNs now, const BreakerSpec& spec);
  void open(TimeNs now, const BreakerSpec& spec, Random& random);
  void close(TimeNs now);

  State state_ = State::kClosed;
  Status cause_ = Status::kServer;
  RecentCounts<kKinds> counts_;
  int64_t failed_in_a_row_ = 0;
  int64_t unconnected_in_a_row_ = 0;
  DurationNs open_for_{};  // last time, before the jitter; 0: never
  TimeNs until_{};
  TimeNs half_open_at_{};
  TimeNs closed_at_{};
  std::array<Probe, kProbes> probes_;
  int64_t good_ = 0;  // of the probes
  int64_t bad_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_CIRCUIT_BREAKER_H_
