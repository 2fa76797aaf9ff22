#include "encode.h"

#include <string.h>

#include "library.h"

static struct span put(struct texts* texts, const void* data, size_t len) {
  struct span span = {0, (int32_t)len};
  if (len == 0) return span;
  if (len <= TEXT_SHARED_MAX) {
    memcpy(texts->manager->texts + texts->used, data, len);
    span.offset = (int32_t)texts->used;
    texts->used += len;
    return span;
  }
  napi_env env = texts->manager->instance->env;
  napi_value buffer;
  void* bytes = NULL;
  if (texts->longs == NULL) napi_create_array(env, &texts->longs);
  if (napi_create_arraybuffer(env, len, &bytes, &buffer) != napi_ok) {
    span.length = 0; /* no memory in JavaScript for it */
    return span;
  }
  memcpy(bytes, data, len);
  napi_set_element(env, texts->longs, texts->long_count, buffer);
  span.offset = -1 - (int32_t)texts->long_count++;
  return span;
}

#define PUT(texts, record, member, function)             \
  do {                                                   \
    size_t put_len = 0;                                  \
    const void* put_data = function(response, &put_len); \
    (record)->member = put(texts, put_data, put_len);    \
  } while (0)

/* Everything that JavaScript can ask of a response is copied now: no handle of the library has to
 * wait for a garbage collector. */
static void encode_texts(struct texts* texts, llmq_response_t* response,
                         struct event_record* record) {
  llmq_usage_t usage;
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  record->usage_known = lib.llmq_response_usage(response, &usage) == LLMQ_OK;
  record->input_tokens = (double)usage.input_tokens;
  record->output_tokens = (double)usage.output_tokens;
  record->cached_input_tokens = (double)usage.cached_input_tokens;
  record->cost_micros = (double)usage.cost_micros;
  record->reasoning_tokens = (double)usage.reasoning_tokens;
  record->http_status = lib.llmq_response_http_status(response);
  PUT(texts, record, data, lib.llmq_response_data);
  PUT(texts, record, provider_request_id, lib.llmq_response_provider_request_id);
  PUT(texts, record, fallback_model, lib.llmq_response_fallback_model);
  PUT(texts, record, deployment, lib.llmq_response_deployment);
  PUT(texts, record, metadata, lib.llmq_response_metadata);
  PUT(texts, record, request_key, lib.llmq_response_request_key);
  if (record->status != LLMQ_OK) PUT(texts, record, error, lib.llmq_response_error);
  if (record->status != LLMQ_OK || record->attempt > 1) { /* else no attempt has failed */
    char* json = NULL;
    size_t len = 0;
    if (lib.llmq_response_attempts_json(response, &json, &len) == LLMQ_OK) {
      record->attempts = put(texts, json, len);
      lib.llmq_buf_free(json);
    }
  }
}

static void encode_ids(uint64_t request, uint64_t attempt, struct event_record* record) {
  record->request_id[0] = (uint32_t)request;
  record->request_id[1] = (uint32_t)(request >> 32);
  record->attempt_id[0] = (uint32_t)attempt;
  record->attempt_id[1] = (uint32_t)(attempt >> 32);
}

typedef llmq_status_t (*attempt_text_fn)(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                         const char** data, size_t* len);

static struct span attempt_text(struct texts* texts, llmq_attempt_id_t attempt,
                                attempt_text_fn function) {
  const char* data = NULL;
  size_t len = 0;
  if (function(texts->manager->handle, attempt, &data, &len) != LLMQ_OK) len = 0;
  return put(texts, data, len);
}

/* What a worker is told of an attempt. All is empty if it has ended already. */
static void encode_ready(struct texts* texts, const llmq_event_t* event,
                         struct event_record* record) {
  const void* metadata = NULL;
  size_t len = 0;
  const llmq_attempt_id_t attempt = event->attempt_id;
  record->fallback_model = attempt_text(texts, attempt, lib.llmq_attempt_model);
  record->deployment = attempt_text(texts, attempt, lib.llmq_attempt_tenant);
  record->request_key = attempt_text(texts, attempt, lib.llmq_attempt_request_key);
  if (lib.llmq_attempt_metadata(texts->manager->handle, attempt, &metadata, &len) == LLMQ_OK)
    record->metadata = put(texts, metadata, len);
}

void encode_event(struct texts* texts, llmq_event_t* event, struct event_record* record) {
  llmq_response_t* response = NULL;
  memset(record, 0, sizeof *record);
  record->queued_ns = (double)event->queued_ns;
  record->run_ns = (double)event->run_ns;
  record->retry_after_ns = (double)event->retry_after_ns;
  record->first_output_ns = (double)event->first_output_ns;
  record->type = event->type;
  record->status = event->status;
  record->flags = event->flags;
  record->state = event->state;
  record->attempt = event->attempt;
  record->slot = (uint32_t)event->user_data;
  encode_ids(event->request_id, event->attempt_id, record);
  record->held = -1;
  if (event->type != LLMQ_EV_DONE) {
    record->output_tokens = (double)event->output_tokens;
    record->data = put(texts, event->data, (size_t)event->data_len);
    if (event->type == LLMQ_EV_READY) encode_ready(texts, event, record);
    if (event->type == LLMQ_EV_PERMIT)
      record->fallback_model = attempt_text(texts, event->attempt_id, lib.llmq_attempt_model);
  } else if (lib.llmq_event_take(event, &response) == LLMQ_OK) {
    encode_texts(texts, response, record);
    lib.llmq_response_free(response);
  } else if (record->status == LLMQ_OK) {
    record->status = LLMQ_ERR_NOMEM;
  }
}

void encode_response(struct texts* texts, llmq_response_t* response, struct event_record* record) {
  int64_t submitted = 0, started = 0, finished = 0;
  memset(record, 0, sizeof *record);
  lib.llmq_response_timings(response, &submitted, &started, &finished);
  record->queued_ns = (double)((started != 0 ? started : finished) - submitted);
  record->run_ns = started != 0 ? (double)(finished - started) : 0;
  record->first_output_ns = (double)lib.llmq_response_first_output_ns(response);
  record->type = LLMQ_EV_DONE;
  record->status = lib.llmq_response_status(response);
  record->flags = lib.llmq_response_flags(response);
  record->state = lib.llmq_response_state(response);
  record->attempt = lib.llmq_response_attempts(response);
  encode_ids(lib.llmq_response_request_id(response), 0, record);
  encode_texts(texts, response, record);
}

napi_value texts_longs(const struct texts* texts) {
  napi_value undefined = NULL;
  if (texts->longs != NULL) return texts->longs;
  napi_get_undefined(texts->manager->instance->env, &undefined);
  return undefined;
}
