#include "js.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "library.h"

int js_args(napi_env env, napi_callback_info info, size_t count, napi_value* args) {
  return napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok ? 0 : -1;
}

static int wrong_type(napi_env env, const char* what, const char* expected) {
  char message[256];
  snprintf(message, sizeof message, "%s must be %s", what, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return -1;
}

int js_text(napi_env env, napi_value value, const char* what, struct text* text) {
  size_t len = 0;
  text->data = NULL;
  text->len = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok)
    return wrong_type(env, what, "a string");
  text->data = malloc(len + 1);
  if (text->data == NULL) {
    js_fail(env, LLMQ_ERR_NOMEM, NULL, NULL);
    return -1;
  }
  napi_get_value_string_utf8(env, value, text->data, len + 1, &text->len);
  return 0;
}

int js_int(napi_env env, napi_value value, const char* what, int32_t* number) {
  if (napi_get_value_int32(env, value, number) == napi_ok) return 0;
  return wrong_type(env, what, "an integer");
}

int js_double(napi_env env, napi_value value, const char* what, double* number) {
  if (napi_get_value_double(env, value, number) == napi_ok) return 0;
  return wrong_type(env, what, "a number");
}

int js_id(napi_env env, napi_value low, napi_value high, uint64_t* id) {
  uint32_t halves[2];
  if (napi_get_value_uint32(env, low, &halves[0]) != napi_ok ||
      napi_get_value_uint32(env, high, &halves[1]) != napi_ok)
    return wrong_type(env, "id", "two numbers");
  *id = (uint64_t)halves[1] << 32 | halves[0];
  return 0;
}

int js_usage(napi_env env, napi_value value, llmq_usage_t* usage) {
  int64_t* members[] = {&usage->input_tokens, &usage->output_tokens, &usage->cached_input_tokens,
                        &usage->cost_micros, &usage->reasoning_tokens};
  memset(usage, 0, sizeof *usage);
  usage->struct_size = sizeof *usage;
  for (uint32_t i = 0; i < sizeof members / sizeof *members; ++i) {
    napi_value element;
    double number;
    if (napi_get_element(env, value, i, &element) != napi_ok ||
        js_double(env, element, "usage", &number) != 0)
      return -1;
    *members[i] = (int64_t)number;
  }
  return 0;
}

napi_value js_string(napi_env env, const char* data, size_t len) {
  napi_value value = NULL;
  napi_create_string_utf8(env, data, len, &value);
  return value;
}

napi_value js_number(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value js_take(napi_env env, char* json, size_t len) {
  napi_value value = js_string(env, json, len);
  lib.llmq_buf_free(json);
  return value;
}

napi_value js_set_error_class(napi_env env, napi_callback_info info) {
  struct instance* instance = instance_of(env);
  napi_value constructor;
  if (js_args(env, info, 1, &constructor) != 0) return NULL;
  if (instance->error_class != NULL) napi_delete_reference(env, instance->error_class);
  napi_create_reference(env, constructor, 1, &instance->error_class);
  return NULL;
}

napi_value js_error(napi_env env, llmq_status_t status, const char* message, const char* key) {
  napi_value constructor, error = NULL;
  napi_value args[3];
  if (message == NULL || *message == '\0') message = lib.llmq_status_message(status);
  args[0] = js_number(env, status);
  args[1] = js_string(env, message, NAPI_AUTO_LENGTH);
  args[2] = js_string(env, key == NULL ? "" : key, NAPI_AUTO_LENGTH);
  napi_get_reference_value(env, instance_of(env)->error_class, &constructor);
  napi_new_instance(env, constructor, 3, args, &error);
  return error;
}

napi_value js_fail(napi_env env, llmq_status_t status, const char* message, const char* key) {
  napi_value error = js_error(env, status, message, key);
  if (error != NULL) napi_throw(env, error);
  return NULL;
}

napi_value js_fail_with(napi_env env, llmq_status_t status, llmq_error_t* err) {
  js_fail(env, status, lib.llmq_error_message(err), lib.llmq_error_key(err));
  lib.llmq_error_free(err);
  return NULL;
}
