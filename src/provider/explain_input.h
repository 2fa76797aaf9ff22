// A recorded answer as a line of JSON: the input of explain().
#ifndef LLMQ_PROVIDER_EXPLAIN_INPUT_H_
#define LLMQ_PROVIDER_EXPLAIN_INPUT_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "provider/profile.h"
#include "provider/provider.h"
#include "provider/stream_reader.h"

namespace llmq::provider {

struct ExplainInput {
  const Profile* profile = nullptr;
  WireResponse response;
  int64_t now_unix_ms = 0;                 // 0 = not known: points in time tell nothing
  Operation operation = Operation::kChat;  // as far as the body shows it
  std::optional<StreamWire> stream;        // the body is one
};

// The form of `line` is that of explain().
core::Result<ExplainInput> read_explain_input(std::string_view provider, std::string_view line);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_EXPLAIN_INPUT_H_
