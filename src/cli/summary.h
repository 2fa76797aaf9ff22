// What a run amounted to.
#ifndef LLMQ_CLI_SUMMARY_H_
#define LLMQ_CLI_SUMMARY_H_

#include <cstdint>
#include <string>

#include "cli/time_histogram.h"

namespace llmq::cli {

struct Summary {
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;  // finished in an earlier run
  uint64_t left = 0;     // accepted and then left for --resume
  uint64_t attempts = 0;
  uint64_t retries = 0;
  uint64_t http_429 = 0;
  int64_t elapsed_ms = 0;
  int64_t ideal_ms = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t reasoning_tokens = 0;  // of output_tokens
  int64_t cost_micros = 0;       // what is known, and estimates of calls that nobody knows of
  int64_t max_cost_micros = -1;  // -1 = no bound
  TimeHistogram waits;
  TimeHistogram first_outputs;  // of streamed answers, from the start of the call
};

std::string summary_json(const Summary& summary);
std::string summary_text(const Summary& summary);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_SUMMARY_H_
