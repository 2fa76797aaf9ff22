// Headers of answers: lines of "name: value".
#include "input.h"
#include "outcome_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  fuzz::Input input(data, size);
  const provider::Profile& profile = input.profile();
  provider::WireResponse response;
  response.http_status = input.choice(2) == 0 ? 200 : 429;
  response.body = response.http_status == 200 ? "{\"choices\":[]}" : "{}";
  while (!input.rest().empty()) {
    const std::string_view line = input.line();
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  fuzz::check_outcome(
      provider::parse_response(profile, provider::Operation::kChat, response, 1'763'300'000'000));
  return 0;
}
