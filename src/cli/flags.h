// The flags that decide how calls are made: `run` and `check` share them.
#ifndef LLMQ_CLI_FLAGS_H_
#define LLMQ_CLI_FLAGS_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace llmq::cli {

struct CallFlags {
  std::optional<std::string> provider;
  std::optional<std::string> preset;
  std::optional<std::string> base_url;
  std::optional<std::string> api_key_env;
  std::vector<std::string> limits;  // KIND=N/PERIOD or MODEL:KIND=N/PERIOD
  std::optional<std::string> timeout;
  std::optional<std::string> max_attempts;
  std::optional<std::string> price_input;  // per million tokens
  std::optional<std::string> price_output;
};

void add_call_flags(CLI::App& command, CallFlags& flags);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_FLAGS_H_
