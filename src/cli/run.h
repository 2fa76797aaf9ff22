// `llmq run FILE -o OUT`: what it is asked for, and the files around it.
#ifndef LLMQ_CLI_RUN_H_
#define LLMQ_CLI_RUN_H_

#include <optional>
#include <string>

#include "cli/flags.h"

namespace llmq::cli {

struct RunOptions {
  std::string input;
  std::string output;
  std::string config;   // "" = none
  std::string summary;  // "" = none
  std::string report;   // "" = none
  bool resume = false;
  bool force = false;
  bool quiet = false;
  bool dry_run = false;
  bool stream = false;
  std::optional<std::string> max_cost;
  CallFlags calls;
};

// Returns the exit code; throws a Failure for what is exit 1.
int run_file(const RunOptions& options);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_RUN_H_
