// Gemini's generateContent and its two streams: server-sent events, or one JSON array without them.
#include <string>

#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

// A content: an object whose parts may have texts.
bool add_parts(const cJSON* content, TextCount& count) {
  const cJSON* parts = json_member(content, "parts");
  if (cJSON_IsObject(content) == 0) return false;
  // A single part needs no array around it.
  if (cJSON_IsObject(parts) != 0) {
    const cJSON* text = json_member(parts, "text");
    if (cJSON_IsString(text) != 0) count.add_text(text->valuestring);
    return true;
  }
  return cJSON_IsArray(parts) != 0 && add_content(parts, count);
}

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  TextCount count;
  const cJSON* system = json_member(root, "systemInstruction");
  if (system == nullptr) system = json_member(root, "system_instruction");
  if (system != nullptr && !add_parts(system, count)) {
    return bad_request("Invalid value at 'system_instruction': expected a Content");
  }
  const cJSON* contents = json_member(root, "contents");
  if (cJSON_IsArray(contents) == 0 || contents->child == nullptr) {
    return bad_request("* GenerateContentRequest.contents: contents is not specified");
  }
  const cJSON* content = nullptr;
  cJSON_ArrayForEach(content, contents) {
    if (!add_parts(content, count)) {
      return bad_request("Invalid value at 'contents': expected Contents with parts");
    }
  }
  count.store(request);
  const cJSON* config = json_member(root, "generationConfig");
  if (config == nullptr) config = json_member(root, "generation_config");
  return read_count(config, "maxOutputTokens", kMaxTokensPerCall, request.max_tokens);
}

// Numbers of value 0 are left out, as everywhere in Google's JSON.
void add_usage(cJSON* root, const Usage& usage, const Answer& answer) {
  cJSON* object = cJSON_AddObjectToObject(root, "usageMetadata");
  const auto add = [&](const char* key, int64_t value) {
    if (value != 0) add_int(object, key, value);
  };
  add("promptTokenCount", answer.usage.input_tokens);
  add("candidatesTokenCount", usage.output_tokens);
  add("totalTokenCount", answer.usage.input_tokens + usage.output_tokens);
}

Json chunk(const Answer& answer, std::string_view text, const Usage& usage, bool is_last) {
  Json root(cJSON_CreateObject());
  cJSON* candidate = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(root.get(), "candidates"), candidate);
  cJSON* content = cJSON_AddObjectToObject(candidate, "content");
  cJSON* part = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(content, "parts"), part);
  cJSON_AddStringToObject(part, "text", std::string(text).c_str());
  cJSON_AddStringToObject(content, "role", "model");
  if (is_last) {
    cJSON_AddStringToObject(candidate, "finishReason", answer.is_cut ? "MAX_TOKENS" : "STOP");
  }
  add_int(candidate, "index", 0);
  add_usage(root.get(), usage, answer);
  cJSON_AddStringToObject(root.get(), "modelVersion", answer.request.model.c_str());
  cJSON_AddStringToObject(root.get(), "responseId", hex_of(answer.id.call).c_str());
  return root;
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  return print_json(chunk(answer, answer.text, answer.usage, true));
}

std::string stream_start(const Answer& /*answer*/, const Provider& /*provider*/) { return ""; }

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  return sse_event("", print_json(chunk(answer, text_of(answer, piece), {}, false)));
}

std::string stream_end(const Answer& answer, const Provider& /*provider*/, int64_t /*pieces*/) {
  return sse_event("", print_json(chunk(answer, "", answer.usage, true)));
}

std::string stream_error(const Answer& /*answer*/, const Provider& provider, const Problem& problem,
                         int64_t /*pieces*/) {
  return sse_event("", provider.describe(problem).body);
}

std::string array_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  const char* before = piece.index == 0 ? "[" : ",\r\n";
  return before + print_json(chunk(answer, text_of(answer, piece), {}, false));
}

std::string array_end(const Answer& answer, const Provider& /*provider*/, int64_t /*pieces*/) {
  return ",\r\n" + print_json(chunk(answer, "", answer.usage, true)) + "]";
}

std::string array_error(const Answer& /*answer*/, const Provider& provider, const Problem& problem,
                        int64_t pieces) {
  return (pieces == 0 ? "[" : ",\r\n") + provider.describe(problem).body + "]";
}

}  // namespace

const Wire kGeminiContent{&read,         &reply,      "text/event-stream", &stream_start,
                          &stream_piece, &stream_end, &stream_error};

const Wire kGeminiArray{&read,         &reply,       "application/json; charset=UTF-8",
                        &stream_start, &array_piece, &array_end,
                        &array_error};

}  // namespace llmq::mock
