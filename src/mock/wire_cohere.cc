// Cohere's chat, version 2.
#include <algorithm>
#include <string>

#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

// What Cohere puts before every request: counted in usage.tokens, not billed.
constexpr int64_t kPreambleTokens = 200;

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  request.stream = cJSON_IsTrue(json_member(root, "stream"));
  TextCount count;
  if (auto problem = read_messages(root, count)) return problem;
  count.add_tokens(kPreambleTokens);
  count.store(request);
  return read_count(root, "max_tokens", kMaxTokensPerCall, request.max_tokens);
}

const char* finish_reason(const Answer& answer) {
  return answer.is_cut ? "MAX_TOKENS" : "COMPLETE";
}

void add_usage(cJSON* object, const Usage& used) {
  cJSON* usage = cJSON_AddObjectToObject(object, "usage");
  cJSON* billed = cJSON_AddObjectToObject(usage, "billed_units");
  add_int(billed, "input_tokens", std::max<int64_t>(used.input_tokens - kPreambleTokens, 0));
  add_int(billed, "output_tokens", used.output_tokens);
  cJSON* tokens = cJSON_AddObjectToObject(usage, "tokens");
  add_int(tokens, "input_tokens", used.input_tokens);
  add_int(tokens, "output_tokens", used.output_tokens);
  add_int(usage, "cached_tokens", 0);
}

cJSON* make_text(const std::string& text) {
  cJSON* content = cJSON_CreateObject();
  cJSON_AddStringToObject(content, "type", "text");
  cJSON_AddStringToObject(content, "text", text.c_str());
  return content;
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "id", hex_of(answer.id.call).c_str());
  cJSON* message = cJSON_AddObjectToObject(root.get(), "message");
  cJSON_AddStringToObject(message, "role", "assistant");
  cJSON_AddItemToArray(cJSON_AddArrayToObject(message, "content"), make_text(answer.text));
  cJSON_AddStringToObject(root.get(), "finish_reason", finish_reason(answer));
  add_usage(root.get(), answer.usage);
  return print_json(root);
}

Json start_event(const char* type) {
  Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "type", type);
  return root;
}

std::string stream_start(const Answer& answer, const Provider& /*provider*/) {
  const Json start(cJSON_CreateObject());
  cJSON_AddStringToObject(start.get(), "id", hex_of(answer.id.call).c_str());
  cJSON_AddStringToObject(start.get(), "type", "message-start");
  cJSON* message =
      cJSON_AddObjectToObject(cJSON_AddObjectToObject(start.get(), "delta"), "message");
  cJSON_AddStringToObject(message, "role", "assistant");
  cJSON_AddArrayToObject(message, "content");
  const Json content = start_event("content-start");
  add_int(content.get(), "index", 0);
  cJSON* first =
      cJSON_AddObjectToObject(cJSON_AddObjectToObject(content.get(), "delta"), "message");
  cJSON_AddItemToObject(first, "content", make_text(""));
  return sse_event("message-start", print_json(start)) +
         sse_event("content-start", print_json(content));
}

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  const Json root = start_event("content-delta");
  add_int(root.get(), "index", 0);
  cJSON* message = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root.get(), "delta"), "message");
  cJSON_AddStringToObject(cJSON_AddObjectToObject(message, "content"), "text",
                          std::string(text_of(answer, piece)).c_str());
  return sse_event("content-delta", print_json(root));
}

std::string stream_end(const Answer& answer, const Provider& /*provider*/, int64_t /*pieces*/) {
  const Json content = start_event("content-end");
  add_int(content.get(), "index", 0);
  const Json end = start_event("message-end");
  cJSON* delta = cJSON_AddObjectToObject(end.get(), "delta");
  cJSON_AddStringToObject(delta, "finish_reason", finish_reason(answer));
  add_usage(delta, answer.usage);
  return sse_event("content-end", print_json(content)) + sse_event("message-end", print_json(end)) +
         sse_event("", "[DONE]");
}

std::string stream_error(const Answer& /*answer*/, const Provider& /*provider*/,
                         const Problem& /*problem*/, int64_t /*pieces*/) {
  const Json end = start_event("message-end");
  cJSON* delta = cJSON_AddObjectToObject(end.get(), "delta");
  cJSON_AddStringToObject(delta, "finish_reason", "ERROR");
  cJSON_AddStringToObject(delta, "error", "internal server error");
  return sse_event("message-end", print_json(end)) + sse_event("", "[DONE]");
}

}  // namespace

const Wire kCohereChat{&read,         &reply,      "text/event-stream", &stream_start,
                       &stream_piece, &stream_end, &stream_error};

}  // namespace llmq::mock
