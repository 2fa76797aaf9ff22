// Lines of the output: OpenAI's batch result format, {"id", "custom_id", "response", "error"}.
#ifndef LLMQ_CLI_RESULT_LINE_H_
#define LLMQ_CLI_RESULT_LINE_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace llmq::cli {

// Codes of lines that were never submitted.
constexpr const char* kInvalidLine = "invalid_line";
constexpr const char* kDuplicateId = "duplicate_custom_id";

// Each with its newline. custom_id_raw is JSON text; "" becomes null. line: number of the input
// line.
std::string result_line(const std::string& custom_id_raw, uint64_t line,
                        const llmq_response_t* response);
std::string refused_line(const std::string& custom_id_raw, uint64_t line, std::string_view code,
                         const std::string& message);

// What an output line says of its request when a run is resumed.
enum class Past {
  kFinished,  // answered, or failed for good
  kAgain,     // to be run again, or to be judged again with its input line
  kUnreadable,
};
Past read_result_line(std::string_view text, std::string& custom_id);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_RESULT_LINE_H_
