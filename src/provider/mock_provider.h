// `provider: mock`, in every build: invents an answer from a seed, so that bindings and users can
// try everything without a network. Pure: the caller waits out the latency.
#ifndef LLMQ_PROVIDER_MOCK_PROVIDER_H_
#define LLMQ_PROVIDER_MOCK_PROVIDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "provider/provider.h"
#include "provider/stream_reader.h"

namespace llmq::provider {

struct MockOptions {
  core::DurationNs latency_min = core::milliseconds(20);
  core::DurationNs latency_max = core::milliseconds(80);
  double fail_server = 0;          // probability of a 500
  double fail_rate_limited = 0;    // probability of a 429
  double fail_hang = 0;            // probability of never answering
  double fail_cut = 0;             // probability that a stream ends before its end
  int64_t tokens_per_s = 100;      // of a stream; 0 = all at once
  core::DurationNs retry_after{};  // given with a 429; 0 = none
  uint64_t seed = 1;
};

struct MockReply {
  core::DurationNs latency{};
  bool hangs = false;  // never answers; then nothing else counts
  int http_status = 200;
  std::string body;
  Outcome outcome;
  // Of a stream that went well so far, in place of the body: its events as OpenAI sends them, for
  // mock_stream_reader().
  std::vector<std::string> pieces;
  core::DurationNs gap{};  // between two pieces
};

// Reads the pieces of such a stream.
std::unique_ptr<StreamReader> mock_stream_reader(Operation operation);

// call_number makes successive attempts of the same payload differ.
MockReply mock_reply(const MockOptions& options, std::string_view model, Operation operation,
                     std::string_view payload, uint64_t call_number, bool stream = false);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_MOCK_PROVIDER_H_
