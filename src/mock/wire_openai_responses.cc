// OpenAI's responses.
#include <string>

#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

std::optional<Problem> read_input(const cJSON* root, TextCount& count) {
  const cJSON* input = json_member(root, "input");
  if (input == nullptr) return bad_request("Missing required parameter: 'input'.", "input");
  if (cJSON_IsString(input) != 0) {
    count.add_text(input->valuestring);
    return std::nullopt;
  }
  if (cJSON_IsArray(input) == 0 || input->child == nullptr) {
    return bad_request("Invalid 'input': expected a text or an array of items.", "input");
  }
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, input) {
    if (cJSON_IsObject(item) == 0 || !add_content(json_member(item, "content"), count)) {
      return bad_request("Invalid 'input': each item must be an object with a content.", "input");
    }
  }
  return std::nullopt;
}

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  request.stream = cJSON_IsTrue(json_member(root, "stream"));
  TextCount count;
  if (!add_content(json_member(root, "instructions"), count)) {
    return bad_request("Invalid 'instructions': expected a text.", "instructions");
  }
  if (auto problem = read_input(root, count)) return problem;
  count.store(request);
  return read_count(root, "max_output_tokens", kMaxTokensPerCall, request.max_tokens);
}

enum class Stage { kInProgress, kDone, kFailed };

std::string item_id(const Answer& answer) { return "msg_" + hex_of(answer.id.call); }

cJSON* make_part(const std::string& text) {
  cJSON* part = cJSON_CreateObject();
  cJSON_AddStringToObject(part, "type", "output_text");
  cJSON_AddArrayToObject(part, "annotations");
  cJSON_AddStringToObject(part, "text", text.c_str());
  return part;
}

cJSON* make_item(const Answer& answer, bool is_done) {
  cJSON* item = cJSON_CreateObject();
  cJSON_AddStringToObject(item, "id", item_id(answer).c_str());
  cJSON_AddStringToObject(item, "type", "message");
  cJSON_AddStringToObject(item, "status",
                          !is_done        ? "in_progress"
                          : answer.is_cut ? "incomplete"
                                          : "completed");
  cJSON_AddStringToObject(item, "role", "assistant");
  cJSON* content = cJSON_AddArrayToObject(item, "content");
  if (is_done) cJSON_AddItemToArray(content, make_part(answer.text));
  return item;
}

void add_usage(cJSON* object, const Usage& used) {
  cJSON* usage = cJSON_AddObjectToObject(object, "usage");
  add_int(usage, "input_tokens", used.input_tokens);
  cJSON* input = cJSON_AddObjectToObject(usage, "input_tokens_details");
  add_int(input, "cache_write_tokens", 0);
  add_int(input, "cached_tokens", 0);
  add_int(usage, "output_tokens", used.output_tokens);
  add_int(cJSON_AddObjectToObject(usage, "output_tokens_details"), "reasoning_tokens", 0);
  add_int(usage, "total_tokens", used.input_tokens + used.output_tokens);
}

const char* status_of(const Answer& answer, Stage stage) {
  if (stage == Stage::kInProgress) return "in_progress";
  if (stage == Stage::kFailed) return "failed";
  return answer.is_cut ? "incomplete" : "completed";
}

void fill_response(cJSON* object, const Answer& answer, Stage stage) {
  cJSON_AddStringToObject(object, "id", ("resp_" + hex_of(answer.id.call)).c_str());
  cJSON_AddStringToObject(object, "object", "response");
  add_int(object, "created_at", answer.id.unix_ms / 1000);
  cJSON_AddStringToObject(object, "status", status_of(answer, stage));
  if (stage == Stage::kFailed) {
    // The codes of this wire form are its own, not those of the error object.
    cJSON* error = cJSON_AddObjectToObject(object, "error");
    cJSON_AddStringToObject(error, "code", "server_is_overloaded");
    cJSON_AddStringToObject(error, "message",
                            "Our servers are currently overloaded. Please try again later.");
  } else {
    cJSON_AddNullToObject(object, "error");
  }
  if (stage == Stage::kDone && answer.is_cut) {
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "incomplete_details"), "reason",
                            "max_output_tokens");
  } else {
    cJSON_AddNullToObject(object, "incomplete_details");
  }
  cJSON_AddStringToObject(object, "model", answer.request.model.c_str());
  cJSON* output = cJSON_AddArrayToObject(object, "output");
  if (stage == Stage::kDone) {
    cJSON_AddItemToArray(output, make_item(answer, true));
    add_usage(object, answer.usage);
  } else {
    cJSON_AddNullToObject(object, "usage");
  }
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  const Json root(cJSON_CreateObject());
  fill_response(root.get(), answer, Stage::kDone);
  return print_json(root);
}

