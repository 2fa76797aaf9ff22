// Payloads before they are queued: are they sound, and how many tokens will they be.
#ifndef LLMQ_PROVIDER_PAYLOAD_H_
#define LLMQ_PROVIDER_PAYLOAD_H_

#include <string_view>

#include "core/result.h"
#include "provider/json.h"
#include "provider/provider.h"

namespace llmq::provider {

// One JSON object in UTF-8, or what is wrong, and at which byte.
core::Result<Json> parse_payload(std::string_view payload);

// Of a body in the neutral form.
Estimate estimate_neutral(Operation operation, const cJSON* body, int64_t default_output_tokens);

// Of a body in a provider's own form: all text that stands in it but names of roles and types, ids
// and data of images and files; output is the bound that the body sets.
Estimate estimate_native(const cJSON* body, int64_t default_output_tokens);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_PAYLOAD_H_
