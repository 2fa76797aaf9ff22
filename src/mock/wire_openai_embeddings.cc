// OpenAI's embeddings.
#include <string>

#include "mock/random.h"
#include "mock/request_json.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

constexpr int kVectorSize = 8;

// One input: a text, or an array of token numbers.
bool add_input(const cJSON* input, TextCount& count) {
  if (cJSON_IsString(input)) {
    count.add_text(input->valuestring);
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

std::optional<Problem> read(const cJSON* root, ApiRequest& request) {
  const cJSON* input = json_member(root, "input");
  if (input == nullptr) return bad_request("Missing required parameter: 'input'.", "input");
  const Problem problem =
      bad_request("Invalid 'input': expected a text, texts, tokens or arrays of tokens.", "input");
  TextCount count;
  const bool is_single =
      cJSON_IsString(input) || (cJSON_IsArray(input) && cJSON_IsNumber(input->child));
  if (is_single) {
    if (!add_input(input, count)) return problem;
    request.input_count = 1;
  } else {
    if (!cJSON_IsArray(input) || input->child == nullptr) return problem;
    const cJSON* item = nullptr;
    cJSON_ArrayForEach(item, input) {
      if (!add_input(item, count)) return problem;
      ++request.input_count;
    }
  }
  count.store(request);
  return std::nullopt;
}

std::string reply(const Answer& answer, const Provider& /*provider*/) {
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "object", "list");
  cJSON* data = cJSON_AddArrayToObject(root.get(), "data");
  Random random(answer.id.body);
  for (size_t i = 0; i < answer.request.input_count; ++i) {
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
  cJSON_AddStringToObject(root.get(), "model", answer.request.model.c_str());
  cJSON* usage = cJSON_AddObjectToObject(root.get(), "usage");
  add_int(usage, "prompt_tokens", answer.usage.input_tokens);
  add_int(usage, "total_tokens", answer.usage.input_tokens);
  return print_json(root);
}

}  // namespace

const Wire kOpenAiEmbeddings{&read, &reply, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace llmq::mock
