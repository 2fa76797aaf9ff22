// cJSON values that free themselves, and the little that every user of them needs. Where memory
// runs out, these functions throw std::bad_alloc, so that no value is missing in silence.
#ifndef LLMQ_BASE_JSON_H_
#define LLMQ_BASE_JSON_H_

#include <cjson/cJSON.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace llmq::base {

struct JsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
};
using Json = std::unique_ptr<cJSON, JsonDelete>;

inline cJSON* or_throw(cJSON* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

inline cJSON* new_object() { return or_throw(cJSON_CreateObject()); }
inline cJSON* new_array() { return or_throw(cJSON_CreateArray()); }
inline cJSON* new_text(const char* text) { return or_throw(cJSON_CreateString(text)); }
inline cJSON* new_real(double value) { return or_throw(cJSON_CreateNumber(value)); }
inline cJSON* new_copy(const cJSON* value) { return or_throw(cJSON_Duplicate(value, 1)); }

// They own the item, whatever happens.
inline void append(cJSON* array, cJSON* item) { cJSON_AddItemToArray(array, or_throw(item)); }
inline void add(cJSON* object, const char* name, cJSON* item) {
  Json owned(or_throw(item));
  if (cJSON_AddItemToObject(object, name, item) == 0) throw std::bad_alloc();
  static_cast<void>(owned.release());
}

inline cJSON* add_object(cJSON* object, const char* name) {
  return or_throw(cJSON_AddObjectToObject(object, name));
}
inline cJSON* add_array(cJSON* object, const char* name) {
  return or_throw(cJSON_AddArrayToObject(object, name));
}
inline void add_text(cJSON* object, const char* name, const char* text) {
  or_throw(cJSON_AddStringToObject(object, name, text));
}
inline void add_raw(cJSON* object, const char* name, const char* json) {
  or_throw(cJSON_AddRawToObject(object, name, json));
}
inline void add_null(cJSON* object, const char* name) {
  or_throw(cJSON_AddNullToObject(object, name));
}
inline void add_true(cJSON* object, const char* name) {
  or_throw(cJSON_AddTrueToObject(object, name));
}
inline void add_bool(cJSON* object, const char* name, bool value) {
  or_throw(cJSON_AddBoolToObject(object, name, value ? 1 : 0));
}
inline void add_real(cJSON* object, const char* name, double value) {
  or_throw(cJSON_AddNumberToObject(object, name, value));
}
inline void add_number(cJSON* object, const char* name, int64_t value) {
  add_real(object, name, static_cast<double>(value));
}

// Compact text of a value.
inline std::string json_text(const cJSON* json) {
  const std::unique_ptr<char, void (*)(void*)> text(cJSON_PrintUnformatted(json), cJSON_free);
  if (text == nullptr) throw std::bad_alloc();
  return text.get();
}

// A value of JSON at the beginning of a text, and where it ends; nullptr if there is none, and
// where that shows.
Json parse_json(std::string_view text, const char** end);

}  // namespace llmq::base

#endif  // LLMQ_BASE_JSON_H_
