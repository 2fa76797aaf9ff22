// `llmq run FILE --dry-run`: what the file would take under the limits, and cost. Sends nothing.
#ifndef LLMQ_CLI_DRY_RUN_H_
#define LLMQ_CLI_DRY_RUN_H_

#include "cli/run.h"

namespace llmq::cli {

// Returns the exit code; throws a Failure for what is exit 1.
int dry_run(const RunOptions& options);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_DRY_RUN_H_
