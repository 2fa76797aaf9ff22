#include "provider/stream_wires.h"

namespace llmq::provider {

Told OllamaStream::take(const cJSON* event) {
  Told told;
  if (head_ == nullptr) head_.reset(base::new_object());
  replace_members(event, head_.get(), "message");
  const cJSON* const message = member(event, "message");
  message_.merge(message);
  told.text_bytes = text_bytes(message);
  told.output = told.text_bytes > 0 || cJSON_GetArraySize(member(message, "tool_calls")) > 0;
  if (cJSON_IsTrue(member(event, "done")) != 0) told.end = "done";
  return told;
}

base::Json OllamaStream::whole() const {
  if (head_ == nullptr) return nullptr;
  base::Json answer = copy_of(head_.get());
  set_member(answer.get(), "message", message_.whole());
  return answer;
}

}  // namespace llmq::provider
