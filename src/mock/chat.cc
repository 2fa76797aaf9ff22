#include "mock/chat.h"

#include <algorithm>
#include <array>

#include "mock/json.h"
#include "mock/random.h"
#include "mock/utf8.h"

namespace llmq::mock {

namespace {

constexpr int64_t kCharactersPerToken = 4;
constexpr size_t kTopicBytes = 80;
constexpr int kVectorSize = 8;

constexpr std::array<std::string_view, 12> kWords{"quota", "window", "ledger", "token",
                                                  "queue", "bucket", "steady", "answer",
                                                  "fair",  "limit",  "settle", "request"};

ApiError invalid(std::string message, const char* param = nullptr) {
  ApiError error;
  error.message = std::move(message);
  error.param = param;
  return error;
}

// Sums the texts of a request up.
class TextCount {
 public:
  void add_text(const cJSON* text) {
    const std::string_view view(text->valuestring);
    characters_ += static_cast<int64_t>(utf8_length(view));
    last_ = view;
  }
  void add_tokens(int64_t count) { tokens_ += count; }

  int64_t tokens() const {
    const int64_t of_text = (characters_ + kCharactersPerToken - 1) / kCharactersPerToken;
    return std::min(kMaxTokensPerCall, tokens_ + of_text);
  }
  std::string topic() const { return std::string(utf8_prefix(last_, kTopicBytes)); }

 private:
  int64_t characters_ = 0;
  int64_t tokens_ = 0;
  std::string_view last_;
};

// A message's content: a text, parts of which some are texts, or null (a call of a tool).
bool add_content(const cJSON* content, TextCount& count) {
  if (content == nullptr || cJSON_IsNull(content)) return true;
  if (cJSON_IsString(content)) {
    count.add_text(content);
    return true;
  }
  if (!cJSON_IsArray(content)) return false;
  const cJSON* part = nullptr;
  cJSON_ArrayForEach(part, content) {
    if (!cJSON_IsObject(part)) return false;
    const cJSON* text = cJSON_GetObjectItemCaseSensitive(part, "text");
    if (cJSON_IsString(text)) count.add_text(text);
  }
  return true;
}

std::optional<ApiError> read_messages(const cJSON* root, TextCount& count) {
  const cJSON* messages = cJSON_GetObjectItemCaseSensitive(root, "messages");
  if (messages == nullptr) return invalid("Missing required parameter: 'messages'.", "messages");
  if (!cJSON_IsArray(messages) || messages->child == nullptr) {
    return invalid("Invalid 'messages': expected a non-empty array of messages.", "messages");
  }
  const cJSON* message = nullptr;
  cJSON_ArrayForEach(message, messages) {
    const bool has_role = cJSON_IsObject(message) &&
                          cJSON_IsString(cJSON_GetObjectItemCaseSensitive(message, "role"));
    if (!has_role) {
      return invalid("Invalid 'messages': each must be an object with a role.", "messages");
    }
    if (!add_content(cJSON_GetObjectItemCaseSensitive(message, "content"), count)) {
      return invalid("Invalid 'messages': content must be a text or an array of parts.",
                     "messages");
    }
  }
  return std::nullopt;
}

// A member that must be a whole number from 1 to `most`, if it is there at all.
std::optional<ApiError> read_count(const cJSON* root, const char* key, int64_t most,
                                   std::optional<int64_t>& count) {
  const cJSON* value = cJSON_GetObjectItemCaseSensitive(root, key);
  if (value == nullptr || cJSON_IsNull(value)) return std::nullopt;
  const double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
  if (!(number >= 1 && number <= static_cast<double>(most)) ||
      static_cast<double>(static_cast<int64_t>(number)) != number) {
    return invalid(std::string("Invalid '") + key + "': expected a whole number of at least 1.",
                   key);
  }
  count = static_cast<int64_t>(number);
  return std::nullopt;
}

std::optional<ApiError> read_output(const cJSON* root, ApiRequest& request) {
  // max_completion_tokens is the newer name and wins, so it comes last.
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (auto error = read_count(root, key, kMaxTokensPerCall, request.max_tokens)) return error;
  }
  std::optional<int64_t> choices;
  if (auto error = read_count(root, "n", kMaxChoices, choices)) return error;
  request.choices = choices.value_or(1);
  return std::nullopt;
}

std::optional<ApiError> read_chat(const cJSON* root, ApiRequest& request) {
  if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "stream"))) {
    return invalid("This mock does not stream yet: leave 'stream' out.", "stream");
  }
  TextCount count;
  if (auto error = read_messages(root, count)) return error;
  request.input_tokens = count.tokens();
  request.topic = count.topic();
  return read_output(root, request);
}

