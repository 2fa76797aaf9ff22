// Where the key of a built-in provider comes from: a file, an environment variable, or the caller's
// function. Keys are never logged and never part of an error text.
#ifndef LLMQ_RUNTIME_API_KEY_H_
#define LLMQ_RUNTIME_API_KEY_H_

#include <string>

#include "config/config.h"
#include "config/model_config.h"
#include "core/result.h"
#include "runtime/callback.h"
#include "runtime/registry.h"

namespace llmq::runtime {

// Is the key among the headers that are set?
bool brings_its_key(const config::DeploymentConfig& config);

// Read once, when it is registered. "" if the source is the callback, or the server on the
// loopback interface needs none. kInvalidValue names the missing variable or unreadable file.
core::Result<std::string> read_api_key(const config::DeploymentConfig& config, bool has_callback);

// Is the host asked for it by an event?
bool is_asked_by_event(const DeploymentEntry& entry);

// For one attempt, where the host is not asked by an event.
core::Result<std::string> key_for(const ApiKeyCallback& callback, const DeploymentEntry& entry);

// A warning about the key file; "" if there is nothing to say.
std::string key_file_warning(const config::DeploymentConfig& config);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_API_KEY_H_
