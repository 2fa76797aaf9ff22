/* The poller: Node's own loop watches the descriptor of the completion queue, and each turn hands
 * at most BATCH events to JavaScript in one call. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "js.h"
#include "library.h"

static size_t held_slot(struct manager* manager) {
  if (manager->held_free_count > 0) return (size_t)manager->held_free[--manager->held_free_count];
  const size_t size = manager->held_size == 0 ? 64 : manager->held_size * 2;
  llmq_event_t* held = realloc(manager->held, size * sizeof *held);
  if (held != NULL) manager->held = held;
  int32_t* list = realloc(manager->held_free, size * sizeof *list);
  if (list != NULL) manager->held_free = list;
  if (held == NULL || list == NULL) return SIZE_MAX;
  memset(held + manager->held_size, 0, (size - manager->held_size) * sizeof *held);
  for (size_t i = size - 1; i > manager->held_size; --i)
    list[manager->held_free_count++] = (int32_t)i;
  const size_t slot = manager->held_size;
  manager->held_size = size;
  return slot;
}

/* Keeps the event until JavaScript has read it, so that a slow reader slows the provider down. */
static int32_t hold(struct manager* manager, llmq_event_t* event) {
  const size_t slot = held_slot(manager);
  if (slot == SIZE_MAX) { /* no memory: let the provider go on */
    lib.llmq_events_release(event, sizeof *event, 1);
    return -1;
  }
  manager->held[slot] = *event;
  return (int32_t)slot;
}

void chunks_forget(struct manager* manager) {
  for (size_t i = 0; i < manager->held_size; ++i) {
    if (manager->held[i].handle != NULL)
      lib.llmq_events_release(&manager->held[i], sizeof *manager->held, 1);
    manager->held[i].handle = NULL;
  }
  manager->held_free_count = 0;
  manager->held_size = 0;
}

/* releaseChunk(manager, held): gives back what JavaScript has read. */
static napi_value js_release_chunk(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int32_t slot;
  void* found = NULL;
  if (js_args(env, info, 2, args) != 0 || js_int(env, args[1], "chunk", &slot) != 0) return NULL;
  if (napi_get_value_external(env, args[0], &found) != napi_ok) return NULL;
  struct manager* manager = found;
  if (slot < 0 || (size_t)slot >= manager->held_size || manager->held[slot].handle == NULL)
    return NULL; /* the manager has been destroyed meanwhile */
  lib.llmq_events_release(&manager->held[slot], sizeof *manager->held, 1);
  manager->held[slot].handle = NULL;
  manager->held_free[manager->held_free_count++] = slot;
  return NULL;
}

struct texts {
  struct manager* manager;
  size_t used;
  napi_value longs;
  uint32_t long_count;
};

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
static void encode_done(struct texts* texts, llmq_event_t* event, struct event_record* record) {
  llmq_response_t* response = NULL;
  llmq_usage_t usage;
  if (lib.llmq_event_take(event, &response) != LLMQ_OK) {
    lib.llmq_events_release(event, sizeof *event, 1);
    if (event->status == LLMQ_OK) record->status = LLMQ_ERR_NOMEM;
    return;
  }
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  record->usage_known = lib.llmq_response_usage(response, &usage) == LLMQ_OK;
  record->http_status = lib.llmq_response_http_status(response);
  PUT(texts, record, data, lib.llmq_response_data);
  PUT(texts, record, provider_request_id, lib.llmq_response_provider_request_id);
  PUT(texts, record, fallback_model, lib.llmq_response_fallback_model);
  PUT(texts, record, deployment, lib.llmq_response_deployment);
  PUT(texts, record, metadata, lib.llmq_response_metadata);
  PUT(texts, record, request_key, lib.llmq_response_request_key);
  if (event->status != LLMQ_OK) PUT(texts, record, error, lib.llmq_response_error);
  if (event->status != LLMQ_OK || event->attempt > 1) { /* else no attempt has failed */
    char* json = NULL;
    size_t len = 0;
    if (lib.llmq_response_attempts_json(response, &json, &len) == LLMQ_OK) {
      record->attempts = put(texts, json, len);
      lib.llmq_buf_free(json);
    }
  }
  lib.llmq_response_free(response);
}

static void encode(struct texts* texts, llmq_event_t* event, struct event_record* record) {
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
  record->request_id[0] = (uint32_t)event->request_id;
  record->request_id[1] = (uint32_t)(event->request_id >> 32);
  record->attempt_id[0] = (uint32_t)event->attempt_id;
  record->attempt_id[1] = (uint32_t)(event->attempt_id >> 32);
  record->held = -1;
  if (event->type == LLMQ_EV_DONE) {
    encode_done(texts, event, record);
    return;
  }
  record->data = put(texts, event->data, (size_t)event->data_len);
  if (event->type == LLMQ_EV_CHUNK) {
    record->held = hold(texts->manager, event);
  } else {
    lib.llmq_events_release(event, sizeof *event, 1);
  }
}

