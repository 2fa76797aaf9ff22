// What is known of a limit, for info JSON and for texts.
#ifndef LLMQ_RUNTIME_LIMIT_REPORT_H_
#define LLMQ_RUNTIME_LIMIT_REPORT_H_

#include <string>

#include "base/json.h"
#include "core/engine.h"
#include "runtime/registry.h"

namespace llmq::runtime {

// Milliseconds from now; -1 if only the end of a running attempt makes room.
int64_t milliseconds_until(core::TimeNs now, core::TimeNs at);

// "1500 ms".
std::string milliseconds_text(core::DurationNs length);

// The pool that the limit belongs to; nullptr if it is the deployment's own.
const PoolEntry* pool_of(const DeploymentEntry& entry, core::Engine& engine,
                         const core::Limit* limit);

// "model gpt-4o", "deployment east of model gpt-4o", "pool account".
std::string owner_of(const DeploymentEntry& entry, core::Engine& engine, const core::Limit* limit);

// "tokens/1m", "tokens/1m of deployment east", "tokens/1m of all deployments", "tokens/1m of pool
// account".
std::string full_limit_name(const DeploymentEntry& entry, core::Engine& engine,
                            const core::Limit* limit);

base::Json limit_json(core::TimeNs now, const DeploymentEntry& entry, core::Engine& engine,
                      core::Limit& limit, bool implicit);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LIMIT_REPORT_H_
