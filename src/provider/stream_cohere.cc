#include <string_view>

#include "provider/stream_wires.h"

namespace llmq::provider {
namespace {

// Lists of an answer come one element at a time, as an object beside the event's index.
constexpr std::string_view kLists[] = {"content", "tool_calls", "citations"};

bool is_list(std::string_view name) {
  for (const std::string_view list : kLists) {
    if (name == list) return true;
  }
  return false;
}

// [{..., "index": of the event}]
base::Json as_element(const cJSON* one, const cJSON* event) {
  base::Json element = copy_of(one);
  if (member(event, "index") != nullptr) {
    set_member(element.get(), "index", copy_of(member(event, "index")));
  }
  base::Json list(base::new_array());
  base::append(list.get(), element.release());
  return list;
}

void drop_indices(cJSON* message) {
  for (const std::string_view name : kLists) {
    cJSON* element = nullptr;
    cJSON_ArrayForEach(element, member(message, name.data())) {
      cJSON_DeleteItemFromObjectCaseSensitive(element, "index");
    }
  }
}

}  // namespace

Told CohereStream::take(const cJSON* event) {
  Told told;
  if (head_ == nullptr) head_.reset(base::new_object());
  const std::string_view type = text_member(event, "type");
  const cJSON* const delta = member(event, "delta");
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, member(delta, "message")) {
    const bool element = is_list(one->string) && cJSON_IsObject(one) != 0;
    const base::Json list = element ? as_element(one, event) : nullptr;
    message_.merge_member(one->string, element ? list.get() : one);
    told.text_bytes += text_bytes(one);
  }
  told.output = told.text_bytes > 0 || type == "tool-call-start";
  if (type == "message-start") set_member(head_.get(), "id", copy_of(member(event, "id")));
  if (type == "message-end") {
    told.end = "message-end";
    set_member(head_.get(), "finish_reason", copy_of(member(delta, "finish_reason")));
    set_member(head_.get(), "usage", copy_of(member(delta, "usage")));
  }
  return told;
}

base::Json CohereStream::whole() const {
  if (head_ == nullptr) return nullptr;
  base::Json answer = copy_of(head_.get());
  base::Json message = message_.whole();
  drop_indices(message.get());
  set_member(answer.get(), "message", std::move(message));
  return answer;
}

}  // namespace llmq::provider
