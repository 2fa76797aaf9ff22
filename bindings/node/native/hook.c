#include "hook.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addon.h"
#include "js.h"
#include "library.h"

enum { RECORDS_MAX = 4 << 20 }; /* bytes that wait; what comes then is counted and lost */

struct hook {
  struct hook* next; /* of the manager's */
  pthread_mutex_t lock;
  char* records; /* struct hook_record, each followed by its texts */
  size_t used;
  size_t size;
  double lost;
  int references; /* the library's, and the environment's */
  bool ended;     /* nothing more comes */
  bool closed;    /* nobody is there to read */
  struct manager* manager;
  struct instance* instance;
  uv_handle_t* async;
  napi_ref on_records;
  napi_async_context context;
};

static void unref(struct hook* hook) {
  pthread_mutex_lock(&hook->lock);
  const bool last = --hook->references == 0;
  pthread_mutex_unlock(&hook->lock);
  if (!last) return;
  pthread_mutex_destroy(&hook->lock);
  free(hook->records);
  free(hook);
}

static bool make_room(struct hook* hook, size_t need) {
  size_t size = hook->size == 0 ? 4096 : hook->size;
  while (size < hook->used + need) size *= 2;
  if (size > RECORDS_MAX) return false;
  if (size == hook->size) return true;
  char* larger = realloc(hook->records, size);
  if (larger == NULL) return false;
  hook->records = larger;
  hook->size = size;
  return true;
}

/* A time of the library's clock in milliseconds as Date has them. */
static double date_ms(int64_t ns) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t ago = lib.llmq_now_ns() - ns;
  return (double)now.tv_sec * 1e3 + (double)(now.tv_nsec - ago) / 1e6;
}

static void halves(uint64_t id, uint32_t* to) {
  to[0] = (uint32_t)id;
  to[1] = (uint32_t)(id >> 32);
}

static void fill(const llmq_hook_t* told, struct hook_record* record) {
  record->type = told->type;
  halves(told->request_id, record->request_id);
  halves(told->attempt_id, record->attempt_id);
  halves(told->call_id, record->call_id);
  record->attempt = told->attempt;
  record->status = told->status;
  record->state = told->state;
  record->usage_known = told->usage_known;
  record->model_length = (uint32_t)told->model_len;
  record->deployment_length = (uint32_t)told->deployment_len;
  record->tenant_length = (uint32_t)told->tenant_len;
  record->limit_length = (uint32_t)told->limit_len;
  record->time_ms = date_ms(told->time_ns);
  record->queued_ns = (double)told->queued_ns;
  record->run_ns = (double)told->run_ns;
  record->delay_ns = (double)told->delay_ns;
  record->input_tokens = (double)told->input_tokens;
  record->output_tokens = (double)told->output_tokens;
  record->cached_input_tokens = (double)told->cached_input_tokens;
  record->cost_micros = (double)told->cost_micros;
  record->reasoning_tokens = (double)told->reasoning_tokens;
  record->old_value = (double)told->old_value;
  record->new_value = (double)told->new_value;
  record->until_ms = told->until_ns == 0 ? 0 : date_ms(told->until_ns);
}

static char* append(char* to, const char* text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}

/* llmq_hook_fn: keeps a record and wakes the loop of JavaScript. Never blocks, never calls it. */
static void tell(void* user, const llmq_hook_t* told) {
  struct hook* hook = user;
  struct hook_record record = {0};
  const size_t texts = told->model_len + told->deployment_len + told->tenant_len + told->limit_len;
  fill(told, &record);
  record.size = (uint32_t)((sizeof record + texts + 7) & ~(size_t)7);
  pthread_mutex_lock(&hook->lock);
  if (!hook->closed && !make_room(hook, record.size)) {
    ++hook->lost;
  } else if (!hook->closed) {
    record.lost = hook->lost;
    hook->lost = 0;
    char* at = append(hook->records + hook->used, (const char*)&record, sizeof record);
    at = append(at, told->model, told->model_len);
    at = append(at, told->deployment, told->deployment_len);
    at = append(at, told->tenant, told->tenant_len);
    append(at, told->limit, told->limit_len);
    if (hook->used == 0) uv_async_send(hook->async);
    hook->used += record.size;
  }
  pthread_mutex_unlock(&hook->lock);
}

/* llmq_user_free_fn: another hook has taken its place, or the manager has ended. */
static void end(void* user) {
  struct hook* hook = user;
  pthread_mutex_lock(&hook->lock);
  hook->ended = true;
  if (!hook->closed) uv_async_send(hook->async);
  pthread_mutex_unlock(&hook->lock);
  unref(hook);
}

