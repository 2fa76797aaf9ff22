// `llmq check FILE`: is a configuration good, and what does it amount to?
#ifndef LLMQ_CLI_CHECK_H_
#define LLMQ_CLI_CHECK_H_

#include <string>

#include "cli/flags.h"

namespace llmq::cli {

// Prints every key with its effective value and its source. Returns the exit code.
int check_config(const std::string& path, const CallFlags& flags);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_CHECK_H_
