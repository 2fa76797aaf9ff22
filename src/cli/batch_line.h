// One line of the input: OpenAI's batch format, {"custom_id", "method", "url", "body"}.
#ifndef LLMQ_CLI_BATCH_LINE_H_
#define LLMQ_CLI_BATCH_LINE_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace llmq::cli {

struct BatchLine {
  std::string custom_id;      // decoded
  std::string custom_id_raw;  // as it stands in the line, quotes included; "" if there is none
  std::string model;
  int32_t operation = 0;  // LLMQ_OP_
  std::string_view body;  // as it stands in the line: sent byte for byte
};

// "" or what is wrong with the line. custom_id is filled in where it could be read.
std::string parse_batch_line(std::string_view text, BatchLine& line);

// The request that it asks for; points into the line. Where the answer goes is for the caller to
// say.
llmq_request_t request_of(const BatchLine& line);

// Where the value of a member of a JSON object stands in its text; "" if there is none. The object
// must have been parsed before.
std::string_view raw_member(std::string_view object, std::string_view name);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_BATCH_LINE_H_
