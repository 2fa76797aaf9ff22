#include "cli/batch_line.h"

#include <llmq/llmq.h>

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/strict_json.h"

namespace llmq::cli {
namespace {

using base::Json;

constexpr size_t kMaxCustomId = 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

struct Url {
  std::string_view url;
  int32_t operation;
};
constexpr Url kUrls[] = {
    {"/v1/chat/completions", LLMQ_OP_CHAT}, {"/chat/completions", LLMQ_OP_CHAT},
    {"/v1/embeddings", LLMQ_OP_EMBEDDINGS}, {"/embeddings", LLMQ_OP_EMBEDDINGS},
    {"/v1/messages", LLMQ_OP_MESSAGES},     {"/v1/responses", LLMQ_OP_RESPONSES}};

size_t skip_space(std::string_view text, size_t at) {
  const size_t found = text.find_first_not_of(" \t\r\n", at);
  return found == std::string_view::npos ? text.size() : found;
}

// Parses the value that begins at `at`; cJSON tells where it ends, or where it is broken.
Json parse_at(std::string_view text, size_t at, size_t* end) {
  const char* stop = text.data() + at;
  Json value(cJSON_ParseWithLengthOpts(text.data() + at, text.size() - at, &stop, 0));
  *end = static_cast<size_t>(stop - text.data());
  return value;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string at_byte(size_t offset) { return " at byte " + std::to_string(offset + 1); }

std::string read_custom_id(std::string_view text, const cJSON* object, BatchLine& line) {
  const cJSON* id = cJSON_GetObjectItemCaseSensitive(object, "custom_id");
  if (id == nullptr) return "custom_id is missing";
  if (!cJSON_IsString(id)) return "custom_id is not a string";
  const std::string_view value = id->valuestring;
  if (value.empty() || value.size() > kMaxCustomId) {
    return "custom_id has " + std::to_string(value.size()) + " bytes; 1 .. " +
           std::to_string(kMaxCustomId) + " are allowed";
  }
  const std::string_view raw = raw_member(text, "custom_id");
  if (holds_escaped_nul(raw)) return "custom_id " + std::string(raw) + " holds U+0000";
  line.custom_id = value;
  line.custom_id_raw = raw;
  return "";
}

std::string read_operation(const cJSON* object, BatchLine& line) {
  const cJSON* method = cJSON_GetObjectItemCaseSensitive(object, "method");
  if (method != nullptr &&
      (!cJSON_IsString(method) || std::string_view(method->valuestring) != "POST")) {
    return "method is not \"POST\"";
  }
  const cJSON* url = cJSON_GetObjectItemCaseSensitive(object, "url");
  if (!cJSON_IsString(url)) return "url is missing or not a string";
  for (const Url& known : kUrls) {
    if (known.url != url->valuestring) continue;
    line.operation = known.operation;
    return "";
  }
  return "url " + base::json_text(url) +
         " is not supported; /v1/chat/completions, /v1/embeddings, /v1/messages and "
         "/v1/responses are";
}

std::string read_body(std::string_view text, const cJSON* object, BatchLine& line) {
  const cJSON* body = cJSON_GetObjectItemCaseSensitive(object, "body");
  if (body == nullptr) return "body is missing";
  if (!cJSON_IsObject(body)) return "body is not an object";
  const cJSON* model = cJSON_GetObjectItemCaseSensitive(body, "model");
  if (!cJSON_IsString(model) || *model->valuestring == '\0') {
    return "body.model is missing or not a string";
  }
  if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "stream"))) {
    return "body.stream is true; a batch has one answer per line";
  }
  line.body = raw_member(text, "body");
  const std::string_view raw = raw_member(line.body, "model");
  if (holds_escaped_nul(raw)) return "body.model " + std::string(raw) + " holds U+0000";
  line.model = model->valuestring;
  if (std::any_of(line.model.begin(), line.model.end(), is_control)) {
    return "body.model holds a control character";
  }
  return "";
}

}  // namespace

std::string_view raw_member(std::string_view object, std::string_view name) {
  size_t at = skip_space(object, 0) + 1;  // past the brace
  while (at < object.size()) {
    at = skip_space(object, at);
    const Json key = parse_at(object, at, &at);
    if (key == nullptr || !cJSON_IsString(key.get())) return {};
    at = skip_space(object, skip_space(object, at) + 1);  // past the colon
    const size_t begin = at;
    if (parse_at(object, at, &at) == nullptr) return {};
    if (name == key->valuestring) return object.substr(begin, at - begin);
    at = skip_space(object, at) + 1;  // past the comma, or the closing brace
  }
  return {};
}

std::string parse_batch_line(std::string_view text, BatchLine& line) {
  line = BatchLine();
  // cJSON would pass over it, raw_member() would not: it goes before either looks.
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const size_t valid = base::valid_utf8_prefix(text);
  if (valid != text.size()) return "it is not valid UTF-8" + at_byte(valid);
  size_t end = 0;
  const Json object = parse_at(text, 0, &end);
  if (object == nullptr) return "it is not valid JSON" + at_byte(end);
  end = skip_space(text, end);
  if (end != text.size()) return "it is not valid JSON: something follows" + at_byte(end);
  const size_t lax = find_not_json(text);
  if (lax != std::string_view::npos) return "it is not valid JSON" + at_byte(lax);
  if (!cJSON_IsObject(object.get())) return "it is not a JSON object";
  std::string fault = read_custom_id(text, object.get(), line);
  if (fault.empty()) fault = read_operation(object.get(), line);
  if (fault.empty()) fault = read_body(text, object.get(), line);
  return fault;
}

llmq_request_t request_of(const BatchLine& line) {
  llmq_request_t request{};
  request.struct_size = sizeof request;
  request.operation = line.operation;
  request.model = line.model.data();
  request.model_len = line.model.size();
  request.payload = line.body.data();
  request.payload_len = line.body.size();
  return request;
}

}  // namespace llmq::cli
