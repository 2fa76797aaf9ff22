// One look at a payload before it is queued: is it sound, and what will it probably count.
#include <algorithm>
#include <cmath>

#include "provider/image_tokens.h"
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

// {"image_url":{"url":"...","detail":"low"}} or {"image_url":"..."}
int64_t tokens_of_image(const cJSON* part) {
  const cJSON* const image = member(part, "image_url");
  if (image == nullptr) return 0;
  if (cJSON_IsString(image) != 0) {
    return image_tokens(image->valuestring, text_member(part, "detail"));
  }
  return image_tokens(text_member(image, "url"), text_member(image, "detail"));
}

// A message's content is a string, or parts of which only the text ones are text.
void add_content(const cJSON* content, Estimate& estimate) {
  if (cJSON_IsString(content) != 0) estimate.text_bytes += length(content->valuestring);
  const cJSON* part = nullptr;
  cJSON_ArrayForEach(part, content) {
    if (cJSON_IsString(part) != 0) {
      estimate.text_bytes += length(part->valuestring);
      continue;
    }
    estimate.text_bytes += static_cast<int64_t>(text_member(part, "text").size());
    estimate.other_tokens += tokens_of_image(part);
  }
}

// What tools add to their text (as LiteLLM counts them).
int64_t tokens_around_tools(const cJSON* body, bool has_system) {
  if (cJSON_GetArraySize(member(body, "tools")) == 0) return 0;
  const cJSON* const choice = member(body, "tool_choice");
  int64_t tokens = has_system ? 9 - 4 : 9;
  if (cJSON_IsObject(choice) != 0) tokens += 7;
  if (text_member(body, "tool_choice") == "none") tokens += 1;
  return tokens;
}

void add_chat_input(const cJSON* body, Estimate& estimate) {
  constexpr int64_t kPerFurtherMessage = 3;
  estimate.text_bytes = all_text(member(body, "tools")) + all_text(member(body, "functions"));
  bool has_system = false;
  bool first = true;
  const cJSON* message = nullptr;
  cJSON_ArrayForEach(message, member(body, "messages")) {
    add_content(member(message, "content"), estimate);
    estimate.text_bytes += static_cast<int64_t>(text_member(message, "name").size());
    estimate.text_bytes += all_text(member(message, "tool_calls"));
    has_system = has_system || text_member(message, "role") == "system";
    if (!first) estimate.other_tokens += kPerFurtherMessage;
    first = false;
  }
  estimate.other_tokens += tokens_around_tools(body, has_system);
  estimate.input_tokens =
      (estimate.text_bytes + kBytesPerToken - 1) / kBytesPerToken + kTokensPerChat;
}

// A string, a list of tokens, or a list of either.
void add_embeddings_input(const cJSON* input, Estimate& estimate) {
  if (cJSON_IsString(input) != 0) {
    estimate.text_bytes += length(input->valuestring);
    estimate.input_tokens += (length(input->valuestring) + kBytesPerToken - 1) / kBytesPerToken;
  }
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, input) {
    if (cJSON_IsNumber(item) == 0) {
      add_embeddings_input(item, estimate);
      continue;
    }
    ++estimate.input_tokens;
    ++estimate.other_tokens;
  }
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
  Estimate estimate;
  if (operation == Operation::kEmbeddings) {
    add_embeddings_input(member(body, "input"), estimate);
    return estimate;
  }
  add_chat_input(body, estimate);
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
