/* Attempts that JavaScript runs, of workers and with permits, and keys of those that llmq runs. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "js.h"
#include "library.h"

/* Text or bytes that JavaScript passed. */
struct bytes {
  const void* data;
  size_t len;
  char* owned; /* to be freed */
};

static int js_bytes(napi_env env, napi_value value, struct bytes* bytes) {
  bool view = false;
  struct text text;
  memset(bytes, 0, sizeof *bytes);
  napi_is_typedarray(env, value, &view);
  if (view) {
    napi_typedarray_type type;
    napi_get_typedarray_info(env, value, &type, &bytes->len, (void**)&bytes->data, NULL, NULL);
    if (type == napi_uint8_array) return 0;
  }
  if (js_text(env, value, "data", &text) != 0) return -1;
  bytes->data = bytes->owned = text.data;
  bytes->len = text.len;
  return 0;
}

/* True, or false if the attempt had ended before. Throws at other failures. */
static napi_value reported(napi_env env, llmq_status_t status) {
  napi_value result = NULL;
  if (status != LLMQ_OK && status != LLMQ_ERR_STALE) return js_fail(env, status, NULL, NULL);
  napi_get_boolean(env, status == LLMQ_OK, &result);
  return result;
}

/* setWorkers(manager, model, leaseMs): attempts come as READY. 0 = 60 s, negative = no lease. */
static napi_value js_set_workers(napi_env env, napi_callback_info info) {
  napi_value args[3];
  struct text model;
  double lease_ms;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_double(env, args[2], "lease", &lease_ms) != 0 ||
      js_text(env, args[1], "model", &model) != 0)
    return NULL;
  const int64_t lease = lease_ms < 0 ? -1 : (int64_t)(lease_ms * 1e6);
  const llmq_status_t status =
      lib.llmq_model_set_workers(manager->handle, model.data, model.len, manager->cq, lease);
  if (status != LLMQ_OK) js_fail(env, status, NULL, model.data);
  free(model.data);
  return NULL;
}

/* attemptSucceed(manager, low, high, data, usage or undefined) */
static napi_value js_succeed(napi_env env, napi_callback_info info) {
  napi_value args[5];
  napi_valuetype type;
  struct bytes bytes;
  llmq_usage_t usage;
  uint64_t id;
  if (js_args(env, info, 5, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  napi_typeof(env, args[4], &type);
  const bool known = type != napi_undefined;
  if (known && js_usage(env, args[4], &usage) != 0) return NULL;
  if (js_bytes(env, args[3], &bytes) != 0) return NULL;
  const llmq_status_t status =
      lib.llmq_attempt_succeed(manager->handle, id, bytes.data, bytes.len, known ? &usage : NULL);
  free(bytes.owned);
  return reported(env, status);
}

/* attemptFail(manager, low, high, status, message, retryAfterMs) */
static napi_value js_attempt_fail(napi_env env, napi_callback_info info) {
  napi_value args[6];
  struct text message;
  int32_t why;
  double retry_after_ms;
  uint64_t id;
  if (js_args(env, info, 6, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0 ||
      js_int(env, args[3], "status", &why) != 0 ||
      js_double(env, args[5], "retryAfter", &retry_after_ms) != 0 ||
      js_text(env, args[4], "message", &message) != 0)
    return NULL;
  const llmq_status_t status = lib.llmq_attempt_fail(manager->handle, id, why, message.data,
                                                     message.len, (int64_t)(retry_after_ms * 1e6));
  free(message.data);
  return reported(env, status);
}

/* attemptChunk(manager, low, high, data): the status, which may be AGAIN. */
static napi_value js_chunk(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct bytes bytes;
  uint64_t id;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0 ||
      js_bytes(env, args[3], &bytes) != 0)
    return NULL;
  const llmq_status_t status = lib.llmq_attempt_chunk(manager->handle, id, bytes.data, bytes.len);
  free(bytes.owned);
  return js_number(env, status);
}

/* permitRelease(manager, low, high, usage or undefined) */
static napi_value js_permit_release(napi_env env, napi_callback_info info) {
  napi_value args[4];
  napi_valuetype type;
  llmq_usage_t usage;
  uint64_t id;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  napi_typeof(env, args[3], &type);
  const bool known = type != napi_undefined;
  if (known && js_usage(env, args[3], &usage) != 0) return NULL;
  return reported(env, lib.llmq_permit_release(manager->handle, id, known ? &usage : NULL));
}

/* attemptHeartbeat(manager, low, high) */
static napi_value js_heartbeat(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint64_t id;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  return reported(env, lib.llmq_attempt_heartbeat(manager->handle, id));
}

/* keyAnswer(manager, low, high, key, error): "" = there is none. False: the manager has ended. */
static napi_value js_key_answer(napi_env env, napi_callback_info info) {
  napi_value args[5], result = NULL;
  struct text key = {NULL, 0}, error = {NULL, 0};
  uint64_t question;
  if (js_args(env, info, 5, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager != NULL && js_id(env, args[1], args[2], &question) == 0 &&
      js_text(env, args[3], "key", &key) == 0 && js_text(env, args[4], "error", &error) == 0) {
    const llmq_status_t status =
        lib.llmq_key_answer(manager->handle, question, key.data, key.len, error.data, error.len);
    if (status != LLMQ_OK && status != LLMQ_ERR_CLOSED && status != LLMQ_ERR_CLOSING) {
      js_fail(env, status, NULL, NULL);
    } else {
      napi_get_boolean(env, status == LLMQ_OK, &result);
    }
  }
  free(key.data);
  free(error.data);
  return result;
}

int attempt_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      EXPORT("setWorkers", js_set_workers),     EXPORT("attemptSucceed", js_succeed),
      EXPORT("attemptFail", js_attempt_fail),   EXPORT("attemptChunk", js_chunk),
      EXPORT("attemptHeartbeat", js_heartbeat), EXPORT("permitRelease", js_permit_release),
      EXPORT("keyAnswer", js_key_answer),
  };
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
