// Anthropic's messages.
#include <string>

#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  request.stream = cJSON_IsTrue(json_member(root, "stream"));
  if (auto problem = read_count(root, "max_tokens", kMaxTokensPerCall, request.max_tokens)) {
    return problem;
  }
  if (!request.max_tokens) return bad_request("max_tokens: Field required");
  TextCount count;
  if (!add_content(json_member(root, "system"), count)) {
    return bad_request("system: Input should be a text or an array of blocks");
  }
  if (auto problem = read_messages(root, count)) return problem;
  count.store(request);
  return std::nullopt;
}

const char* stop_reason(const Answer& answer) { return answer.is_cut ? "max_tokens" : "end_turn"; }

void add_input_usage(cJSON* usage, const Answer& answer) {
  add_int(usage, "input_tokens", answer.usage.input_tokens);
  add_int(usage, "cache_creation_input_tokens", 0);
  add_int(usage, "cache_read_input_tokens", 0);
}

// A message, whole or as it is when a stream begins: empty, one token of output counted.
void fill_message(cJSON* message, const Answer& answer, bool is_whole) {
  cJSON_AddStringToObject(message, "id", ("msg_" + hex_of(answer.id.call)).c_str());
  cJSON_AddStringToObject(message, "type", "message");
  cJSON_AddStringToObject(message, "role", "assistant");
  cJSON_AddStringToObject(message, "model", answer.request.model.c_str());
  cJSON* content = cJSON_AddArrayToObject(message, "content");
  if (is_whole) {
    cJSON* block = cJSON_CreateObject();
    cJSON_AddItemToArray(content, block);
    cJSON_AddStringToObject(block, "type", "text");
    cJSON_AddStringToObject(block, "text", answer.text.c_str());
    cJSON_AddStringToObject(message, "stop_reason", stop_reason(answer));
  } else {
    cJSON_AddNullToObject(message, "stop_reason");
  }
  cJSON_AddNullToObject(message, "stop_sequence");
  cJSON* usage = cJSON_AddObjectToObject(message, "usage");
  add_input_usage(usage, answer);
  add_int(usage, "output_tokens", is_whole ? answer.usage.output_tokens : 1);
  cJSON_AddStringToObject(usage, "service_tier", "standard");
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  const Json root(cJSON_CreateObject());
  fill_message(root.get(), answer, true);
  return print_json(root);
}

Json start_event(const char* type) {
  Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "type", type);
  return root;
}

// The real stream pads its events with blanks, so that their size tells nothing of the text.
std::string padded_event(const char* type, const Json& root, uint64_t seed) {
  std::string data = print_json(root);
  if (!data.empty()) data.insert(data.size() - 1, seed % 8, ' ');
  return sse_event(type, data);
}

std::string stream_start(const Answer& answer, const Provider& /*provider*/) {
  const Json start = start_event("message_start");
  fill_message(cJSON_AddObjectToObject(start.get(), "message"), answer, false);
  const Json block = start_event("content_block_start");
  add_int(block.get(), "index", 0);
  cJSON* content = cJSON_AddObjectToObject(block.get(), "content_block");
  cJSON_AddStringToObject(content, "type", "text");
  cJSON_AddStringToObject(content, "text", "");
  return padded_event("message_start", start, answer.id.call) +
         padded_event("content_block_start", block, answer.id.body) +
         sse_event("ping", R"({"type": "ping"})");
}

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  const Json root = start_event("content_block_delta");
  add_int(root.get(), "index", 0);
  cJSON* delta = cJSON_AddObjectToObject(root.get(), "delta");
  cJSON_AddStringToObject(delta, "type", "text_delta");
  cJSON_AddStringToObject(delta, "text", std::string(text_of(answer, piece)).c_str());
  return padded_event("content_block_delta", root,
                      answer.id.body + static_cast<uint64_t>(piece.index) * 3);
}

std::string stream_end(const Answer& answer, const Provider& /*provider*/, int64_t /*pieces*/) {
  const Json stop = start_event("content_block_stop");
  add_int(stop.get(), "index", 0);
  const Json change = start_event("message_delta");
  cJSON* delta = cJSON_AddObjectToObject(change.get(), "delta");
  cJSON_AddStringToObject(delta, "stop_reason", stop_reason(answer));
  cJSON_AddNullToObject(delta, "stop_sequence");
  cJSON* usage = cJSON_AddObjectToObject(change.get(), "usage");
  add_input_usage(usage, answer);
  add_int(usage, "output_tokens", answer.usage.output_tokens);
  return padded_event("content_block_stop", stop, answer.id.call >> 8U) +
         padded_event("message_delta", change, answer.id.call >> 16U) +
         padded_event("message_stop", start_event("message_stop"), 0);
}

std::string stream_error(const Answer& /*answer*/, const Provider& provider, const Problem& problem,
                         int64_t /*pieces*/) {
  return sse_event("error", provider.describe(problem).body);
}

}  // namespace

const Wire kAnthropicMessages{&read,         &reply,      kSseType,     &stream_start,
                              &stream_piece, &stream_end, &stream_error};

}  // namespace llmq::mock
