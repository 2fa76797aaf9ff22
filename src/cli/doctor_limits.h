// The limits that an answer shows beside those that are configured.
#ifndef LLMQ_CLI_DOCTOR_LIMITS_H_
#define LLMQ_CLI_DOCTOR_LIMITS_H_

#include <cjson/cJSON.h>

#include <string>
#include <vector>

#include "cli/doctor_checks.h"

namespace llmq::cli {

struct LimitFinding {
  bool fits = true;
  std::string found;
  std::string mend;
};

// One for each kind that the answer shows; one that says so if it shows none.
std::vector<LimitFinding> compare_limits(const Probed& probed, const cJSON* answer);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_DOCTOR_LIMITS_H_
