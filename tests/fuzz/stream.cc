// Streamed answers: whatever the bytes are, every way to cut them tells the same.
#include <algorithm>
#include <string>
#include <vector>

#include "input.h"
#include "outcome_check.h"
#include "provider/stream_reader.h"

namespace {

using llmq::provider::Outcome;
using llmq::provider::StreamEvent;
using llmq::provider::StreamReader;

struct Told {
  std::vector<StreamEvent> events;
  Outcome outcome;
  std::string assembled;
  int64_t output_tokens = 0;
};

// `piece` bytes at a time.
Told read(const llmq::provider::Profile& profile, llmq::provider::Operation operation,
          std::string_view body, size_t piece) {
  StreamReader reader(profile, operation);
  Told told;
  for (size_t at = 0; at < body.size(); at += piece) {
    reader.feed(body.substr(at, piece), told.events);
  }
  llmq::provider::WireResponse head;
  head.http_status = 200;
  told.outcome = reader.finish(head, 1'763'300'000'000, told.events);
  told.output_tokens = reader.output_tokens();
  told.assembled = reader.take_assembled();
  return told;
}

void require_same(const Told& a, const Told& b) {
  using llmq::fuzz::require;
  require(a.events.size() == b.events.size());
  for (size_t i = 0; i < a.events.size(); ++i) {
    require(a.events[i].data == b.events[i].data && a.events[i].output == b.events[i].output);
  }
  require(a.outcome.status == b.outcome.status && a.outcome.message == b.outcome.message);
  require(a.outcome.usage_known == b.outcome.usage_known);
  require(a.outcome.usage.input_tokens == b.outcome.usage.input_tokens);
  require(a.outcome.usage.output_tokens == b.outcome.usage.output_tokens);
  require(a.output_tokens == b.output_tokens && a.assembled == b.assembled);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  fuzz::Input input(data, size);
  const provider::Profile& profile = input.profile();
  const provider::Operation operation = input.operation();
  const size_t piece = 1 + input.choice(40);
  const std::string_view body = input.rest();
  const Told whole = read(profile, operation, body, std::max<size_t>(body.size(), 1));
  fuzz::check_outcome(whole.outcome);
  fuzz::require(whole.output_tokens >= 0);
  require_same(whole, read(profile, operation, body, piece));
  require_same(whole, read(profile, operation, body, 1));
  return 0;
}
