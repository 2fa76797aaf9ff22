// The figures that the limiter and the scheduler must show, each a named run with its bound.
#ifndef LLMQ_TESTS_SIM_FIGURES_H_
#define LLMQ_TESTS_SIM_FIGURES_H_

namespace llmq::simulator {

// Prints a line for each; the number of those that missed their bound.
int show_figures();

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_FIGURES_H_
