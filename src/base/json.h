// cJSON values that free themselves, and the little that every user of them needs.
#ifndef LLMQ_BASE_JSON_H_
#define LLMQ_BASE_JSON_H_

#include <cjson/cJSON.h>

#include <cstdint>
#include <memory>
#include <string>

namespace llmq::base {

struct JsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
};
using Json = std::unique_ptr<cJSON, JsonDelete>;

inline void add_number(cJSON* object, const char* name, int64_t value) {
  cJSON_AddNumberToObject(object, name, static_cast<double>(value));
}

// Compact text of a value.
inline std::string json_text(const cJSON* json) {
  char* text = cJSON_PrintUnformatted(json);
  std::string copy = text == nullptr ? "" : text;
  cJSON_free(text);
  return copy;
}

}  // namespace llmq::base

#endif  // LLMQ_BASE_JSON_H_
