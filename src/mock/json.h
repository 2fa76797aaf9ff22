// cJSON values that free themselves.
#ifndef LLMQ_MOCK_JSON_H_
#define LLMQ_MOCK_JSON_H_

#include <cjson/cJSON.h>

#include <cstdint>
#include <memory>
#include <string>

namespace llmq::mock {

struct JsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
};
using Json = std::unique_ptr<cJSON, JsonDelete>;

// Compact. "" if there is no memory.
inline std::string print_json(const Json& json) {
  char* text = cJSON_PrintUnformatted(json.get());
  if (text == nullptr) return "";
  std::string copy(text);
  cJSON_free(text);
  return copy;
}

inline void add_int(cJSON* object, const char* key, int64_t value) {
  cJSON_AddNumberToObject(object, key, static_cast<double>(value));
}

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_JSON_H_
