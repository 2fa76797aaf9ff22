#include <array>
#include <string_view>

#include "provider/stream_wires.h"

namespace llmq::provider {
namespace {

// What only chunks have.
constexpr std::array kOfChunks{"choices", "obfuscation", "p", "x_groq"};

constexpr int kMostMembers = 256;

bool is_of_chunks(std::string_view name) {
  for (const std::string_view known : kOfChunks) {
    if (name == known) return true;
  }
  return false;
}

// Azure's first chunk names nothing yet.
bool is_blank(const cJSON* value) {
  return value == nullptr || cJSON_IsNull(value) != 0 ||
         (cJSON_IsString(value) != 0 && value->valuestring[0] == '\0') ||
         (cJSON_IsNumber(value) != 0 && value->valuedouble == 0);
}

void read_head(const cJSON* chunk, base::Json& head) {
  if (head == nullptr) head.reset(base::new_object());
  int count = 0;
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, chunk) {
    if (is_of_chunks(one->string)) continue;
    if (++count > kMostMembers) break;
    const bool newer = std::string_view(one->string) == "usage" && cJSON_IsNull(one) == 0;
    if (newer || is_blank(member(head.get(), one->string))) {
      set_member(head.get(), one->string, copy_of(one));
    }
  }
  const cJSON* const usage = member(member(chunk, "x_groq"), "usage");
  if (usage != nullptr) set_member(head.get(), "usage", copy_of(usage));
}

// Tool calls carry their index only in chunks.
void finish_choice(cJSON* choice) {
  base::Json message(cJSON_DetachItemFromObjectCaseSensitive(choice, "delta"));
  const cJSON* call = nullptr;
  cJSON_ArrayForEach(call, member(message.get(), "tool_calls")) {
    cJSON_DeleteItemFromObjectCaseSensitive(const_cast<cJSON*>(call), "index");
  }
  set_member(choice, "message", std::move(message));
}

}  // namespace

Told ChatStream::take(const cJSON* event) {
  Told told;
  read_head(event, head_);
  const cJSON* const choices = member(event, "choices");
  const cJSON* choice = nullptr;
  cJSON_ArrayForEach(choice, choices) {
    const cJSON* delta = member(choice, "delta");
    if (delta == nullptr) delta = member(choice, "text");
    told.text_bytes += text_bytes(delta);
    told.output =
        told.output || told.text_bytes > 0 || cJSON_GetArraySize(member(delta, "tool_calls")) > 0;
  }
  if (cJSON_IsArray(choices) != 0) choices_.merge(choices);
  return told;
}

base::Json ChatStream::whole() const {
  if (head_ == nullptr) return nullptr;
  base::Json answer = copy_of(head_.get());
  base::Json choices = choices_.whole();
  if (choices == nullptr) choices.reset(base::new_array());
  cJSON* choice = nullptr;
  cJSON_ArrayForEach(choice, choices.get()) finish_choice(choice);
  set_member(answer.get(), "choices", std::move(choices));
  if (text_member(answer.get(), "object") == "chat.completion.chunk") {
    set_member(answer.get(), "object", base::Json(base::new_text("chat.completion")));
  }
  return answer;
}

}  // namespace llmq::provider
