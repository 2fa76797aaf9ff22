// Limits that nobody configured and answers have shown: an account has them all the same.
#ifndef LLMQ_CORE_LIMIT_FOUND_LIMITS_H_
#define LLMQ_CORE_LIMIT_FOUND_LIMITS_H_

#include <cstdint>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/limit/limiter.h"
#include "core/limit/observation.h"
#include "core/limit/period_evidence.h"
#include "core/time.h"

namespace llmq::core {

// Those of one model. A limit whose period is not told is taken to count by the minute, as most do,
// until the answers show another one.
class FoundLimits {
 public:
  // The limit that was found for what is shown, made if there is none and there is room for one
  // more; nullptr: none. `like` has the shape, charge and jitter of such a limit.
  Limit* find(Limiter& limiter, const LimitSpec& like, const Prices& prices,
              const Observation& shown);
  // What is shown of a limit that was found: a larger amount, another period. The limit that counts
  // from now on; `limit` if nothing has changed or it was not found.
  Limit* follow(TimeNs now, Limiter& limiter, Limit* limit, const Prices& prices,
                const Observation& shown);

 private:
  struct Found {
    Limit* limit;
    bool period_told;
    PeriodEvidence evidence;
  };
  std::vector<Found> found_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_FOUND_LIMITS_H_
