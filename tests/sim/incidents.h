// Outages as users of LLM APIs have met them, simulated: each a named run with its bounds.
#ifndef LLMQ_TESTS_SIM_INCIDENTS_H_
#define LLMQ_TESTS_SIM_INCIDENTS_H_

namespace llmq::simulator {

// Prints a line for each; the number of those that missed a bound.
int show_incidents();

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_INCIDENTS_H_