// One input: a text, or an array of token numbers.
bool add_input(const cJSON* input, TextCount& count) {
  if (cJSON_IsString(input)) {
    count.add_text(input);
    return true;
  }
  if (!cJSON_IsArray(input)) return false;
  int64_t tokens = 0;
  const cJSON* token = nullptr;
  cJSON_ArrayForEach(token, input) {
    if (!cJSON_IsNumber(token)) return false;
    ++tokens;
  }
  count.add_tokens(tokens);
  return tokens > 0;
}

std::optional<ApiError> read_embeddings(const cJSON* root, ApiRequest& request) {
  const cJSON* input = cJSON_GetObjectItemCaseSensitive(root, "input");
  if (input == nullptr) return invalid("Missing required parameter: 'input'.", "input");
  const ApiError error =
      invalid("Invalid 'input': expected a text, texts, tokens or arrays of tokens.", "input");
  TextCount count;
  const bool is_single =
      cJSON_IsString(input) || (cJSON_IsArray(input) && cJSON_IsNumber(input->child));
  if (is_single) {
    if (!add_input(input, count)) return error;
    request.input_count = 1;
  } else {
    if (!cJSON_IsArray(input) || input->child == nullptr) return error;
    const cJSON* item = nullptr;
    cJSON_ArrayForEach(item, input) {
      if (!add_input(item, count)) return error;
      ++request.input_count;
    }
  }
  request.input_tokens = count.tokens();
  request.topic = count.topic();
  return std::nullopt;
}

std::optional<ApiError> read_request(std::string_view body, ApiRequest& request) {
  if (!is_utf8(body)) return invalid("The body is not valid UTF-8.");
  const char* end = nullptr;
  const Json root(cJSON_ParseWithLengthOpts(body.data(), body.size(), &end, 0));
  if (root == nullptr || !is_json_space(body.substr(static_cast<size_t>(end - body.data())))) {
    return invalid("We could not parse the JSON body of your request.");
  }
  if (!cJSON_IsObject(root.get())) return invalid("The body must be a JSON object.");
  const cJSON* model = cJSON_GetObjectItemCaseSensitive(root.get(), "model");
  if (!cJSON_IsString(model) || model->valuestring[0] == '\0') {
    return invalid("you must provide a model parameter", "model");
  }
  request.model = model->valuestring;
  return request.endpoint == Endpoint::kChat ? read_chat(root.get(), request)
                                             : read_embeddings(root.get(), request);
}

// Names the request, then talks on until it is as long as its tokens say.
std::string make_content(const ApiRequest& request, const ReplyId& id, int64_t output_tokens) {
  std::string text = "Mock answer to request " + hex_of(id.body) + ": " + request.topic;
  Random random(id.body);
  const auto bytes = static_cast<size_t>(output_tokens * kCharactersPerToken);
  text.reserve(std::max(bytes + 16, text.size()));
  while (text.size() < bytes) text.append(" ").append(kWords[random.next() % kWords.size()]);
  return text;
}

void add_usage(cJSON* root, const Usage& usage, Endpoint endpoint) {
  cJSON* object = cJSON_AddObjectToObject(root, "usage");
  add_int(object, "prompt_tokens", usage.input_tokens);
  if (endpoint == Endpoint::kChat) add_int(object, "completion_tokens", usage.output_tokens);
  add_int(object, "total_tokens", usage.input_tokens + usage.output_tokens);
}

cJSON* make_choice(int64_t index, const std::string& content, bool cut) {
  cJSON* choice = cJSON_CreateObject();
  add_int(choice, "index", index);
  cJSON* message = cJSON_AddObjectToObject(choice, "message");
  cJSON_AddStringToObject(message, "role", "assistant");
  cJSON_AddStringToObject(message, "content", content.c_str());
  cJSON_AddStringToObject(choice, "finish_reason", cut ? "length" : "stop");
  return choice;
}

