// `llmq mock`: a provider on the loopback interface that enforces limits the way real ones do.
#ifndef LLMQ_CLI_MOCK_H_
#define LLMQ_CLI_MOCK_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace llmq::cli {

struct MockFlags {
  int port = 0;
  std::vector<std::string> limits;
  std::string charge = "max_tokens";
  std::string provider = "openai";
  std::string headers = "on";
  int64_t header_lag = 0;
  double wrong_headers = 0;
  int64_t quota_after = 0;
  double other_users = 0;
  std::string hints = "both";
  std::string latency = "0ms";
  std::string output_tokens = "16..64";
  double fail_server = 0;
  double fail_overloaded = 0;
  double fail_rate_limited = 0;
  double fail_rate_limited_bare = 0;
  double fail_reset = 0;
  double fail_hang = 0;
  double fail_stream_first = 0;
  double fail_stream_error = 0;
  double fail_stream_cut = 0;
  double fail_stream_end = 0;
  double fail_stream_stall = 0;
  int64_t tokens_per_s = 0;
  int64_t piece_tokens = 4;
  std::string retry_after = "1s";
  uint64_t seed = 1;
  std::string stats;  // file for the statistics at the end; "" = none
};

void add_mock_flags(CLI::App& command, MockFlags& flags);
// Serves until a signal comes. Returns the exit code; throws a Failure.
int serve_mock(const MockFlags& flags);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_MOCK_H_
