// The counter that many gateways use for a sliding window: two numbers instead of a log.
#ifndef LLMQ_MOCK_TWO_BUCKET_H_
#define LLMQ_MOCK_TWO_BUCKET_H_

#include <cstdint>

#include "mock/units.h"

namespace llmq::mock {

// Counts per window of a fixed grid, and takes the charges of the window before as spread evenly
// over it: used = current + previous x the share of it that a window ending now still covers. Kept
// in units x nanoseconds of T, so nothing is ever rounded. What was sent in a burst late in a
// window is thereby forgotten too early, what was sent early too late.
class TwoBucket {
 public:
  TwoBucket(int64_t amount, Nanos period, Nanos first_edge)
      : amount_(amount), period_(period), first_edge_(first_edge) {}

  int64_t capacity() const { return amount_; }
  int64_t used(Nanos now) const;  // rounded up
  bool would_accept(Nanos now, int64_t cost) const;
  void charge(Nanos now, int64_t cost);
  void set_amount(int64_t amount) { amount_ = amount; }
  // When a cost <= capacity() fits if nothing else is charged meanwhile; 0 = now.
  Nanos wait_for(Nanos now, int64_t cost) const;
  Nanos first_edge() const { return first_edge_; }
  Nanos edge_in(Nanos now) const;

 private:
  struct Counts {
    int64_t previous = 0;
    int64_t current = 0;
  };
  int64_t index_of(Nanos now) const;
  Counts counts_at(Nanos now) const;

  int64_t amount_;
  Nanos period_;
  Nanos first_edge_;
  int64_t index_ = 0;
  Counts counts_;  // of the window index_
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_TWO_BUCKET_H_
