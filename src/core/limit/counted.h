// What a provider may count of a call.
#ifndef LLMQ_CORE_LIMIT_COUNTED_H_
#define LLMQ_CORE_LIMIT_COUNTED_H_

#include <cstddef>
#include <cstdint>

namespace llmq::core {

enum class Counted : uint8_t {
  kEstimate,  // input and max_tokens, on arrival
  kInput,     // the input, on arrival
  kActual,    // what was used, with the answer
};
inline constexpr size_t kCountedKinds = 3;

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_COUNTED_H_
