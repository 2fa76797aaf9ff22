// Why a call gets no answer, before a provider puts it into its own words.
#ifndef LLMQ_MOCK_PROBLEM_H_
#define LLMQ_MOCK_PROBLEM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "mock/account.h"

namespace llmq::mock {

enum class ProblemKind {
  kBadRequest,
  kUnknownUrl,
  kBodyTooLarge,
  kBadKey,
  kNoQuota,      // no money: waiting does not help
  kRateLimited,  // by a limit, or on purpose
  kNeverFits,    // larger than a limit ever is
  kServer,
  kOverloaded,
};

struct Problem {
  ProblemKind kind = ProblemKind::kBadRequest;
  std::string message;             // of the first three: what is wrong
  const char* param = nullptr;     // of kBadRequest: the member at fault
  std::string model;               // of kRateLimited and kNeverFits
  std::optional<Refusal> refusal;  // the limit at fault; none if the fault is made
  std::optional<Nanos> wait;       // to be told in words; none if it is not to be told
  std::string request_id;          // for providers that repeat it in the body
  int64_t unix_ms = 0;             // for those that say when a limit resets
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_PROBLEM_H_
