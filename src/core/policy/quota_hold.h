// An account whose quota is used up: no call is made that must fail, until the quota may be back.
// Then one call finds out.
#ifndef LLMQ_CORE_POLICY_QUOTA_HOLD_H_
#define LLMQ_CORE_POLICY_QUOTA_HOLD_H_

#include "core/time.h"

namespace llmq::core {

struct Request;

// What becomes of requests meanwhile.
struct QuotaSpec {
  bool blocks = false;                   // they wait; else they fail
  DurationNs recheck = seconds(5 * 60);  // where the answer does not tell when the quota is back
};

class QuotaHold {
 public:
  bool exhausted() const { return exhausted_; }
  // Nothing may start: it is too early, or one is finding out.
  bool holds(TimeNs now) const { return exhausted_ && (now < until_ || probe_ != nullptr); }
  bool is_probe(const Request& request) const { return probe_ == &request; }
  TimeNs until() const { return until_; }
  // When the next one may start, as far as time alone decides.
  TimeNs opens(TimeNs now) const { return now < until_ ? until_ : kNever; }

  void exhaust(TimeNs until) {
    exhausted_ = true;
    until_ = until;
  }
  void clear() { *this = QuotaHold{}; }
  void started(const Request* request) {
    if (exhausted_) probe_ = request;
  }
  void ended(const Request* request) {
    if (probe_ == request) probe_ = nullptr;
  }

 private:
  bool exhausted_ = false;
  TimeNs until_{};
  const Request* probe_ = nullptr;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_QUOTA_HOLD_H_
