/* Requests: handed over in batches, cancelled. */
#include <string.h>

#include "addon.h"
#include "encode.h"
#include "js.h"
#include "library.h"

/* The members of a batch that JavaScript has written, as the library takes them. */
struct batch {
  llmq_request_t requests[BATCH];
  llmq_request_id_t ids[BATCH];
};

static const char* at(const char* buffer, size_t size, struct span span, int* bad) {
  if (span.length == 0) return NULL;
  if (span.offset < 0 || span.length < 0 || (size_t)span.offset + (size_t)span.length > size) {
    *bad = 1;
    return NULL;
  }
  return buffer + span.offset;
}

static int64_t tokens(double number) { return number < 0 ? -1 : (int64_t)number; }

static int decode(const char* buffer, size_t size, const struct request_record* record,
                  llmq_cq_t* cq, int64_t now, llmq_request_t* to) {
  int bad = 0;
  memset(to, 0, sizeof *to);
  to->struct_size = sizeof *to;
  to->flags = record->flags;
  to->operation = record->operation;
  to->priority = record->priority;
  to->model = at(buffer, size, record->model, &bad);
  to->model_len = (size_t)record->model.length;
  to->tenant = at(buffer, size, record->tenant, &bad);
  to->tenant_len = (size_t)record->tenant.length;
  to->payload = at(buffer, size, record->payload, &bad);
  to->payload_len = (size_t)record->payload.length;
  to->request_key = at(buffer, size, record->request_key, &bad);
  to->request_key_len = (size_t)record->request_key.length;
  to->dedup_key = at(buffer, size, record->dedup_key, &bad);
  to->dedup_key_len = (size_t)record->dedup_key.length;
  to->metadata = at(buffer, size, record->metadata, &bad);
  to->metadata_len = (size_t)record->metadata.length;
  if (record->deadline_ms >= 0) to->deadline_ns = now + (int64_t)(record->deadline_ms * 1e6) + 1;
  to->timeout_ns = record->timeout_ms < 0 ? -1 : (int64_t)(record->timeout_ms * 1e6);
  to->est_input_tokens = tokens(record->input_tokens);
  to->est_output_tokens = tokens(record->output_tokens);
  to->max_attempts = record->max_attempts;
  to->user_data = record->slot;
  to->cq = cq;
  return bad;
}

static int buffer_arg(napi_env env, napi_value value, uint32_t count, char** data, size_t* size) {
  if (napi_get_arraybuffer_info(env, value, (void**)data, size) == napi_ok && count <= BATCH &&
      *size >= BATCH * sizeof(struct request_record))
    return 0;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "the buffer of requests is too small");
  return -1;
}

/* Appends [index, LlmqError] to the list of refusals, in the library's words where it finds them.
 */
static void refuse(napi_env env, struct manager* manager, const llmq_request_t* request,
                   uint32_t index, llmq_status_t status, napi_value* list, uint32_t* length) {
  llmq_error_t* err = NULL;
  napi_value error;
  if (lib.llmq_request_check(manager->handle, request, &err) == status) {
    error = js_error(env, status, lib.llmq_error_message(err), lib.llmq_error_key(err));
  } else {
    error = js_error(env, status, NULL, NULL);
  }
  lib.llmq_error_free(err);
  if (*list == NULL) napi_create_array(env, list);
  napi_set_element(env, *list, (*length)++, js_number(env, index));
  napi_set_element(env, *list, (*length)++, error);
}

/* Hands over those that follow each other and are of one kind, in order, until one is refused. */
static llmq_status_t hand_over(struct manager* manager, const struct request_record* records,
                               const llmq_request_t* requests, size_t count, llmq_request_id_t* ids,
                               size_t* accepted) {
  size_t same = 1;
  *accepted = 0;
  if (records[0].kind == REQUEST_ACQUIRE) {
    const llmq_status_t status = lib.llmq_acquire(manager->handle, requests, ids);
    *accepted = status == LLMQ_OK;
    return status;
  }
  while (same < count && records[same].kind == REQUEST_SUBMIT) ++same;
  return lib.llmq_submit_batch(manager->handle, requests, sizeof *requests, same, ids, accepted);
}

/* submit(manager, buffer, count, all): writes id and status into each record. Returns undefined if
 * all were accepted, else [index, LlmqError, ...] of those that were not. Without `all` it ends
 * with the first of them. */
