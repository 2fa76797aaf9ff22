// One look at a payload before it is queued: is it sound, and what will it probably count.
#include <algorithm>
#include <cmath>

#include "provider/json.h"
#include "provider/payload.h"
#include "provider/provider.h"

namespace llmq::provider {
namespace {

constexpr int64_t kBytesPerToken = 4;
constexpr int64_t kTokensPerChat = 4;       // what frames a conversation
constexpr double kMostTokens = 4294967295;  // more is no estimate but a mistake

core::Error bad(core::Status status, std::string message) {
  return core::Error{status, "payload: " + std::move(message), "payload"};
}

std::string at_byte(size_t offset) { return " at byte " + std::to_string(offset); }

const char* kind_name(const cJSON* value) {
  if (cJSON_IsArray(value) != 0) return "an array";
  if (cJSON_IsString(value) != 0) return "a string";
  if (cJSON_IsNumber(value) != 0) return "a number";
  if (cJSON_IsBool(value) != 0) return "true or false";
  return "null";
}

}  // namespace

core::Result<Json> parse_payload(std::string_view payload) {
  constexpr auto kBad = core::Status::kInvalidValue;
  if (payload.empty()) return bad(kBad, "is empty, it must be a JSON object");
  if (const size_t at = find_invalid_utf8(payload); at != std::string_view::npos) {
    return bad(kBad, "is not valid UTF-8" + at_byte(at));
  }
  ParsedJson parsed = parse_json(payload);
  if (parsed.value == nullptr) return bad(kBad, "is not valid JSON" + at_byte(parsed.stopped));
  if (cJSON_IsObject(parsed.value.get()) == 0) {
    return bad(kBad,
               std::string("is ") + kind_name(parsed.value.get()) + ", it must be a JSON object");
  }
  if (parsed.stopped < payload.size()) {
    return bad(kBad, "has more after its JSON object" + at_byte(parsed.stopped));
  }
  return std::move(parsed.value);
}

namespace {

int64_t length(const char* text) {
  return text == nullptr ? 0 : static_cast<int64_t>(std::string_view(text).size());
}

// Bytes of every name and string in a value: tools and tool calls have no fixed form.
int64_t all_text(const cJSON* value) {
  int64_t bytes = cJSON_IsString(value) != 0 ? length(value->valuestring) : 0;
  for (const cJSON* item = value == nullptr ? nullptr : value->child; item != nullptr;
       item = item->next) {
    bytes += length(item->string) + all_text(item);
  }
  return bytes;
}

// A message's content is a string, or parts of which only the text ones are text.
int64_t content_bytes(const cJSON* content) {
  if (cJSON_IsString(content) != 0) return length(content->valuestring);
  int64_t bytes = 0;
  const cJSON* part = nullptr;
  cJSON_ArrayForEach(part, content) {
    bytes += cJSON_IsString(part) != 0 ? length(part->valuestring)
                                       : static_cast<int64_t>(text_member(part, "text").size());
  }
  return bytes;
}

int64_t chat_input(const cJSON* body) {
  int64_t bytes = all_text(member(body, "tools")) + all_text(member(body, "functions"));
  const cJSON* message = nullptr;
  cJSON_ArrayForEach(message, member(body, "messages")) {
    bytes += content_bytes(member(message, "content"));
    bytes += static_cast<int64_t>(text_member(message, "name").size());
    bytes += all_text(member(message, "tool_calls"));
  }
  return (bytes + kBytesPerToken - 1) / kBytesPerToken + kTokensPerChat;
}

// A string, a list of tokens, or a list of either.
int64_t embeddings_input(const cJSON* input) {
  if (cJSON_IsString(input) != 0) {
    return (length(input->valuestring) + kBytesPerToken - 1) / kBytesPerToken;
  }
  int64_t tokens = 0;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, input) {
    tokens += cJSON_IsNumber(item) != 0 ? 1 : embeddings_input(item);
  }
  return tokens;
}

// A member that is a number of at least `least`, else `otherwise`.
double number_member(const cJSON* body, const char* name, double least, double otherwise) {
  const cJSON* const value = member(body, name);
  if (cJSON_IsNumber(value) == 0 || !(value->valuedouble >= least)) return otherwise;
  return std::floor(std::min(value->valuedouble, kMostTokens));
}

void add_chat_output(const cJSON* body, int64_t default_output_tokens, Estimate& estimate) {
  constexpr double kNotSaid = -1;
  double per_choice = number_member(body, "max_completion_tokens", 0,
                                    number_member(body, "max_tokens", 0, kNotSaid));
  estimate.output_is_default = per_choice == kNotSaid;
  if (estimate.output_is_default) per_choice = static_cast<double>(default_output_tokens);
  const double choices = number_member(body, "n", 1, 1);
  estimate.output_tokens = static_cast<int64_t>(std::min(per_choice * choices, kMostTokens));
}

}  // namespace

Estimate estimate_neutral(Operation operation, const cJSON* body, int64_t default_output_tokens) {
  if (operation == Operation::kEmbeddings) {
    return Estimate{embeddings_input(member(body, "input")), 0, false, false};
  }
  Estimate estimate;
  estimate.input_tokens = chat_input(body);
  add_chat_output(body, default_output_tokens, estimate);
  return estimate;
}

core::Result<Estimate> inspect_payload(Operation operation, std::string_view payload,
                                       int64_t default_output_tokens) {
  if (operation != Operation::kChat && operation != Operation::kEmbeddings) {
    return core::Error{core::Status::kUnsupported,
                       "this provider runs chat completions and embeddings only", "operation"};
  }
  const auto body = parse_payload(payload);
  if (!body) return body.error();
  const cJSON* const object = body.value().get();
  Estimate estimate = estimate_neutral(operation, object, default_output_tokens);
  estimate.stream = cJSON_IsTrue(member(object, "stream")) != 0;
  return estimate;
}

}  // namespace llmq::provider
