// OpenAI's chat completions, which most other providers speak too.
#include <string>

#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

std::optional<Problem> read_stream(const cJSON* root, ApiRequest& request) {
  request.stream = cJSON_IsTrue(json_member(root, "stream"));
  const cJSON* options = json_member(root, "stream_options");
  if (options == nullptr || cJSON_IsNull(options)) return std::nullopt;
  if (!request.stream) {
    return bad_request(
        "The 'stream_options' parameter is only allowed when 'stream' is "
        "enabled.",
        "stream_options");
  }
  request.stream_usage = cJSON_IsTrue(json_member(options, "include_usage"));
  return std::nullopt;
}

std::optional<Problem> read_chat(const cJSON* root, ApiRequest& request) {
  if (auto problem = read_stream(root, request)) return problem;
  TextCount count;
  if (auto problem = read_messages(root, count)) return problem;
  count.store(request);
  // max_completion_tokens is the newer name and wins, so it comes last.
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (auto problem = read_count(root, key, kMaxTokensPerCall, request.max_tokens)) {
      return problem;
    }
  }
  std::optional<int64_t> choices;
  if (auto problem = read_count(root, "n", kMaxChoices, choices)) return problem;
  request.choices = choices.value_or(1);
  return std::nullopt;
}

void add_usage(cJSON* root, const Usage& usage, const Provider& provider) {
  cJSON* object = cJSON_AddObjectToObject(root, "usage");
  add_int(object, "prompt_tokens", usage.input_tokens);
  add_int(object, "completion_tokens", usage.output_tokens);
  add_int(object, "total_tokens", usage.input_tokens + usage.output_tokens);
  add_int(cJSON_AddObjectToObject(object, "prompt_tokens_details"), "cached_tokens", 0);
  add_int(cJSON_AddObjectToObject(object, "completion_tokens_details"), "reasoning_tokens", 0);
  if (provider.add_usage != nullptr) provider.add_usage(object, usage);
}

// The members with which a completion and each of its chunks begin.
Json start_object(const Answer& answer, const char* kind) {
  Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "id", ("chatcmpl-" + hex_of(answer.id.call)).c_str());
  cJSON_AddStringToObject(root.get(), "object", kind);
  add_int(root.get(), "created", answer.id.unix_ms / 1000);
  cJSON_AddStringToObject(root.get(), "model", answer.request.model.c_str());
  return root;
}

std::string groq_id(const Answer& answer) { return "req_" + hex_of(answer.id.call); }

const char* finish_reason(const Answer& answer) { return answer.is_cut ? "length" : "stop"; }

std::string reply(const Answer& answer, const Provider& provider) {
  const Json root = start_object(answer, "chat.completion");
  cJSON* choices = cJSON_AddArrayToObject(root.get(), "choices");
  for (int64_t i = 0; i < answer.request.choices; ++i) {
    cJSON* choice = cJSON_CreateObject();
    cJSON_AddItemToArray(choices, choice);
    add_int(choice, "index", i);
    cJSON* message = cJSON_AddObjectToObject(choice, "message");
    cJSON_AddStringToObject(message, "role", "assistant");
    cJSON_AddStringToObject(message, "content", answer.text.c_str());
    cJSON_AddStringToObject(choice, "finish_reason", finish_reason(answer));
  }
  add_usage(root.get(), answer.usage, provider);
  if (provider.stream_usage == StreamUsage::kGroq) {
    cJSON_AddStringToObject(cJSON_AddObjectToObject(root.get(), "x_groq"), "id",
                            groq_id(answer).c_str());
  }
  return provider.leading_blanks + print_json(root);
}

Json start_chunk(const Answer& answer) {
  Json root = start_object(answer, "chat.completion.chunk");
  cJSON_AddArrayToObject(root.get(), "choices");
  if (answer.request.stream_usage) cJSON_AddNullToObject(root.get(), "usage");
  return root;
}

// One event per choice: a chunk never speaks of two.
template <typename FillDelta>
std::string chunks(const Answer& answer, const FillDelta& fill_delta) {
  std::string events;
  for (int64_t i = 0; i < answer.request.choices; ++i) {
    const Json root = start_chunk(answer);
    cJSON* choice = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_GetObjectItem(root.get(), "choices"), choice);
    add_int(choice, "index", i);
    fill_delta(cJSON_AddObjectToObject(choice, "delta"));
    cJSON_AddNullToObject(choice, "finish_reason");
    events += sse_event("", print_json(root));
  }
  return events;
}

// The usage in the last chunk of the last choice, for those that tell it there.
void add_last_usage(cJSON* root, const Answer& answer, const Provider& provider) {
  if (provider.stream_usage == StreamUsage::kLastText) {
    cJSON_DeleteItemFromObject(root, "usage");
    add_usage(root, answer.usage, provider);
  } else if (provider.stream_usage == StreamUsage::kGroq) {
    cJSON* extra = cJSON_AddObjectToObject(root, "x_groq");
    cJSON_AddStringToObject(extra, "id", groq_id(answer).c_str());
    add_usage(extra, answer.usage, provider);
  }
}

std::string last_chunks(const Answer& answer, const Provider& provider) {
  std::string events;
  for (int64_t i = 0; i < answer.request.choices; ++i) {
    const Json root = start_chunk(answer);
    cJSON* choice = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_GetObjectItem(root.get(), "choices"), choice);
    add_int(choice, "index", i);
    cJSON_AddObjectToObject(choice, "delta");
    cJSON_AddStringToObject(choice, "finish_reason", finish_reason(answer));
    if (i + 1 == answer.request.choices) add_last_usage(root.get(), answer, provider);
    events += sse_event("", print_json(root));
  }
  return events;
}

std::string stream_start(const Answer& answer, const Provider& provider) {
  std::string events = provider.keep_alive;
  if (provider.first_chunk[0] != '\0') events += sse_event("", provider.first_chunk);
  return events + chunks(answer, [](cJSON* delta) {
           cJSON_AddStringToObject(delta, "role", "assistant");
           cJSON_AddStringToObject(delta, "content", "");
         });
}

std::string stream_piece(const Answer& answer, const Provider& /*provider*/, const Piece& piece) {
  const std::string text(text_of(answer, piece));
  return chunks(answer,
                [&](cJSON* delta) { cJSON_AddStringToObject(delta, "content", text.c_str()); });
}

std::string stream_end(const Answer& answer, const Provider& provider, int64_t /*pieces*/) {
  std::string events = last_chunks(answer, provider);
  if (answer.request.stream_usage && provider.stream_usage != StreamUsage::kLastText) {
    const Json root = start_object(answer, "chat.completion.chunk");
    cJSON_AddArrayToObject(root.get(), "choices");
    add_usage(root.get(), answer.usage, provider);
    events += sse_event("", print_json(root));
  }
  return events + sse_event("", "[DONE]");
}

std::string stream_error(const Answer& /*answer*/, const Provider& provider, const Problem& problem,
                         int64_t /*pieces*/) {
  return sse_event("", provider.describe(problem).body) + sse_event("", "[DONE]");
}

}  // namespace

const Wire kOpenAiChat{&read_chat,    &reply,      kSseType,     &stream_start,
                       &stream_piece, &stream_end, &stream_error};

}  // namespace llmq::mock
