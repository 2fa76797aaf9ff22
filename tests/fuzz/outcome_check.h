// What holds of every outcome, whatever the provider sent.
#ifndef LLMQ_TESTS_FUZZ_OUTCOME_CHECK_H_
#define LLMQ_TESTS_FUZZ_OUTCOME_CHECK_H_

#include <cstdlib>

#include "provider/provider.h"

namespace llmq::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void check_outcome(const provider::Outcome& outcome) {
  require(outcome.usage.input_tokens >= 0 && outcome.usage.output_tokens >= 0);
  require(outcome.usage.cached_input_tokens >= 0);
  require(outcome.usage.cached_input_tokens <= outcome.usage.input_tokens);
  require(outcome.retry_after.ns >= 0);
  require((outcome.status == core::Status::kOk) == outcome.message.empty());
  require(outcome.message.size() < 2000);
  require(outcome.observed.count <= core::Observed::kMost);
  for (size_t i = 0; i < outcome.observed.count; ++i) {
    const core::Observation& seen = outcome.observed.limits[i];
    require(seen.limit >= core::kNotTold && seen.remaining >= core::kNotTold);
    require(seen.reset.ns >= core::kNotTold && seen.period.ns >= 0);
    require(seen.limit == core::kNotTold || seen.remaining <= seen.limit);
  }
}

}  // namespace llmq::fuzz

#endif  // LLMQ_TESTS_FUZZ_OUTCOME_CHECK_H_
