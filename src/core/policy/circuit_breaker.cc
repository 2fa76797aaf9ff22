#include "core/policy/circuit_breaker.h"

#include <algorithm>

namespace llmq::core {

TimeNs CircuitBreaker::opens(TimeNs now) const {
  if (state_ == State::kClosed) return now;
  if (state_ == State::kOpen) return std::max(now, until_);
  TimeNs first = kNever;
  int64_t running = 0;
  for (const Probe& probe : probes_) {
    if (probe.lease <= now) continue;
    ++running;
    first = std::min(first, probe.lease);
  }
  return running < kVerdict - bad_ ? now : first;  // no more than can decide it
}

bool CircuitBreaker::started(TimeNs now, const Request* request, DurationNs lease) {
  if (state_ == State::kClosed) return false;
  const bool was_open = state_ == State::kOpen;
  if (was_open) {
    state_ = State::kHalfOpen;
    half_open_at_ = now;
    probes_.fill(Probe{});
    good_ = bad_ = 0;
  }
  for (Probe& probe : probes_) {
    if (probe.lease > now) continue;
    probe = Probe{request, now + lease};
    break;
  }
  return was_open;
}

void CircuitBreaker::ended(const Request* request) {
  if (state_ != State::kHalfOpen) return;
  for (Probe& probe : probes_) {
    if (probe.request == request) probe = Probe{};
  }
}

bool CircuitBreaker::succeeded(TimeNs now, const Request* request, TimeNs begun) {
  if (state_ == State::kClosed) counts_.add(now, kCalls);
  return answered(now, request, begun);
}

bool CircuitBreaker::answered(TimeNs now, const Request* request, TimeNs begun) {
  ended(request);
  failed_in_a_row_ = unconnected_in_a_row_ = 0;
  if (state_ != State::kHalfOpen || begun < half_open_at_) return false;
  if (++good_ < kVerdict) return false;
  close(now);
  return true;
}

bool CircuitBreaker::failed(TimeNs now, const Request* request, TimeNs begun, Status why,
                            bool connected, const BreakerSpec& spec, Random& random) {
  ended(request);
  if (state_ == State::kOpen) return false;
  cause_ = why;
  if (state_ == State::kHalfOpen) {
    if (begun < half_open_at_ || ++bad_ < kVerdict) return false;
  } else {
    counts_.add(now, kCalls);
    counts_.add(now, kFailures);
    ++failed_in_a_row_;
    unconnected_in_a_row_ = connected ? 0 : unconnected_in_a_row_ + 1;
    if (!trips(now, spec)) return false;
  }
  open(now, spec, random);
  return true;
}

bool CircuitBreaker::trips(TimeNs now, const BreakerSpec& spec) {
  if (unconnected_in_a_row_ >= spec.connect_failures) return true;
  if (failed_in_a_row_ >= spec.min_calls) return true;
  const int64_t calls = counts_.sum(now, kCalls);
  return calls >= spec.min_calls &&
         counts_.sum(now, kFailures) * 100 >= calls * spec.failure_percent;
}

// Who fails again soon after it was closed has not recovered: the time goes on growing.
void CircuitBreaker::open(TimeNs now, const BreakerSpec& spec, Random& random) {
  const bool again = state_ == State::kHalfOpen ||
                     (open_for_.ns > 0 && now - closed_at_ < RecentCounts<kKinds>::kWindow);
  open_for_ = again ? DurationNs{2 * open_for_.ns} : spec.open;
  open_for_ = std::min(open_for_, spec.open_max);
  const int64_t jitter = open_for_.ns / 5;
  until_ = now + open_for_ + DurationNs{random.between(-jitter, jitter)};
  state_ = State::kOpen;
}

void CircuitBreaker::close(TimeNs now) {
  state_ = State::kClosed;
  closed_at_ = now;
  counts_.clear();
  failed_in_a_row_ = unconnected_in_a_row_ = 0;
}

}  // namespace llmq::core
