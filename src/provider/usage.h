// The tokens that an answer says it took.
#ifndef LLMQ_PROVIDER_USAGE_H_
#define LLMQ_PROVIDER_USAGE_H_

#include <cstdint>

#include "core/limit/observation.h"
#include "core/usage.h"
#include "provider/json.h"

namespace llmq::provider {

// The counts of one usage object, as told: kNotTold where they are not.
struct UsageCounts {
  int64_t input = core::kNotTold;   // without what stands apart from it
  int64_t apart = core::kNotTold;   // input that is not part of `input`: cache, tool prompts
  int64_t cached = core::kNotTold;  // read from a cache
  int64_t output = core::kNotTold;
  int64_t hidden = core::kNotTold;  // output that is not part of `output`
  int64_t reasoning = core::kNotTold;
  int64_t total = core::kNotTold;
  bool cache_is_free = false;  // what is read from the cache counts to no limit of input tokens

  bool any() const;
  // Counts that `newer` tells replace those of before.
  void replace(const UsageCounts& newer);
};

// Of a whole answer, or of an event of a stream: whatever shape of usage it holds, under
// "usage", "usageMetadata", "x_groq", "message", "response", "delta" or "meta".
UsageCounts read_usage(const cJSON* body);

// Both sums are known, or the one of embeddings: there is no output then.
bool is_complete(const UsageCounts& counts, bool embeddings);

// Totals: input with the cache, output with reasoning. What is not told counts 0; cached tokens are
// not more than the input.
core::Usage total_usage(const UsageCounts& counts);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_USAGE_H_
