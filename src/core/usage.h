// What one attempt consumed, as the provider or processor reported it.
#ifndef LLMQ_CORE_USAGE_H_
#define LLMQ_CORE_USAGE_H_

#include <algorithm>
#include <cstdint>

namespace llmq::core {

// More tokens than any call can have; keeps sums far from overflow whatever a provider reports.
inline constexpr int64_t kMaxUsage = 1'000'000'000'000;
inline int64_t clamp_usage(int64_t tokens) { return std::clamp<int64_t>(tokens, 0, kMaxUsage); }

struct Usage {
  int64_t input_tokens = 0;         // everything that entered the model, cached tokens included
  int64_t output_tokens = 0;        // everything produced, reasoning included
  int64_t cached_input_tokens = 0;  // the part of input_tokens read from a cache
  int64_t cost_micros = 0;          // money, in millionths
  int64_t reasoning_tokens = 0;     // the part of output_tokens that is not shown
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_USAGE_H_
