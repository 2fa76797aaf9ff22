#include <string_view>

#include "provider/stream_wires.h"

namespace llmq::provider {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

Told ResponsesStream::take(const cJSON* event) {
  Told told;
  const std::string_view type = text_member(event, "type");
  if (const cJSON* const response = member(event, "response"); cJSON_IsObject(response) != 0) {
    response_ = copy_of(response);
  }
  if (type == "response.completed") told.end = "response.completed";
  if (type == "response.incomplete") told.end = "response.incomplete";
  if (ends_with(type, ".delta")) told.text_bytes = text_bytes(member(event, "delta"));
  told.output = told.text_bytes > 0 || ends_with(type, ".partial_image");
  return told;
}

}  // namespace llmq::provider
