// Bodies of answers that are not errors by their status.
#include "input.h"
#include "outcome_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  fuzz::Input input(data, size);
  const provider::Profile& profile = input.profile();
  const provider::Operation operation = input.operation();
  provider::WireResponse response;
  response.http_status = 200;
  response.body = input.rest();
  fuzz::check_outcome(provider::parse_response(profile, operation, response, 1'763'300'000'000));
  return 0;
}
