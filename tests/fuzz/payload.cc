// Bodies of requests, as programs submit them, for every provider and operation.
#include "input.h"
#include "outcome_check.h"
#include "provider/request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  fuzz::Input input(data, size);
  const provider::Operation operation = input.operation();
  provider::Endpoint endpoint{};
  endpoint.profile = &input.profile();
  endpoint.base_url = "https://h/v1";
  endpoint.model = "m";
  const bool stream = input.choice(2) == 1;
  const auto prepared = provider::prepare(endpoint, operation, input.rest(), stream, 256);
  if (!prepared) {
    fuzz::require(!prepared.error().message.empty());
    return 0;
  }
  const provider::Estimate& estimate = prepared.value().estimate;
  fuzz::require(estimate.input_tokens >= 0 && estimate.output_tokens >= 0);
  const auto wire =
      provider::build_request(endpoint, operation, prepared.value().model, stream, "key");
  fuzz::require(!wire || wire.value().url.find_first_of(" \r\n") == std::string::npos);
  // What was made of a body is a body again.
  if (prepared.value().body) fuzz::require(prepared.value().body->front() == '{');
  return 0;
}