static napi_value js_submit(napi_env env, napi_callback_info info) {
  static _Thread_local struct batch batch;
  napi_value args[4], refusals = NULL;
  uint32_t count = 0, refused = 0;
  bool all = true;
  char* buffer = NULL;
  size_t size = 0, first = 0;
  int bad = 0;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL) return NULL;
  napi_get_value_uint32(env, args[2], &count);
  napi_get_value_bool(env, args[3], &all);
  if (buffer_arg(env, args[1], count, &buffer, &size) != 0) return NULL;
  struct request_record* records = (struct request_record*)(void*)buffer;
  const int64_t now = lib.llmq_now_ns();
  for (uint32_t i = 0; i < count; ++i) {
    bad |= decode(buffer, size, &records[i], manager->cq, now, &batch.requests[i]);
    records[i].id[0] = records[i].id[1] = 0; /* the buffer has those of an earlier batch */
  }
  if (bad != 0) return js_fail(env, LLMQ_ERR_INVALID_ARG, "a text lies outside the buffer", NULL);
  while (first < count) {
    size_t accepted = 0;
    const llmq_status_t status = hand_over(manager, &records[first], &batch.requests[first],
                                           count - first, &batch.ids[first], &accepted);
    for (size_t i = first; i < first + accepted; ++i) {
      records[i].id[0] = (uint32_t)batch.ids[i];
      records[i].id[1] = (uint32_t)(batch.ids[i] >> 32);
      records[i].status = LLMQ_OK;
    }
    first += accepted;
    if (status == LLMQ_OK) continue;
    records[first].status = status;
    refuse(env, manager, &batch.requests[first], (uint32_t)first, status, &refusals, &refused);
    if (!all) break;
    ++first;
  }
  return refusals;
}

/* tryAcquire(manager, buffer): [low, high, deployment] of a permit that was given at once, or how
 * many ns it would wait. */
