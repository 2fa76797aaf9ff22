// Tokens of bodies in the forms of Anthropic, Gemini, Cohere, Ollama and OpenAI's Responses. They
// differ in where text stands, but not in what is no text.
#include <algorithm>
#include <cmath>

#include "provider/payload.h"

namespace llmq::provider {
namespace {

constexpr int64_t kBytesPerToken = 4;
constexpr int64_t kTokensPerCall = 4;
constexpr double kMostTokens = 4294967295;

constexpr std::string_view kNotText[] = {
    "data",      "file_data", "file_id",     "file_uri",  "fileUri",    "id",
    "image_url", "images",    "mimeType",    "mime_type", "media_type", "model",
    "role",      "signature", "tool_use_id", "type",      "url"};

// Of members whose names are free, such as those of a schema, the names are text too.
int64_t text_bytes(const cJSON* value, bool names) {
  int64_t bytes = 0;
  if (cJSON_IsString(value) != 0) {
    bytes += static_cast<int64_t>(std::string_view(value->valuestring).size());
  }
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, value) {
    const std::string_view name = item->string == nullptr ? "" : item->string;
    if (!names && std::find(std::begin(kNotText), std::end(kNotText), name) != std::end(kNotText)) {
      continue;
    }
    if (names) bytes += static_cast<int64_t>(name.size());
    bytes += text_bytes(item, names || name == "tools");
  }
  return bytes;
}

double bound_of(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsNumber(value) != 0 && value->valuedouble >= 0 ? value->valuedouble : -1;
}

// The most output that the body allows, under the name that its API gives it; -1 if it sets none.
double most_output_of(const cJSON* body) {
  const cJSON* const gemini = member(body, "generationConfig");
  const double most = std::max({bound_of(body, "max_tokens"), bound_of(body, "max_output_tokens"),
                                bound_of(gemini, "maxOutputTokens"),
                                bound_of(member(body, "options"), "num_predict")});
  const double candidates = std::max(bound_of(gemini, "candidateCount"), 1.0);
  return most < 0 ? most : std::floor(std::min(most * candidates, kMostTokens));
}

}  // namespace

Estimate estimate_native(const cJSON* body, int64_t default_output_tokens) {
  Estimate estimate;
  const int64_t bytes = text_bytes(body, false);
  estimate.input_tokens = (bytes + kBytesPerToken - 1) / kBytesPerToken + kTokensPerCall;
  const double most = most_output_of(body);
  estimate.output_is_default = most < 0;
  estimate.output_tokens =
      estimate.output_is_default ? default_output_tokens : static_cast<int64_t>(most);
  return estimate;
}

}  // namespace llmq::provider
