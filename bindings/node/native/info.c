/* What can be asked of a manager and of the library; what SDKs have seen of limits. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "js.h"
#include "library.h"

typedef llmq_status_t (*json_fn)(llmq_manager_t* manager, char** json, size_t* len);

static napi_value read_json(napi_env env, napi_callback_info info, json_fn function) {
  napi_value arg;
  char* json = NULL;
  size_t len = 0;
  if (js_args(env, info, 1, &arg) != 0) return NULL;
  struct manager* manager = manager_arg(env, arg);
  if (manager == NULL) return NULL;
  const llmq_status_t status = function(manager->handle, &json, &len);
  return status == LLMQ_OK ? js_take(env, json, len) : js_fail(env, status, NULL, NULL);
}

/* stats(manager) and models(manager): JSON. */
static napi_value js_stats(napi_env env, napi_callback_info info) {
  return read_json(env, info, lib.llmq_stats_json);
}

static napi_value js_models(napi_env env, napi_callback_info info) {
  return read_json(env, info, lib.llmq_manager_models_json);
}

/* info(manager, model or null): JSON. */
static napi_value js_info(napi_env env, napi_callback_info info) {
  napi_value args[2], result;
  napi_valuetype type;
  struct text model = {NULL, 0};
  char* json = NULL;
  size_t len = 0;
  if (js_args(env, info, 2, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL) return NULL;
  napi_typeof(env, args[1], &type);
  if (type != napi_null && js_text(env, args[1], "model", &model) != 0) return NULL;
  const llmq_status_t status =
      lib.llmq_manager_info_json(manager->handle, model.data, model.len, &json, &len);
  result = status == LLMQ_OK ? js_take(env, json, len) : js_fail(env, status, NULL, model.data);
  free(model.data);
  return result;
}

static void free_texts(char** texts, size_t count) {
  for (size_t i = 0; i < count; ++i) free(texts[i]);
  free(texts);
}

/* Headers: [name, value, name, value, ...]. */
static int read_headers(napi_env env, napi_value array, char*** texts, uint32_t* count) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  *count = 0;
  *texts = calloc(length + 1, sizeof **texts);
  if (*texts == NULL) {
    js_fail(env, LLMQ_ERR_NOMEM, NULL, NULL);
    return -1;
  }
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    struct text text;
    napi_get_element(env, array, i, &element);
    if (js_text(env, element, "header", &text) != 0) {
      free_texts(*texts, length);
      return -1;
    }
    /* Names first, then values, as the library takes them. */
    (*texts)[i % 2 * (length / 2) + i / 2] = text.data;
  }
  *count = length / 2;
  return 0;
}

/* reportLimits(manager, model, [name, value, ...]) */
static napi_value js_report_limits(napi_env env, napi_callback_info info) {
  napi_value args[3];
  struct text model;
  char** texts;
  uint32_t count;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || read_headers(env, args[2], &texts, &count) != 0) return NULL;
  if (js_text(env, args[1], "model", &model) == 0) {
    const char* const* names = (const char* const*)texts;
    const llmq_status_t status = lib.llmq_report_limits(manager->handle, model.data, model.len,
                                                        names, NULL, names + count, NULL, count);
    if (status != LLMQ_OK) js_fail(env, status, NULL, model.data);
    free(model.data);
  }
  free_texts(texts, (size_t)count * 2);
  return NULL;
}

/* attemptReportLimits(manager, low, high, [name, value, ...]): false if the attempt has ended. */
static napi_value js_attempt_report_limits(napi_env env, napi_callback_info info) {
  napi_value args[4], result = NULL;
  uint64_t id;
  char** texts;
  uint32_t count;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0 ||
      read_headers(env, args[3], &texts, &count) != 0)
    return NULL;
  const char* const* names = (const char* const*)texts;
  const llmq_status_t status =
      lib.llmq_attempt_report_limits(manager->handle, id, names, NULL, names + count, NULL, count);
  free_texts(texts, (size_t)count * 2);
  if (status == LLMQ_OK || status == LLMQ_ERR_STALE)
    napi_get_boolean(env, status == LLMQ_OK, &result);
  else
    js_fail(env, status, NULL, NULL);
  return result;
}

/* explain(provider, record): JSON. */
static napi_value js_explain(napi_env env, napi_callback_info info) {
  napi_value args[2], result = NULL;
  struct text provider = {NULL, 0}, record = {NULL, 0};
  char* json = NULL;
  size_t len = 0;
  llmq_error_t* err = NULL;
  if (js_args(env, info, 2, args) != 0) return NULL;
  if (js_text(env, args[0], "provider", &provider) == 0 &&
      js_text(env, args[1], "record", &record) == 0) {
    const llmq_status_t status = lib.llmq_explain_json(provider.data, provider.len, record.data,
                                                       record.len, &json, &len, &err);
    result = status == LLMQ_OK ? js_take(env, json, len) : js_fail_with(env, status, err);
  }
  free(provider.data);
  free(record.data);
  return result;
}

/* statusName(status), statusMessage(status) */
static napi_value status_text(napi_env env, napi_callback_info info,
                              const char* (*function)(llmq_status_t)) {
  napi_value arg;
  int32_t status;
  if (js_args(env, info, 1, &arg) != 0 || js_int(env, arg, "status", &status) != 0) return NULL;
  return js_string(env, function(status), NAPI_AUTO_LENGTH);
}

static napi_value js_status_name(napi_env env, napi_callback_info info) {
  return status_text(env, info, lib.llmq_status_name);
}

static napi_value js_status_message(napi_env env, napi_callback_info info) {
  return status_text(env, info, lib.llmq_status_message);
}

/* version(): of the library that is loaded. */
static napi_value js_version(napi_env env, napi_callback_info info) {
  (void)info;
  return js_string(env, lib.llmq_version_string(), NAPI_AUTO_LENGTH);
}

int info_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      EXPORT("stats", js_stats),
      EXPORT("models", js_models),
      EXPORT("info", js_info),
      EXPORT("reportLimits", js_report_limits),
      EXPORT("attemptReportLimits", js_attempt_report_limits),
      EXPORT("explain", js_explain),
      EXPORT("statusName", js_status_name),
      EXPORT("statusMessage", js_status_message),
      EXPORT("version", js_version),
  };
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
