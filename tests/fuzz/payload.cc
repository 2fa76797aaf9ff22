// Bodies of requests, as programs submit them.
#include "input.h"
#include "outcome_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  fuzz::Input input(data, size);
  const provider::Operation operation = input.operation();
  const auto estimate = provider::inspect_payload(operation, input.rest(), 256);
  if (!estimate) {
    fuzz::require(!estimate.error().message.empty());
    return 0;
  }
  fuzz::require(estimate.value().input_tokens >= 0 && estimate.value().output_tokens >= 0);
  return 0;
}
