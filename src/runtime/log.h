// A manager's own log: silent unless the configuration, LLMQ_LOG=level[:file] or a callback turns
// it on. No payload and no key is ever given to it.
#ifndef LLMQ_RUNTIME_LOG_H_
#define LLMQ_RUNTIME_LOG_H_

#include <memory>
#include <string>
#include <string_view>

#include "config/model_config.h"
#include "core/result.h"
#include "runtime/callback.h"

namespace spdlog {
class logger;
}

namespace llmq::runtime {

// Never a global logger: two managers may log to different places. kInvalidValue if the file cannot
// be opened or LLMQ_LOG is malformed.
core::Result<std::shared_ptr<spdlog::logger>> make_log(const config::ManagerConfig& config,
                                                       const LogCallback& callback);

// Text from elsewhere as part of one log line: control characters become spaces.
std::string one_line(std::string_view text);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LOG_H_
