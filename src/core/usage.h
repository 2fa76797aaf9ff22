// What one attempt consumed, as the provider or processor reported it.
#ifndef LLMQ_CORE_USAGE_H_
#define LLMQ_CORE_USAGE_H_

#include <cstdint>

namespace llmq::core {

struct Usage {
  int64_t input_tokens = 0;         // everything that entered the model, cached tokens included
  int64_t output_tokens = 0;        // everything produced, reasoning included
  int64_t cached_input_tokens = 0;  // the part of input_tokens read from a cache
  int64_t cost_micros = 0;          // money, in millionths
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_USAGE_H_
