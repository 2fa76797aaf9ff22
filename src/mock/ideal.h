// The earliest moment, counted from the first arrival, at which a client that knew everything could
// have had the last unit accepted: the yardstick for "last call accepted over ideal".
#ifndef LLMQ_MOCK_IDEAL_H_
#define LLMQ_MOCK_IDEAL_H_

#include <cstdint>
#include <optional>

#include "mock/limit.h"
#include "mock/units.h"

namespace llmq::mock {

// bucket:     (n - capacity) / rate
// sliding:    (windows - 1) x period
// fixed:      the same less the phase of the first arrival: first edge + (windows - 2) x period
// quantised:  as fixed, with the slice as period
// two_bucket, and any limit that changes: when the last cost is accepted if each is sent, in order,
// the moment it fits. Waiting
//             with one never helps another: what fits at a moment grows with what went before it.
//
// Windows are counted by packing the accepted costs, in order, into windows that hold the limit's
// amount.
class Ideal {
 public:
  // The limit must not have been charged yet.
  explicit Ideal(const RateLimit& limit);

  // In the order of acceptance.
  void add(int64_t cost);
  Nanos value() const;

 private:
  void replay(int64_t cost);

  Shape shape_;
  int64_t amount_;    // per period, as published
  Nanos period_;      // of the windows: the slice if quantised
  int64_t capacity_;  // of one window or of the bucket
  Nanos first_edge_{};
  int64_t units_ = 0;
  int64_t windows_ = 0;
  int64_t in_last_window_ = 0;
  std::optional<RateLimit> replayed_;  // of the last, at last_sent_
  Nanos last_sent_{};
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_IDEAL_H_