ApiReply make_chat_reply(const ApiRequest& request, const ReplyId& id, int64_t output_tokens) {
  ApiReply reply;
  const bool cut = request.max_tokens && *request.max_tokens < output_tokens;
  const int64_t each = cut ? *request.max_tokens : output_tokens;
  reply.usage = {request.input_tokens, each * request.choices};

  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "id", ("chatcmpl-" + hex_of(id.call)).c_str());
  cJSON_AddStringToObject(root.get(), "object", "chat.completion");
  add_int(root.get(), "created", id.unix_ms / 1000);
  cJSON_AddStringToObject(root.get(), "model", request.model.c_str());
  cJSON* choices = cJSON_AddArrayToObject(root.get(), "choices");
  const std::string content = make_content(request, id, each);
  for (int64_t i = 0; i < request.choices; ++i) {
    cJSON_AddItemToArray(choices, make_choice(i, content, cut));
  }
  add_usage(root.get(), reply.usage, Endpoint::kChat);
  reply.body = print_json(root);
  return reply;
}

ApiReply make_embeddings_reply(const ApiRequest& request, const ReplyId& id) {
  ApiReply reply;
  reply.usage = {request.input_tokens, 0};

  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "object", "list");
  cJSON* data = cJSON_AddArrayToObject(root.get(), "data");
  Random random(id.body);
  for (size_t i = 0; i < request.input_count; ++i) {
    cJSON* item = cJSON_CreateObject();
    cJSON_AddItemToArray(data, item);
    cJSON_AddStringToObject(item, "object", "embedding");
    add_int(item, "index", static_cast<int64_t>(i));
    cJSON* vector = cJSON_AddArrayToObject(item, "embedding");
    for (int j = 0; j < kVectorSize; ++j) {
      // Multiples of 2^-10 print short and exactly.
      const double value = static_cast<double>(random.between(-1024, 1024)) / 1024;
      cJSON_AddItemToArray(vector, cJSON_CreateNumber(value));
    }
  }
  cJSON_AddStringToObject(root.get(), "model", request.model.c_str());
  add_usage(root.get(), reply.usage, Endpoint::kEmbeddings);
  reply.body = print_json(root);
  return reply;
}

void add_text_or_null(cJSON* object, const char* key, const char* text) {
  if (text == nullptr) {
    cJSON_AddNullToObject(object, key);
  } else {
    cJSON_AddStringToObject(object, key, text);
  }
}

}  // namespace

std::string error_body(const ApiError& error) {
  const Json root(cJSON_CreateObject());
  cJSON* object = cJSON_AddObjectToObject(root.get(), "error");
  cJSON_AddStringToObject(object, "message", error.message.c_str());
  cJSON_AddStringToObject(object, "type", error.type.c_str());
  add_text_or_null(object, "param", error.param);
  add_text_or_null(object, "code", error.code);
  return print_json(root);
}

Demand ApiRequest::demand() const {
  if (endpoint == Endpoint::kEmbeddings) return {input_tokens, 0};
  const int64_t output = max_tokens.value_or(kAssumedMaxTokens) * choices;
  return {input_tokens, std::min(output, kMaxTokensPerCall)};
}

ParsedRequest parse_request(Endpoint endpoint, std::string_view body) {
  ParsedRequest parsed;
  parsed.request.endpoint = endpoint;
  parsed.error = read_request(body, parsed.request);
  return parsed;
}

ApiReply make_reply(const ApiRequest& request, const ReplyId& id, int64_t output_tokens) {
  return request.endpoint == Endpoint::kChat ? make_chat_reply(request, id, output_tokens)
                                             : make_embeddings_reply(request, id);
}

std::string models_body() {
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "object", "list");
  cJSON* model = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(root.get(), "data"), model);
  cJSON_AddStringToObject(model, "id", "mock");
  cJSON_AddStringToObject(model, "object", "model");
  add_int(model, "created", 0);
  cJSON_AddStringToObject(model, "owned_by", "llmq");
  return print_json(root);
}

std::string hex_of(uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4U) text[i] = kDigits[value & 15U];
  return text;
}

}  // namespace llmq::mock
