#include "cli/budget.h"

#include "base/money.h"
#include "cli/failure.h"

namespace llmq::cli {
namespace {

// Nobody knows what the call used, and the provider may have worked on it.
bool may_be_billed(llmq_status_t status) {
  switch (status) {
    case LLMQ_OK:
    case LLMQ_ERR_TIMEOUT:
    case LLMQ_ERR_CANCELLED:
    case LLMQ_ERR_DEADLINE:
    case LLMQ_ERR_TRANSPORT:
    case LLMQ_ERR_UNKNOWN:
      return true;
    default:
      return false;
  }
}

}  // namespace

Budget::Budget(const std::optional<std::string>& max_cost) {
  if (!max_cost) return;
  if (!base::read_money(*max_cost, max_micros_) || max_micros_ < 1) {
    throw Failure(
        "--max-cost: \"" + *max_cost +
        "\" is not acceptable: expected an amount of money 0.000001 .. 1000000000 with at "
        "most 6 decimals");
  }
}

void Budget::settle(int64_t estimate, const llmq_response_t* response) {
  reserved_ -= estimate;
  if (llmq_response_attempts(response) == 0) return;
  llmq_usage_t usage{};
  usage.struct_size = sizeof usage;
  if (llmq_response_usage(response, &usage) == LLMQ_OK) {
    spent_ += usage.cost_micros;
  } else if (may_be_billed(llmq_response_status(response))) {
    spent_ += estimate;
  }
}

}  // namespace llmq::cli