// An event with the members that it shares with others of its kind.
class Event {
 public:
  explicit Event(const char* type) : type_(type), root_(cJSON_CreateObject()) {
    cJSON_AddStringToObject(root_.get(), "type", type);
  }
  cJSON* object() { return root_.get(); }
  Event& about_item(const Answer& answer) {
    cJSON_AddStringToObject(object(), "item_id", item_id(answer).c_str());
    add_int(object(), "output_index", 0);
    add_int(object(), "content_index", 0);
    return *this;
  }
  std::string text(int64_t number) {
    add_int(object(), "sequence_number", number);
    return sse_event(type_, print_json(root_));
  }

 private:
  const char* type_;
  Json root_;
};

std::string response_event(const char* type, const Answer& answer, Stage stage, int64_t number) {
  Event event(type);
  fill_response(cJSON_AddObjectToObject(event.object(), "response"), answer, stage);
  return event.text(number);
}

constexpr int64_t kStartEvents = 4;

std::string item_event(const char* type, const Answer& answer, bool is_done, int64_t number) {
  Event event(type);
  add_int(event.object(), "output_index", 0);
  cJSON_AddItemToObject(event.object(), "item", make_item(answer, is_done));
  return event.text(number);
}

std::string part_event(const char* type, const Answer& answer, const std::string& text,
                       int64_t number) {
  Event event(type);
  event.about_item(answer);
  cJSON_AddItemToObject(event.object(), "part", make_part(text));
  return event.text(number);
}

std::string stream_start(const Answer& answer, const Provider& /*provider*/) {
  return response_event("response.created", answer, Stage::kInProgress, 0) +
         response_event("response.in_progress", answer, Stage::kInProgress, 1) +
         item_event("response.output_item.added", answer, false, 2) +
         part_event("response.content_part.added", answer, "", 3);
}

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  Event event("response.output_text.delta");
  event.about_item(answer);
  cJSON_AddStringToObject(event.object(), "delta", std::string(text_of(answer, piece)).c_str());
  return event.text(kStartEvents + piece.index);
}

std::string stream_end(const Answer& answer, const Provider& /*provider*/, int64_t pieces) {
  const int64_t number = kStartEvents + pieces;
  Event text("response.output_text.done");
  text.about_item(answer);
  cJSON_AddStringToObject(text.object(), "text", answer.text.c_str());
  return text.text(number) +
         part_event("response.content_part.done", answer, answer.text, number + 1) +
         item_event("response.output_item.done", answer, true, number + 2) +
         response_event(answer.is_cut ? "response.incomplete" : "response.completed", answer,
                        Stage::kDone, number + 3);
}

// Before the first text as an event of its own, later as a response that failed: both are seen.
std::string stream_error(const Answer& answer, const Provider& /*provider*/,
                         const Problem& /*problem*/, int64_t pieces) {
  if (pieces > 0) {
    return response_event("response.failed", answer, Stage::kFailed, kStartEvents + pieces);
  }
  Event event("error");
  cJSON_AddStringToObject(event.object(), "code", "server_is_overloaded");
  cJSON_AddStringToObject(event.object(), "message",
                          "Our servers are currently overloaded. Please try again later.");
  cJSON_AddNullToObject(event.object(), "param");
  return event.text(0);
}

}  // namespace

const Wire kOpenAiResponses{&read,         &reply,      kSseType,     &stream_start,
                            &stream_piece, &stream_end, &stream_error};

}  // namespace llmq::mock
