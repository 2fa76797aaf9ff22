// Ollama's own chat: one JSON object per line.
#include <string>

#include "mock/request_json.h"
#include "mock/timestamp.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  // Ollama streams unless it is told not to.
  request.stream = cJSON_IsFalse(json_member(root, "stream")) == 0;
  TextCount count;
  if (auto problem = read_messages(root, count)) return problem;
  count.store(request);
  return read_count(json_member(root, "options"), "num_predict", kMaxTokensPerCall,
                    request.max_tokens);
}

Json start_object(const Answer& answer, const std::string& content) {
  Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "model", answer.request.model.c_str());
  cJSON_AddStringToObject(root.get(), "created_at", rfc3339(answer.id.unix_ms).c_str());
  cJSON* message = cJSON_AddObjectToObject(root.get(), "message");
  cJSON_AddStringToObject(message, "role", "assistant");
  cJSON_AddStringToObject(message, "content", content.c_str());
  return root;
}

// The last object, or the only one. Durations are in nanoseconds, made up at 1 ms per token.
std::string last_object(const Answer& answer, const std::string& content) {
  constexpr int64_t kNanosPerToken = 1'000'000;
  const Json root = start_object(answer, content);
  cJSON_AddStringToObject(root.get(), "done_reason", answer.is_cut ? "length" : "stop");
  cJSON_AddTrueToObject(root.get(), "done");
  const int64_t prompt = answer.usage.input_tokens * kNanosPerToken;
  const int64_t output = answer.usage.output_tokens * kNanosPerToken;
  add_int(root.get(), "total_duration", prompt + output);
  add_int(root.get(), "load_duration", 0);
  add_int(root.get(), "prompt_eval_count", answer.usage.input_tokens);
  add_int(root.get(), "prompt_eval_duration", prompt);
  add_int(root.get(), "eval_count", answer.usage.output_tokens);
  add_int(root.get(), "eval_duration", output);
  return print_json(root);
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  return last_object(answer, answer.text);
}

std::string stream_start(const Answer& /*answer*/, const Provider& /*provider*/) { return ""; }

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  const Json root = start_object(answer, std::string(text_of(answer, piece)));
  cJSON_AddFalseToObject(root.get(), "done");
  return print_json(root) + "\n";
}

std::string stream_end(const Answer& answer, const Provider& /*provider*/, int64_t /*pieces*/) {
  return last_object(answer, "") + "\n";
}

std::string stream_error(const Answer& /*answer*/, const Provider& provider, const Problem& problem,
                         int64_t /*pieces*/) {
  return provider.describe(problem).body + "\n";
}

}  // namespace

const Wire kOllamaChat{&read,         &reply,      "application/x-ndjson", &stream_start,
                       &stream_piece, &stream_end, &stream_error};

}  // namespace llmq::mock
