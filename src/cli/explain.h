// `llmq explain --provider NAME [FILE]`: what llmq makes of recorded answers.
#ifndef LLMQ_CLI_EXPLAIN_H_
#define LLMQ_CLI_EXPLAIN_H_

#include <string>

namespace llmq::cli {

// One JSON object per line in, one per line out; "-" is stdin. A line that is wrong gives
// {"line":N,"error":{"key":..,"message":..}} in its place, and the exit code says that there were
// such lines. Blank lines are skipped.
int explain_file(const std::string& path, const std::string& provider);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_EXPLAIN_H_
