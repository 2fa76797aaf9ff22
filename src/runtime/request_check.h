// Is a request acceptable, and what will it use? The same questions for a submit, a check and a
// plan.
#ifndef LLMQ_RUNTIME_REQUEST_CHECK_H_
#define LLMQ_RUNTIME_REQUEST_CHECK_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "core/result.h"
#include "provider/request.h"
#include "runtime/registry.h"
#include "runtime/token_learning.h"

namespace llmq::runtime {

// Tokens that a request is expected to count.
struct TokenEstimate {
  int64_t input = 0;  // what limits count until the usage is known
  int64_t output = 0;
  bool streams = false;      // the payload itself asks for a stream
  int64_t likely_input = 0;  // what the answer will probably tell
};

// The most tokens that one call may count, over all limits of a deployment and its pools.
struct TokenCaps {
  int64_t input = std::numeric_limits<uint32_t>::max();
  int64_t output = std::numeric_limits<uint32_t>::max();
  int64_t both = std::numeric_limits<uint32_t>::max();
  // A limit of tokens counts what the provider judges on arrival, by the length of the text: then
  // that is what must be counted here, not what is true.
  bool judged_on_arrival = false;

  void add(const std::vector<core::LimitSpec>& limits);
  // Of a call that may be made here or there.
  TokenCaps or_else(const TokenCaps& other) const;
};

// Writes why not, unless `why` is nullptr; returns `status`.
core::Status refuse(core::Error* why, core::Status status, const char* key, std::string message);

core::Status check_members(const llmq_request_t& request, core::Error* why);

// How the provider of a deployment is addressed; the config must outlive it.
provider::Endpoint endpoint_of(const config::DeploymentConfig& config);

// Are payloads for that operation JSON of a known form?
bool reads_payloads(const config::DeploymentConfig& config, provider::Operation operation);
// What the payload says, of a request that a built-in provider runs.
core::Result<provider::Prepared> look_into(const config::DeploymentConfig& config,
                                           int64_t est_output_tokens, provider::Operation operation,
                                           std::string_view payload);

// What calls over HTTP will send.
struct Wire {
  provider::Prepared prepared;
  bool per_deployment = false;  // each says the payload in its own way, when it is called
};

// What the caller says counts; else what the payload says and answers have taught (`learnt`, may be
// nullptr); else a guess that never makes a request oversize. `wire` may be nullptr. A payload that
// one of the deployments cannot be sent is an error. Of a permit the payload is looked at, if there
// is one, and not sent.
core::Status estimate_tokens(const llmq_request_t& request, const ModelSettings& model,
                             const TokenCaps& caps, const TokenLearning* learnt,
                             TokenEstimate* estimate, Wire* wire, core::Error* why,
                             bool permit = false);

// What llmq_acquire and llmq_try_acquire do not take.
core::Status check_permit(const llmq_request_t& request, bool wants_sink);

// Is the response to be streamed, and does the model do that?
core::Status may_stream(const llmq_request_t& request, const config::ModelConfig& model,
                        bool body_says_so, bool* streams, core::Error* why);

// kOversize if one of the limits could never hold the call. `owner` says whose they are.
core::Status fits_limits(const std::vector<core::LimitSpec>& limits, const core::Prices& prices,
                         const TokenEstimate& estimate, const char* owner, std::string_view name,
                         core::Error* why);

// Per attempt; 0 = none.
uint32_t timeout_ms_of(const llmq_request_t& request, const config::ModelConfig& model);

// Money for that usage, at these prices, in millionths.
int64_t cost_of(const core::Prices& prices, const core::Usage& usage);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_REQUEST_CHECK_H_
