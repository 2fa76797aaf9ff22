// What a refusal says of the wait, and where.
#ifndef LLMQ_MOCK_RETRY_HINT_H_
#define LLMQ_MOCK_RETRY_HINT_H_

#include <cstdint>
#include <optional>

#include "mock/headers.h"
#include "mock/options.h"
#include "mock/provider.h"

namespace llmq::mock {

struct RetryHint {
  Headers lines;
  std::optional<Nanos> words;  // to be said in the body
  std::optional<Nanos> told;   // what a client that reads all of it waits; none if nothing is said
};

RetryHint make_retry_hint(Hints hints, const Provider& provider, Nanos wait, int64_t unix_ms);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_RETRY_HINT_H_