/* Calls onEvents(count, bytes of texts, long texts or undefined). */
static void call_back(struct texts* texts, size_t count) {
  struct manager* manager = texts->manager;
  napi_env env = manager->instance->env;
  napi_value args[3], function, receiver;
  napi_create_uint32(env, (uint32_t)count, &args[0]);
  napi_create_uint32(env, (uint32_t)texts->used, &args[1]);
  args[2] = texts->longs;
  if (texts->longs == NULL) napi_get_undefined(env, &args[2]);
  napi_get_reference_value(env, manager->on_events, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, manager->context, receiver, function, 3, args, NULL) ==
      napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
}

/* Hands over events from `first` on, as many as the buffer of texts has room for. */
static size_t deliver(struct manager* manager, llmq_event_t* events, size_t first, size_t count) {
  struct texts texts = {manager, 0, NULL, 0};
  napi_handle_scope scope;
  size_t at = first;
  napi_open_handle_scope(manager->instance->env, &scope);
  while (at < count && texts.used + TEXTS_PER_EVENT * TEXT_SHARED_MAX <= TEXTS_SIZE) {
    encode(&texts, &events[at], &manager->records[at - first]);
    ++at;
  }
  call_back(&texts, at - first);
  napi_close_handle_scope(manager->instance->env, scope);
  return at;
}

static void on_readable(uv_handle_t* handle, int status, int what) {
  struct manager* manager = uv_handle_get_data(handle);
  llmq_event_t events[BATCH];
  size_t at = 0;
  (void)status, (void)what; /* an error of the descriptor shows in the drain: nothing is there */
  events[0].stride = sizeof *events;
  const size_t count = lib.llmq_cq_drain(manager->cq, events, BATCH);
  ++manager->references; /* JavaScript may destroy it meanwhile */
  while (at < count && manager->poll != NULL) at = deliver(manager, events, at, count);
  if (at < count) lib.llmq_events_release(events + at, sizeof *events, count - at);
  manager_unref(manager);
}

int poller_open(struct manager* manager) {
  struct instance* instance = manager->instance;
  int32_t fd = -1;
  napi_value name;
  if (lib.llmq_cq_fd(manager->cq, LLMQ_CQ_FD_EVENTFD, &fd) != LLMQ_OK) return -1;
  manager->poll = malloc(uv_handle_size(UV_POLL));
  if (manager->poll == NULL) return -1;
  if (uv_poll_init(instance->loop, manager->poll, fd) != 0) {
    free(manager->poll);
    manager->poll = NULL;
    return -1;
  }
  uv_handle_set_data(manager->poll, manager);
  uv_poll_start(manager->poll, UV_READABLE, on_readable);
  uv_unref(manager->poll); /* until a request is pending */
  napi_create_string_utf8(instance->env, "llmq events", NAPI_AUTO_LENGTH, &name);
  napi_async_init(instance->env, NULL, name, &manager->context);
  ++manager->references;
  return 0;
}

static void on_closed(uv_handle_t* handle) {
  struct manager* manager = uv_handle_get_data(handle);
  struct instance* instance = manager->instance;
  free(handle);
  lib.llmq_cq_unref(manager->cq); /* the descriptor is no longer watched */
  manager_unref(manager);
  instance_handle_closed(instance);
}

void poller_close(struct manager* manager) {
  napi_env env = manager->instance->env;
  uv_handle_t* poll = manager->poll;
  manager->poll = NULL;
  napi_delete_reference(env, manager->on_events);
  napi_delete_reference(env, manager->event_buffer);
  napi_delete_reference(env, manager->text_buffer);
  napi_async_destroy(env, manager->context);
  ++manager->instance->closing;
  uv_poll_stop(poll);
  uv_close(poll, on_closed);
}

/* keepAlive(manager, whether): requests that are pending keep the process alive. */
static napi_value js_keep_alive(napi_env env, napi_callback_info info) {
  napi_value args[2];
  void* found = NULL;
  bool on = false;
  if (js_args(env, info, 2, args) != 0) return NULL;
  napi_get_value_bool(env, args[1], &on);
  if (napi_get_value_external(env, args[0], &found) != napi_ok) return NULL;
  struct manager* manager = found;
  if (manager->poll == NULL) return NULL;
  if (on) {
    uv_ref(manager->poll);
  } else {
    uv_unref(manager->poll);
  }
  return NULL;
}

int poller_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      EXPORT("releaseChunk", js_release_chunk),
      EXPORT("keepAlive", js_keep_alive),
  };
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
