#include "encode.h"

#include <string.h>

#include "library.h"

struct page page_begin(struct manager* manager, size_t count) {
  struct page page = {manager, (struct event_record*)(void*)manager->page, 0, NULL, 0};
  page.used = count * sizeof *page.records;
  return page;
}

bool page_has_room(const struct page* page) {
  return page->used + TEXTS_PER_EVENT * TEXT_SHARED_MAX <= PAGE_SIZE;
}

napi_value page_buffer(const struct page* page) {
  napi_value buffer = NULL;
  napi_create_buffer_copy(page->manager->instance->env, page->used, page->manager->page, NULL,
                          &buffer);
  return buffer;
}

napi_value page_longs(const struct page* page) {
  napi_value undefined = NULL;
  if (page->longs != NULL) return page->longs;
  napi_get_undefined(page->manager->instance->env, &undefined);
  return undefined;
}

/* Always inline: GCC takes a call of what only prefetches for one that does nothing, and drops it.
 */
static inline __attribute__((always_inline)) void fetch(const void* text, size_t len) {
  enum { LINE = 64 };
  if (len == 0 || len > TEXT_SHARED_MAX) return;
  for (size_t at = 0; at < len; at += LINE) __builtin_prefetch((const char*)text + at);
  __builtin_prefetch((const char*)text + len - 1);
}

void look_at_event(const llmq_event_t* event, llmq_outcome_t* outcome) {
  fetch(event->data, (size_t)event->data_len);
  outcome->struct_size = sizeof *outcome;
  if (event->type == LLMQ_EV_DONE && lib.llmq_event_outcome(event, outcome) == LLMQ_OK) {
    fetch(outcome->provider_request_id, (size_t)outcome->provider_request_id_len);
  } else {
    outcome->struct_size = 0;
  }
}

static struct span put(struct page* page, const void* data, size_t len) {
  struct span span = {0, (int32_t)len};
  if (len == 0) return span;
  if (len <= TEXT_SHARED_MAX) {
    memcpy(page->manager->page + page->used, data, len);
    span.offset = (int32_t)page->used;
    page->used += len;
    return span;
  }
  napi_env env = page->manager->instance->env;
  napi_value buffer;
  void* bytes = NULL;
  if (page->longs == NULL) napi_create_array(env, &page->longs);
  if (napi_create_arraybuffer(env, len, &bytes, &buffer) != napi_ok) {
    span.length = 0; /* no memory in JavaScript for it */
    return span;
  }
  memcpy(bytes, data, len);
  napi_set_element(env, page->longs, page->long_count, buffer);
  span.offset = -1 - (int32_t)page->long_count++;
  return span;
}

static void encode_ids(uint64_t request, uint64_t attempt, struct event_record* record) {
  record->request_id[0] = (uint32_t)request;
  record->request_id[1] = (uint32_t)(request >> 32);
  record->attempt_id[0] = (uint32_t)attempt;
  record->attempt_id[1] = (uint32_t)(attempt >> 32);
}

static void encode_attempts(struct page* page, const llmq_response_t* response,
                            struct event_record* record) {
  char* json = NULL;
  size_t len = 0;
  if (lib.llmq_response_attempts_json(response, &json, &len) != LLMQ_OK) return;
  record->attempts = put(page, json, len);
  lib.llmq_buf_free(json);
}

/* Everything that JavaScript can ask of a response is copied now: no handle of the library has to
 * wait for a garbage collector. */
static void encode_done(struct page* page, llmq_event_t* event, const llmq_outcome_t* outcome,
                        struct event_record* record) {
  llmq_response_t* response = NULL;
  record->data = put(page, event->data, (size_t)event->data_len);
  if (outcome->struct_size == 0) return;
  record->usage_known = outcome->usage_known;
  record->http_status = outcome->http_status;
  record->provider_request_id =
      put(page, outcome->provider_request_id, (size_t)outcome->provider_request_id_len);
  record->fallback_model = put(page, outcome->fallback_model, (size_t)outcome->fallback_model_len);
  record->deployment = put(page, outcome->deployment, (size_t)outcome->deployment_len);
  record->metadata = put(page, outcome->metadata, (size_t)outcome->metadata_len);
  record->request_key = put(page, outcome->request_key, (size_t)outcome->request_key_len);
  record->error = put(page, outcome->error, (size_t)outcome->error_len);
  if (outcome->has_history != 0 && lib.llmq_event_take(event, &response) == LLMQ_OK) {
    encode_attempts(page, response, record);
    lib.llmq_response_free(response);
  }
}

