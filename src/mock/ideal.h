// The earliest moment, counted from the first arrival, at which a client that knew everything could
// have had the last unit accepted: the yardstick for "last call accepted over ideal".
#ifndef LLMQ_MOCK_IDEAL_H_
#define LLMQ_MOCK_IDEAL_H_

#include <cstdint>

#include "mock/limit.h"
#include "mock/units.h"

namespace llmq::mock {

// bucket:    (n - capacity) / rate
// sliding:   (windows - 1) x period
// fixed:     the same less the phase of the first arrival, that is first edge + (windows - 2) x
// period quantised: as fixed, with the slice as period where windows are counted by packing the
// accepted costs, in order, into windows that hold the limit's amount.
class Ideal {
 public:
  explicit Ideal(const RateLimit& limit);

  // In the order of acceptance.
  void add(int64_t cost);
  Nanos value() const;

 private:
  Shape shape_;
  int64_t amount_;    // per period, as published
  Nanos period_;      // of the windows: the slice if quantised
  int64_t capacity_;  // of one window or of the bucket
  Nanos first_edge_{};
  int64_t units_ = 0;
  int64_t windows_ = 0;
  int64_t in_last_window_ = 0;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_IDEAL_H_
