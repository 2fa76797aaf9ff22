// Which limit a refusal names, and what it says of it.
#ifndef LLMQ_PROVIDER_REFUSAL_H_
#define LLMQ_PROVIDER_REFUSAL_H_

#include <string_view>

#include "core/limit/observation.h"
#include "provider/error_body.h"

namespace llmq::provider {

// From the words ("... on tokens per min (TPM): Limit 500000, Used 442231, Requested 249686"), then
// from the error's type ("tokens", "requests"). A limit that the core has no kind for, such as
// images, is told as no kind.
core::Refusal read_refusal(std::string_view message, std::string_view type);

// The same for an error in any shape: from the quota that Google names, a limit of calls in flight,
// else from words and type. A limit of 0 is told as such.
core::Refusal refusal_of(const ErrorBody& error);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_REFUSAL_H_
