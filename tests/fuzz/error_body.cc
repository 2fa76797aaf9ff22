// Bodies of answers that are errors.
#include <array>

#include "input.h"
#include "outcome_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  constexpr std::array kStatuses{400, 401, 402, 403, 404, 408, 409, 412, 413, 422,
                                 424, 429, 498, 500, 502, 503, 504, 520, 529, 302};
  fuzz::Input input(data, size);
  const provider::Profile& profile = input.profile();
  provider::WireResponse response;
  response.http_status = kStatuses[input.choice(kStatuses.size())];
  response.body = input.rest();
  const provider::Outcome outcome =
      provider::parse_response(profile, provider::Operation::kChat, response, 1'763'300'000'000);
  fuzz::check_outcome(outcome);
  fuzz::require(outcome.status != core::Status::kOk);
  return 0;
}
