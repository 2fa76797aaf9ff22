#include "mock/request_json.h"

#include <algorithm>
#include <utility>

#include "mock/utf8.h"

namespace llmq::mock {

namespace {

constexpr size_t kTopicBytes = 80;

}  // namespace

Problem bad_request(std::string message, const char* param) {
  Problem problem;
  problem.message = std::move(message);
  problem.param = param;
  return problem;
}

void TextCount::add_text(std::string_view text) {
  characters_ += static_cast<int64_t>(utf8_length(text));
  last_ = text;
}

void TextCount::store(ApiRequest& request) const {
  const int64_t of_text = (characters_ + kCharactersPerToken - 1) / kCharactersPerToken;
  request.input_tokens = std::min(kMaxTokensPerCall, tokens_ + of_text);
  request.topic = std::string(utf8_prefix(last_, kTopicBytes));
}

bool add_content(const cJSON* content, TextCount& count) {
  if (content == nullptr || cJSON_IsNull(content)) return true;
  if (cJSON_IsString(content)) {
    count.add_text(content->valuestring);
    return true;
  }
  if (!cJSON_IsArray(content)) return false;
  const cJSON* part = nullptr;
  cJSON_ArrayForEach(part, content) {
    if (!cJSON_IsObject(part)) return false;
    const cJSON* text = json_member(part, "text");
    if (cJSON_IsString(text)) count.add_text(text->valuestring);
  }
  return true;
}

std::optional<Problem> read_messages(const cJSON* root, TextCount& count) {
  const cJSON* messages = json_member(root, "messages");
  if (messages == nullptr) {
    return bad_request("Missing required parameter: 'messages'.", "messages");
  }
  if (!cJSON_IsArray(messages) || messages->child == nullptr) {
    return bad_request("Invalid 'messages': expected a non-empty array of messages.", "messages");
  }
  const cJSON* message = nullptr;
  cJSON_ArrayForEach(message, messages) {
    if (!cJSON_IsObject(message) || !cJSON_IsString(json_member(message, "role"))) {
      return bad_request("Invalid 'messages': each must be an object with a role.", "messages");
    }
    if (!add_content(json_member(message, "content"), count)) {
      return bad_request("Invalid 'messages': content must be a text or an array of parts.",
                         "messages");
    }
  }
  return std::nullopt;
}

std::optional<Problem> read_count(const cJSON* root, const char* key, int64_t most,
                                  std::optional<int64_t>& count) {
  const cJSON* value = json_member(root, key);
  if (value == nullptr || cJSON_IsNull(value)) return std::nullopt;
  const double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
  if (!(number >= 1 && number <= static_cast<double>(most)) ||
      static_cast<double>(static_cast<int64_t>(number)) != number) {
    return bad_request(std::string("Invalid '") + key + "': expected a whole number of at least 1.",
                       key);
  }
  count = static_cast<int64_t>(number);
  return std::nullopt;
}

}  // namespace llmq::mock