/* Calls on_records with an ArrayBuffer, or, of size 0, undefined: nothing more will come. */
static void call_back(struct hook* hook, const char* records, size_t size) {
  napi_env env = hook->instance->env;
  napi_handle_scope scope;
  napi_value buffer = NULL, function, receiver;
  void* bytes = NULL;
  napi_open_handle_scope(env, &scope);
  if (size == 0) {
    napi_get_undefined(env, &buffer);
  } else if (napi_create_arraybuffer(env, size, &bytes, &buffer) == napi_ok) {
    memcpy(bytes, records, size);
  }
  if (buffer != NULL) {
    napi_get_reference_value(env, hook->on_records, &function);
    napi_get_global(env, &receiver);
    if (napi_make_callback(env, hook->context, receiver, function, 1, &buffer, NULL) ==
        napi_pending_exception) {
      napi_value error;
      napi_get_and_clear_last_exception(env, &error);
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* Hands over what is there; true if no more will come. */
static bool deliver(struct hook* hook) {
  pthread_mutex_lock(&hook->lock);
  char* records = hook->records;
  const size_t used = hook->used;
  const bool ended = hook->ended;
  hook->records = NULL;
  hook->used = hook->size = 0;
  pthread_mutex_unlock(&hook->lock);
  if (used > 0) call_back(hook, records, used);
  free(records);
  return ended;
}

static void on_closed(uv_handle_t* handle) {
  struct instance* instance = uv_handle_get_data(handle);
  free(handle);
  instance_handle_closed(instance);
}

static bool is_open(const struct manager* manager, const struct hook* hook) {
  const struct hook* at = manager->hooks;
  while (at != NULL && at != hook) at = at->next;
  return at != NULL;
}

static void hook_close(struct hook* hook) {
  struct instance* instance = hook->instance;
  struct hook** at = &hook->manager->hooks;
  while (*at != hook) at = &(*at)->next;
  *at = hook->next;
  pthread_mutex_lock(&hook->lock);
  hook->closed = true;
  pthread_mutex_unlock(&hook->lock);
  napi_delete_reference(instance->env, hook->on_records);
  napi_async_destroy(instance->env, hook->context);
  uv_handle_set_data(hook->async, instance);
  ++instance->closing;
  uv_close(hook->async, on_closed);
  unref(hook);
}

/* What JavaScript does with what it is told may have ended the manager and the hook. */
static void finish(struct manager* manager, struct hook* hook) {
  if (is_open(manager, hook) && !manager->instance->ending) call_back(hook, NULL, 0);
  if (is_open(manager, hook)) hook_close(hook);
}

void hooks_close(struct manager* manager) {
  while (manager->hooks != NULL) {
    struct hook* hook = manager->hooks;
    if (!manager->instance->ending) deliver(hook);
    finish(manager, hook);
  }
}

static void on_async(uv_handle_t* handle) {
  struct hook* hook = uv_handle_get_data(handle);
  struct manager* manager = hook->manager;
  ++manager->references; /* JavaScript may destroy it meanwhile, and its hooks */
  if (deliver(hook)) finish(manager, hook);
  manager_unref(manager);
}

static struct hook* hook_create(struct manager* manager, napi_value on_records) {
  napi_env env = manager->instance->env;
  napi_value name;
  struct hook* hook = calloc(1, sizeof *hook);
  uv_handle_t* async = malloc(uv_handle_size(UV_ASYNC));
  if (hook == NULL || async == NULL ||
      uv_async_init(manager->instance->loop, async, on_async) != 0) {
    free(hook);
    free(async);
    return NULL;
  }
  pthread_mutex_init(&hook->lock, NULL);
  hook->references = 2;
  hook->manager = manager;
  hook->instance = manager->instance;
  hook->async = async;
  hook->next = manager->hooks;
  manager->hooks = hook;
  uv_handle_set_data(async, hook);
  uv_unref(async); /* what hooks are told keeps no process alive */
  napi_create_reference(env, on_records, 1, &hook->on_records);
  napi_create_string_utf8(env, "llmq hook", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &hook->context);
  return hook;
}

/* setHook(manager, mask, onRecords or null) */
static napi_value js_set_hook(napi_env env, napi_callback_info info) {
  napi_value args[3];
  napi_valuetype type;
  uint32_t mask = 0;
  llmq_status_t status;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL) return NULL;
  napi_get_value_uint32(env, args[1], &mask);
  napi_typeof(env, args[2], &type);
  if (type == napi_function) {
    struct hook* hook = hook_create(manager, args[2]);
    if (hook == NULL) return js_fail(env, LLMQ_ERR_NOMEM, NULL, NULL);
    status = lib.llmq_set_hook(manager->handle, mask, tell, hook, end);
  } else {
    status = lib.llmq_set_hook(manager->handle, 0, NULL, NULL, NULL);
  }
  return status == LLMQ_OK ? NULL : js_fail(env, status, NULL, NULL);
}

int hook_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {EXPORT("setHook", js_set_hook)};
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
