// What can be wrong with a configuration before a manager is made of it.
#ifndef LLMQ_RUNTIME_VALIDATE_H_
#define LLMQ_RUNTIME_VALIDATE_H_

#include <string>

#include "config/config.h"
#include "core/result.h"
#include "runtime/callback.h"

namespace llmq::runtime {

core::Result<core::Done> validate(const config::Config& config, const Callbacks& callbacks);

// May `model` fall back to `to`? `known`: that one is registered, or is being with it.
core::Result<core::Done> check_fallback(const std::string& model, const std::string& to,
                                        bool known);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_VALIDATE_H_
