// One look at the provider of a model, as a run would reach it.
#ifndef LLMQ_RUNTIME_PROBE_H_
#define LLMQ_RUNTIME_PROBE_H_

#include <string>
#include <string_view>

#include "config/config.h"
#include "core/result.h"
#include "runtime/callback.h"

namespace llmq::runtime {

// The JSON of llmq_probe_json, made by a call on a loop of its own. Blocks for a minute at most.
// kUnknownModel; kUnsupported if the model has no provider over HTTP, or this build no HTTP;
// kInvalidValue if the configuration is wrong. What is wrong with the key or on the way is in the
// JSON, the key itself never.
core::Result<std::string> probe(const config::Config& config, const Callbacks& callbacks,
                                std::string_view model, uint32_t flags);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_PROBE_H_
