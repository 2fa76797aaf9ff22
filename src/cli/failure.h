// What ends the program with exit 1: a message for people that names what was wrong.
#ifndef LLMQ_CLI_FAILURE_H_
#define LLMQ_CLI_FAILURE_H_

#include <stdexcept>
#include <string>

namespace llmq::cli {

constexpr int kExitOk = 0;
constexpr int kExitSetUp = 1;  // usage, set-up, or a stop that leaves the rest for --resume
constexpr int kExitSomeFailed = 2;
constexpr int kExitBudget = 3;  // --max-cost: the rest is left for --resume
constexpr int kExitInterrupted = 130;

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_FAILURE_H_
