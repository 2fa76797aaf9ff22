// Most attempts of one request: the ids of attempts have no room for more.
#ifndef LLMQ_CORE_MOST_ATTEMPTS_H_
#define LLMQ_CORE_MOST_ATTEMPTS_H_

#include <cstdint>

namespace llmq::core {

inline constexpr uint8_t kMostAttempts = 60;

}  // namespace llmq::core

#endif  // LLMQ_CORE_MOST_ATTEMPTS_H_
