// What a run may cost: a call is submitted only while what was spent, what the calls on their way
// are expected to cost, and its own estimate stay within.
#ifndef LLMQ_CLI_BUDGET_H_
#define LLMQ_CLI_BUDGET_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <optional>
#include <string>

namespace llmq::cli {

class Budget {
 public:
  Budget() = default;  // no bound
  // A decimal number in the unit of the prices. Throws a Failure that names the flag.
  explicit Budget(const std::optional<std::string>& max_cost);

  bool bounded() const { return max_micros_ >= 0; }
  int64_t max_micros() const { return max_micros_; }
  int64_t spent_micros() const { return spent_; }

  bool fits(int64_t estimate) const { return estimate <= max_micros_ - spent_ - reserved_; }
  void reserve(int64_t estimate) { reserved_ += estimate; }
  // The call has ended: what is known of its cost takes the place of the estimate.
  void settle(int64_t estimate, const llmq_response_t* response);

 private:
  int64_t max_micros_ = -1;
  int64_t spent_ = 0;
  int64_t reserved_ = 0;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_BUDGET_H_
