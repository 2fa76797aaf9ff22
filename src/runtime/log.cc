#include "runtime/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmq::runtime {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e %l llmq %v";
constexpr const char* kLevels[] = {"trace", "debug", "info", "warn", "error", "off"};

spdlog::level::level_enum spdlog_level(int32_t level) {
  constexpr spdlog::level::level_enum kMap[] = {spdlog::level::trace, spdlog::level::debug,
                                                spdlog::level::info,  spdlog::level::warn,
                                                spdlog::level::err,   spdlog::level::off};
  return level < 0 || level > LLMQ_LOG_OFF ? spdlog::level::off : kMap[level];
}

int32_t llmq_level(spdlog::level::level_enum level) {
  for (int32_t i = 0; i <= LLMQ_LOG_OFF; ++i) {
    if (spdlog_level(i) == level) return i;
  }
  return LLMQ_LOG_ERROR;
}

// Hands each line to the caller's function.
class CallbackSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallbackSink(LogCallback callback) : callback_(std::move(callback)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    callback_.fn(callback_.user->get(), llmq_level(message.level), message.payload.data(),
                 message.payload.size());
  }
  void flush_() override {}

 private:
  LogCallback callback_;
};

struct Wanted {
  int32_t level = LLMQ_LOG_OFF;
  std::string file;
};

// "debug" or "debug:/var/log/llmq.log"
core::Result<std::optional<Wanted>> from_environment() {
  const char* text = std::getenv("LLMQ_LOG");
  if (text == nullptr || *text == '\0') return std::optional<Wanted>();
  const std::string_view all(text);
  const size_t colon = all.find(':');
  const std::string_view level = all.substr(0, colon);
  for (int32_t i = 0; i <= LLMQ_LOG_OFF; ++i) {
    if (level != kLevels[i]) continue;
    Wanted wanted{i, {}};
    if (colon != std::string_view::npos) wanted.file = all.substr(colon + 1);
    return std::optional<Wanted>(std::move(wanted));
  }
  return core::Error{
      core::Status::kInvalidValue,
      "LLMQ_LOG=" + std::string(all) + ": the level must be trace, debug, info, warn, error or off",
      "LLMQ_LOG"};
}

core::Result<spdlog::sink_ptr> make_sink(const std::string& file) {
  if (file.empty()) return spdlog::sink_ptr(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  try {
    return spdlog::sink_ptr(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
  } catch (const spdlog::spdlog_ex& problem) {
    return core::Error{core::Status::kInvalidValue,
                       "the log file cannot be opened: " + std::string(problem.what()), "log.file"};
  }
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

Logger::Logger(std::shared_ptr<spdlog::logger> lines, int32_t level)
    : lines_(std::move(lines)), level_(level) {}

// A line that there is no memory for is left out.
void Logger::write(int32_t level, std::string_view form,
                   std::initializer_list<Word> words) const noexcept try {
  std::string line;
  for (const Word& word : words) {
    const size_t place = form.find("{}");
    assert(place != std::string_view::npos);
    line += form.substr(0, place);
    line += word.is_number ? std::to_string(word.number) : std::string(word.text);
    form.remove_prefix(place + 2);
  }
  line += form;
  lines_->log(spdlog_level(level), line);
} catch (const std::bad_alloc&) {
}

core::Result<std::shared_ptr<Logger>> make_log(const config::ManagerConfig& config,
                                               const LogCallback& callback) {
  auto environment = from_environment();
  if (!environment) return environment.error();
  Wanted wanted{config.log_level, config.log_file};
  if (environment.value()) wanted = *environment.value();

  auto logger = std::make_shared<spdlog::logger>("llmq");
  // A full disk costs lines, and nothing else: spdlog's own handler would print to stderr.
  logger->set_error_handler([](const std::string&) {});
  logger->set_level(spdlog::level::trace);
  int32_t level = LLMQ_LOG_OFF;
  if (callback.fn != nullptr) {
    auto sink = std::make_shared<CallbackSink>(callback);
    sink->set_level(spdlog_level(callback.level));
    logger->sinks().push_back(std::move(sink));
    level = callback.level;
  }
  if (wanted.level != LLMQ_LOG_OFF) {
    auto sink = make_sink(wanted.file);
    if (!sink) return sink.error();
    sink.value()->set_level(spdlog_level(wanted.level));
    sink.value()->set_pattern(kPattern);
    logger->sinks().push_back(sink.value());
    level = std::min(level, wanted.level);
    logger->flush_on(spdlog::level::trace);
  }
  return std::make_shared<Logger>(std::move(logger), level);
}

}  // namespace llmq::runtime
