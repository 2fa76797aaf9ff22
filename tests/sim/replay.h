// The replay of a trace of production calls, as a table in markdown.
#ifndef LLMQ_TESTS_SIM_REPLAY_H_
#define LLMQ_TESTS_SIM_REPLAY_H_

#include <string>

namespace llmq::simulator {

// 0, or 2 if the trace cannot be read, which is said on stderr.
int replay_trace(const std::string& file, bool json);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_REPLAY_H_
