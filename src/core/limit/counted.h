// What a provider may count of a call.
#ifndef LLMQ_CORE_LIMIT_COUNTED_H_
#define LLMQ_CORE_LIMIT_COUNTED_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace llmq::core {

enum class Counted : uint8_t {
  kEstimate,  // input and max_tokens, on arrival
  kInput,     // the input, on arrival
  kActual,    // what was used, with the answer
  kRealtime,  // the input on arrival, the output when it is there
};
inline constexpr size_t kCountedKinds = 4;

// Is what was used in the end what counts?
inline bool counts_use(Counted counted) {
  return counted == Counted::kActual || counted == Counted::kRealtime;
}

// An amount for each of them.
using CountedSums = std::array<int64_t, kCountedKinds>;

// What an answer shows may be how things stood when the call arrived, or when the answer left.
inline constexpr size_t kTellingTimes = 2;

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_COUNTED_H_
