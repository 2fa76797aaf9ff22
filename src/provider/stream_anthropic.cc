#include <string_view>

#include "provider/stream_wires.h"

namespace llmq::provider {
namespace {

constexpr int kMostBlocks = 4096;

// The input of a tool came as text of JSON.
base::Json finish_block(base::Json block) {
  const base::Json text(cJSON_DetachItemFromObjectCaseSensitive(block.get(), "partial_json"));
  if (cJSON_IsString(text.get()) == 0) return block;
  ParsedJson input = parse_json(text->valuestring);
  if (input.value != nullptr) set_member(block.get(), "input", std::move(input.value));
  return block;
}

int block_index(const cJSON* event) {
  const cJSON* const index = member(event, "index");
  const bool usable =
      cJSON_IsNumber(index) != 0 && index->valuedouble >= 0 && index->valuedouble < kMostBlocks;
  return usable ? static_cast<int>(index->valuedouble) : 0;
}

}  // namespace

void AnthropicStream::take_delta(const cJSON* event, Told& told) {
  const auto index = static_cast<size_t>(block_index(event));
  if (blocks_.size() <= index) blocks_.resize(index + 1);
  const cJSON* const delta = member(event, "delta");
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, delta) {
    const std::string_view name = one->string;
    if (name == "type") continue;  // of the delta, not of the block
    if (name != "citation") {
      blocks_[index].merge_member(name, one);
      told.text_bytes += text_bytes(one);
      continue;
    }
    const base::Json list(base::new_array());
    base::append(list.get(), base::new_copy(one));
    blocks_[index].merge_member("citations", list.get());
  }
  told.output = told.text_bytes > 0;
}

Told AnthropicStream::take(const cJSON* event) {
  Told told;
  const std::string_view type = text_member(event, "type");
  if (type == "message_start") {
    message_ = copy_of(member(event, "message"));
  } else if (type == "content_block_start") {
    const cJSON* const block = member(event, "content_block");
    const auto index = static_cast<size_t>(block_index(event));
    if (blocks_.size() <= index) blocks_.resize(index + 1);
    blocks_[index].merge(block);
    const std::string_view kind = text_member(block, "type");
    told.text_bytes = text_bytes(member(block, "text"));
    told.output = told.text_bytes > 0 || (kind != "text" && kind != "thinking");
  } else if (type == "content_block_delta") {
    take_delta(event, told);
  } else if (type == "message_delta") {
    replace_members(member(event, "delta"), message_.get());
    replace_members(member(event, "usage"),
                    cJSON_GetObjectItemCaseSensitive(message_.get(), "usage"));
  } else if (type == "message_stop") {
    told.end = "message_stop";
  }
  return told;
}

base::Json AnthropicStream::whole() const {
  if (message_ == nullptr) return nullptr;
  base::Json answer = copy_of(message_.get());
  base::Json content(base::new_array());
  for (const Fragments& block : blocks_) {
    if (block.empty()) continue;
    base::append(content.get(), finish_block(block.whole()).release());
  }
  set_member(answer.get(), "content", std::move(content));
  return answer;
}

}  // namespace llmq::provider
