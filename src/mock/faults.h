// What goes wrong on purpose: a seeded choice per arrival.
#ifndef LLMQ_MOCK_FAULTS_H_
#define LLMQ_MOCK_FAULTS_H_

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

inline Fault draw_fault(const Options& options, Random& random) {
  double left = random.uniform();
  const auto hits = [&](double share) {
    if (left < share) return true;
    left -= share;
    return false;
  };
  if (hits(options.fail_server)) return Fault::kServer;
  if (hits(options.fail_overloaded)) return Fault::kOverloaded;
  if (hits(options.fail_rate_limited)) return Fault::kRateLimited;
  if (hits(options.fail_rate_limited_bare)) return Fault::kRateLimitedBare;
  if (hits(options.fail_reset)) return Fault::kReset;
  if (hits(options.fail_hang)) return Fault::kHang;
  if (hits(options.fail_stream_first)) return Fault::kStreamFirst;
  if (hits(options.fail_stream_error)) return Fault::kStreamError;
  if (hits(options.fail_stream_cut)) return Fault::kStreamCut;
  if (hits(options.fail_stream_end)) return Fault::kStreamEnd;
  if (hits(options.fail_stream_stall)) return Fault::kStreamStall;
  return Fault::kNone;
}

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_FAULTS_H_