static napi_value js_try_acquire(napi_env env, napi_callback_info info) {
  napi_value args[2], array;
  llmq_request_t request;
  llmq_attempt_id_t attempt = 0;
  int64_t wait = 0;
  const char* deployment = "";
  size_t deployment_len = 0;
  char* buffer = NULL;
  size_t size = 0;
  if (js_args(env, info, 2, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || buffer_arg(env, args[1], 1, &buffer, &size) != 0) return NULL;
  if (decode(buffer, size, (struct request_record*)(void*)buffer, NULL, lib.llmq_now_ns(),
             &request) != 0)
    return js_fail(env, LLMQ_ERR_INVALID_ARG, "a text lies outside the buffer", NULL);
  const llmq_status_t status = lib.llmq_try_acquire(manager->handle, &request, &attempt, &wait);
  if (status == LLMQ_ERR_AGAIN) return js_number(env, (double)wait);
  if (status != LLMQ_OK) return js_fail(env, status, NULL, NULL);
  lib.llmq_attempt_deployment(manager->handle, attempt, &deployment, &deployment_len);
  napi_create_array_with_length(env, 3, &array);
  napi_set_element(env, array, 0, js_number(env, (double)(uint32_t)attempt));
  napi_set_element(env, array, 1, js_number(env, (double)(uint32_t)(attempt >> 32)));
  napi_set_element(env, array, 2, js_string(env, deployment, deployment_len));
  return array;
}

/* check(manager, buffer): throws what would refuse the first request of the buffer. */
static napi_value js_check(napi_env env, napi_callback_info info) {
  napi_value args[2];
  llmq_request_t request;
  llmq_error_t* err = NULL;
  char* buffer = NULL;
  size_t size = 0;
  if (js_args(env, info, 2, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || buffer_arg(env, args[1], 1, &buffer, &size) != 0) return NULL;
  if (decode(buffer, size, (struct request_record*)(void*)buffer, manager->cq, lib.llmq_now_ns(),
             &request) != 0)
    return js_fail(env, LLMQ_ERR_INVALID_ARG, "a text lies outside the buffer", NULL);
  const llmq_status_t status = lib.llmq_request_check(manager->handle, &request, &err);
  return status == LLMQ_OK ? NULL : js_fail_with(env, status, err);
}

static napi_value usage_array(napi_env env, const llmq_usage_t* usage) {
  const double numbers[] = {(double)usage->input_tokens, (double)usage->output_tokens,
                            (double)usage->cached_input_tokens, (double)usage->cost_micros,
                            (double)usage->reasoning_tokens};
  napi_value array;
  napi_create_array_with_length(env, 5, &array);
  for (uint32_t i = 0; i < 5; ++i) napi_set_element(env, array, i, js_number(env, numbers[i]));
  return array;
}

/* estimate(manager, buffer): usage of the first request, as [input, output, cached, cost in
 * millionths, reasoning]. */
static napi_value js_estimate(napi_env env, napi_callback_info info) {
  napi_value args[2];
  llmq_request_t request;
  llmq_usage_t usage;
  llmq_error_t* err = NULL;
  char* buffer = NULL;
  size_t size = 0;
  if (js_args(env, info, 2, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || buffer_arg(env, args[1], 1, &buffer, &size) != 0) return NULL;
  if (decode(buffer, size, (struct request_record*)(void*)buffer, manager->cq, lib.llmq_now_ns(),
             &request) != 0)
    return js_fail(env, LLMQ_ERR_INVALID_ARG, "a text lies outside the buffer", NULL);
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  const llmq_status_t status = lib.llmq_request_estimate(manager->handle, &request, &usage, &err);
  return status == LLMQ_OK ? usage_array(env, &usage) : js_fail_with(env, status, err);
}

/* cancel(manager, low, high): false if it has ended before. */
static napi_value js_cancel(napi_env env, napi_callback_info info) {
  napi_value args[3], result = NULL;
  uint64_t id;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  const llmq_status_t status = lib.llmq_cancel(manager->handle, id);
  if (status != LLMQ_OK && status != LLMQ_ERR_STALE) return js_fail(env, status, NULL, NULL);
  napi_get_boolean(env, status == LLMQ_OK, &result);
  return result;
}

/* state(manager, low, high): LLMQ_STATE_, or 0 if nothing is known of it any more. */
static napi_value js_state(napi_env env, napi_callback_info info) {
  napi_value args[3];
  uint64_t id;
  int32_t state = 0;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  const llmq_status_t status = lib.llmq_request_state(manager->handle, id, &state);
  if (status != LLMQ_OK && status != LLMQ_ERR_STALE) return js_fail(env, status, NULL, NULL);
  return js_number(env, status == LLMQ_OK ? state : 0);
}

/* wait(manager, low, high): [position, p50 in ns, p90 in ns, blocked by], or undefined if it has
 * ended. */
static napi_value js_wait(napi_env env, napi_callback_info info) {
  napi_value args[3], array;
  llmq_wait_t wait;
  uint64_t id;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  const llmq_status_t status = lib.llmq_request_wait_estimate(manager->handle, id, &wait);
  if (status == LLMQ_ERR_STALE) return NULL;
  if (status != LLMQ_OK) return js_fail(env, status, NULL, NULL);
  napi_create_array_with_length(env, 4, &array);
  napi_set_element(env, array, 0, js_number(env, (double)wait.position));
  napi_set_element(env, array, 1, js_number(env, (double)wait.p50_ns));
  napi_set_element(env, array, 2, js_number(env, (double)wait.p90_ns));
  napi_set_element(env, array, 3, js_string(env, wait.blocked_by, NAPI_AUTO_LENGTH));
  return array;
}

/* updateUsage(manager, low, high, usage): usage as five numbers, see estimate. */
static napi_value js_update_usage(napi_env env, napi_callback_info info) {
  napi_value args[4];
  llmq_usage_t usage;
  uint64_t id;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0 ||
      js_usage(env, args[3], &usage) != 0)
    return NULL;
  const llmq_status_t status = lib.llmq_usage_update(manager->handle, id, &usage);
  return status == LLMQ_OK ? NULL : js_fail(env, status, NULL, NULL);
}

/* get(manager, low, high): undefined while it is pending, else [buffer, long texts or undefined],
 * as onEvents gets them, of one record. */
static napi_value js_get(napi_env env, napi_callback_info info) {
  napi_value args[3], array;
  llmq_response_t* response = NULL;
  uint64_t id;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_id(env, args[1], args[2], &id) != 0) return NULL;
  const llmq_status_t status = lib.llmq_response_get(manager->handle, id, &response);
  if (status == LLMQ_ERR_AGAIN) return NULL;
  if (status != LLMQ_OK) return js_fail(env, status, NULL, NULL);
  struct page page = page_begin(manager, 1);
  encode_response(&page, response, page.records);
  lib.llmq_response_free(response);
  napi_create_array_with_length(env, 2, &array);
  napi_set_element(env, array, 0, page_buffer(&page));
  napi_set_element(env, array, 1, page_longs(&page));
  return array;
}

int submit_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      EXPORT("submit", js_submit),
      EXPORT("check", js_check),
      EXPORT("tryAcquire", js_try_acquire),
      EXPORT("estimate", js_estimate),
      EXPORT("cancel", js_cancel),
      EXPORT("state", js_state),
      EXPORT("waitEstimate", js_wait),
      EXPORT("updateUsage", js_update_usage),
      EXPORT("get", js_get),
  };
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
