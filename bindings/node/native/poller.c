/* The poller: Node's own loop watches the descriptor of the completion queue, and each turn hands
 * at most BATCH events to JavaScript in one call. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "encode.h"
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

/* Calls onEvents(count, buffer, long texts or undefined). */
static void call_back(const struct page* page, size_t count) {
  struct manager* manager = page->manager;
  napi_env env = manager->instance->env;
  napi_value args[3], function, receiver;
  napi_create_uint32(env, (uint32_t)count, &args[0]);
  args[1] = page_buffer(page);
  args[2] = page_longs(page);
  napi_get_reference_value(env, manager->on_events, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, manager->context, receiver, function, 3, args, NULL) ==
      napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
}

/* Hands over events from `first` on, as many as the page has room for. */
static size_t deliver(struct manager* manager, llmq_event_t* events, size_t first, size_t count) {
  enum { AHEAD = 8 }; /* events that are looked at before they are encoded */
  llmq_outcome_t outcomes[AHEAD];
  struct page page = page_begin(manager, count - first);
  napi_handle_scope scope;
  size_t at = first;
  napi_open_handle_scope(manager->instance->env, &scope);
  for (size_t i = first; i < count && i < first + AHEAD; ++i)
    look_at_event(&events[i], &outcomes[i % AHEAD]);
  while (at < count && page_has_room(&page)) {
    struct event_record* record = &page.records[at - first];
    encode_event(&page, &events[at], &outcomes[at % AHEAD], record);
    if (at + AHEAD < count) look_at_event(&events[at + AHEAD], &outcomes[at % AHEAD]);
    if (events[at].type == LLMQ_EV_CHUNK) {
      record->held = hold(manager, &events[at]);
      events[at].handle = NULL; /* held now */
    }
    ++at;
  }
  lib.llmq_events_release(&events[first], sizeof *events, at - first);
  call_back(&page, at - first);
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
