// What a model's deployments come to together: for requests, which need one of them, and for the
// engine.
#ifndef LLMQ_RUNTIME_DEPLOYMENTS_H_
#define LLMQ_RUNTIME_DEPLOYMENTS_H_

#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "core/event.h"
#include "core/result.h"
#include "runtime/registry.h"
#include "runtime/request_check.h"

namespace llmq::runtime {

// `entries` are those of its deployments.
ModelSettings settings_of(config::ModelConfig config, std::vector<DeploymentEntry*> entries);

// The most tokens that a call may count where it may count most.
TokenCaps caps_of(const ModelSettings& settings);

// kOversize if there is no deployment whose limits, and those of its pools, could hold the call.
core::Status fits_somewhere(const ModelSettings& settings, const TokenEstimate& tokens,
                            core::Error* why);

core::DeploymentSpec spec_of(const config::ModelConfig& model,
                             const config::DeploymentConfig& deployment,
                             const DeploymentEntry& entry);
// With the deployment of index 0, if it is there.
core::ModelSpec spec_of(const ModelSettings& settings);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_DEPLOYMENTS_H_
