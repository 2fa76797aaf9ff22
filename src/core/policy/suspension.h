// A deployment that is not called because every call must fail: its account's quota is used up, or
// its key is refused. Then one call finds out whether that is over.
#ifndef LLMQ_CORE_POLICY_SUSPENSION_H_
#define LLMQ_CORE_POLICY_SUSPENSION_H_

#include "core/time.h"

namespace llmq::core {

struct Request;

// What becomes of requests whose account's quota is used up.
struct QuotaSpec {
  bool blocks = false;                   // they wait; else they fail
  DurationNs recheck = seconds(5 * 60);  // where the answer does not tell when the quota is back
};

class Suspension {
 public:
  bool suspended() const { return suspended_; }
  // Nothing may start: it is too early, or one is finding out.
  bool holds(TimeNs now) const { return suspended_ && (now < until_ || probe_ != nullptr); }
  bool is_probe(const Request& request) const { return probe_ == &request; }
  TimeNs until() const { return until_; }
  // When the next one may start, as far as time alone decides.
  TimeNs opens(TimeNs now) const { return now < until_ ? until_ : kNever; }

  void suspend(TimeNs until) {
    suspended_ = true;
    until_ = until;
  }
  void clear() { *this = Suspension{}; }
  void started(const Request* request) {
    if (suspended_) probe_ = request;
  }
  void ended(const Request* request) {
    if (probe_ == request) probe_ = nullptr;
  }

 private:
  bool suspended_ = false;
  TimeNs until_{};
  const Request* probe_ = nullptr;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_SUSPENSION_H_