typedef llmq_status_t (*attempt_text_fn)(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                         const char** data, size_t* len);

static struct span attempt_text(struct page* page, llmq_attempt_id_t attempt,
                                attempt_text_fn function) {
  const char* data = NULL;
  size_t len = 0;
  if (function(page->manager->handle, attempt, &data, &len) != LLMQ_OK) len = 0;
  return put(page, data, len);
}

/* What a worker is told of an attempt. All is empty if it has ended already. */
static void encode_ready(struct page* page, const llmq_event_t* event,
                         struct event_record* record) {
  const void* metadata = NULL;
  size_t len = 0;
  const llmq_attempt_id_t attempt = event->attempt_id;
  record->fallback_model = attempt_text(page, attempt, lib.llmq_attempt_model);
  record->deployment = attempt_text(page, attempt, lib.llmq_attempt_tenant);
  record->request_key = attempt_text(page, attempt, lib.llmq_attempt_request_key);
  if (lib.llmq_attempt_metadata(page->manager->handle, attempt, &metadata, &len) == LLMQ_OK)
    record->metadata = put(page, metadata, len);
}

void encode_event(struct page* page, llmq_event_t* event, const llmq_outcome_t* outcome,
                  struct event_record* record) {
  memset(record, 0, sizeof *record);
  record->queued_ns = (double)event->queued_ns;
  record->run_ns = (double)event->run_ns;
  record->retry_after_ns = (double)event->retry_after_ns;
  record->input_tokens = (double)event->input_tokens;
  record->output_tokens = (double)event->output_tokens;
  record->cached_input_tokens = (double)event->cached_input_tokens;
  record->cost_micros = (double)event->cost_micros;
  record->reasoning_tokens = (double)event->reasoning_tokens;
  record->first_output_ns = (double)event->first_output_ns;
  record->type = event->type;
  record->status = event->status;
  record->flags = event->flags;
  record->state = event->state;
  record->attempt = event->attempt;
  record->slot = (uint32_t)event->user_data;
  encode_ids(event->request_id, event->attempt_id, record);
  record->held = -1;
  if (event->type == LLMQ_EV_DONE) {
    encode_done(page, event, outcome, record);
    return;
  }
  record->data = put(page, event->data, (size_t)event->data_len);
  if (event->type == LLMQ_EV_READY) encode_ready(page, event, record);
  if (event->type == LLMQ_EV_PERMIT)
    record->fallback_model = attempt_text(page, event->attempt_id, lib.llmq_attempt_model);
}

#define PUT(page, record, member, function)              \
  do {                                                   \
    size_t put_len = 0;                                  \
    const void* put_data = function(response, &put_len); \
    (record)->member = put(page, put_data, put_len);     \
  } while (0)

void encode_response(struct page* page, llmq_response_t* response, struct event_record* record) {
  int64_t submitted = 0, started = 0, finished = 0;
  llmq_usage_t usage;
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
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
  record->usage_known = lib.llmq_response_usage(response, &usage) == LLMQ_OK;
  record->input_tokens = (double)usage.input_tokens;
  record->output_tokens = (double)usage.output_tokens;
  record->cached_input_tokens = (double)usage.cached_input_tokens;
  record->cost_micros = (double)usage.cost_micros;
  record->reasoning_tokens = (double)usage.reasoning_tokens;
  record->http_status = lib.llmq_response_http_status(response);
  PUT(page, record, data, lib.llmq_response_data);
  PUT(page, record, provider_request_id, lib.llmq_response_provider_request_id);
  PUT(page, record, fallback_model, lib.llmq_response_fallback_model);
  PUT(page, record, deployment, lib.llmq_response_deployment);
  PUT(page, record, metadata, lib.llmq_response_metadata);
  PUT(page, record, request_key, lib.llmq_response_request_key);
  if (record->status != LLMQ_OK) PUT(page, record, error, lib.llmq_response_error);
  if (record->status != LLMQ_OK || record->attempt > 1) /* else no attempt has failed */
    encode_attempts(page, response, record);
}
