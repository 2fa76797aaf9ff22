// What goes wrong on purpose: a seeded choice per arrival.
#ifndef LLMQ_MOCK_FAULTS_H_
#define LLMQ_MOCK_FAULTS_H_

#include "mock/headers.h"
#include "mock/options.h"
#include "mock/random.h"

namespace llmq::mock {

enum class Fault {
  kNone,
  kServer,
  kOverloaded,
  kRateLimited,
  kRateLimitedBare,
  kReset,
  kHang,
  kStreamFirst,
  kStreamError,
  kStreamCut,
  kStreamEnd,
  kStreamStall,
};

Fault draw_fault(const Options& options, Random& random);

// Makes header lines of limits untrue: left out, unknown, far too high, far too low or no number.
void spoil_limits(Headers& headers, Random& random);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_FAULTS_H_
