// A manager's own log: silent unless the configuration, LLMQ_LOG=level[:file] or a callback turns
// it on. No payload and no key is ever given to it.
#ifndef LLMQ_RUNTIME_LOG_H_
#define LLMQ_RUNTIME_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/model_config.h"
#include "core/result.h"
#include "runtime/callback.h"

namespace spdlog {
class logger;
}

namespace llmq::runtime {

// One line at a time: the words replace the {} of the form. Formats by itself, for spdlog's way,
// expanded where a line is written, is a tenth of the library.
class Logger {
 public:
  Logger(std::shared_ptr<spdlog::logger> lines, int32_t level);

  // Is a line of this level (LLMQ_LOG_...) written anywhere?
  bool on(int32_t level) const { return level >= level_; }

  template <typename... Words>
  void debug(std::string_view form, const Words&... words) const {
    if (on(LLMQ_LOG_DEBUG)) write(LLMQ_LOG_DEBUG, form, {Word(words)...});
  }
  template <typename... Words>
  void info(std::string_view form, const Words&... words) const {
    if (on(LLMQ_LOG_INFO)) write(LLMQ_LOG_INFO, form, {Word(words)...});
  }
  template <typename... Words>
  void warn(std::string_view form, const Words&... words) const {
    if (on(LLMQ_LOG_WARN)) write(LLMQ_LOG_WARN, form, {Word(words)...});
  }

 private:
  struct Word {
    explicit Word(std::string_view own) : text(own) {}
    template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
    explicit Word(Integer own) : number(static_cast<int64_t>(own)), is_number(true) {}

    std::string_view text;
    int64_t number = 0;
    bool is_number = false;
  };

  void write(int32_t level, std::string_view form,
             std::initializer_list<Word> words) const noexcept;

  std::shared_ptr<spdlog::logger> lines_;
  int32_t level_;
};

// Never a global logger: two managers may log to different places. kInvalidValue if the file cannot
// be opened or LLMQ_LOG is malformed.
core::Result<std::shared_ptr<Logger>> make_log(const config::ManagerConfig& config,
                                               const LogCallback& callback);

// Text from elsewhere as part of one log line: control characters become spaces.
std::string one_line(std::string_view text);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LOG_H_
