#include "log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "js.h"

enum { LOG_LINES_MAX = 10000 }; /* that wait; more are counted and dropped */

struct line {
  struct line* next;
  int32_t level;
  size_t len;
  char text[];
};

struct log {
  pthread_mutex_t lock;
  struct line* first;
  struct line** last;
  size_t waiting;
  size_t dropped;
  int references;
  bool closed; /* nobody is there to read */
  struct instance* instance;
  uv_handle_t* async;
  napi_ref on_lines;
  napi_async_context context;
};

static void free_lines(struct line* line) {
  while (line != NULL) {
    struct line* next = line->next;
    free(line);
    line = next;
  }
}

void log_unref(void* user) {
  struct log* log = user;
  bool last;
  pthread_mutex_lock(&log->lock);
  last = --log->references == 0;
  pthread_mutex_unlock(&log->lock);
  if (!last) return;
  free_lines(log->first);
  pthread_mutex_destroy(&log->lock);
  free(log);
}

void log_line(void* user, int32_t level, const char* text, size_t len) {
  struct log* log = user;
  struct line* line = malloc(sizeof *line + len);
  pthread_mutex_lock(&log->lock);
  if (line == NULL || log->closed || log->waiting == LOG_LINES_MAX) {
    ++log->dropped;
    free(line);
  } else {
    line->next = NULL;
    line->level = level;
    line->len = len;
    memcpy(line->text, text, len);
    *log->last = line;
    log->last = &line->next;
    if (log->waiting++ == 0) uv_async_send(log->async);
  }
  pthread_mutex_unlock(&log->lock);
}

static struct line* take_lines(struct log* log, size_t* count, size_t* dropped) {
  struct line* first;
  pthread_mutex_lock(&log->lock);
  first = log->first;
  *count = log->waiting;
  *dropped = log->dropped;
  log->first = NULL;
  log->last = &log->first;
  log->waiting = log->dropped = 0;
  pthread_mutex_unlock(&log->lock);
  return first;
}

/* Calls on_lines([level, text, level, text, ...], dropped). */
static void deliver(struct log* log) {
  napi_env env = log->instance->env;
  size_t count, dropped;
  uint32_t at = 0;
  napi_handle_scope scope;
  napi_value args[2], function, receiver;
  struct line* lines = take_lines(log, &count, &dropped);
  if (lines == NULL && dropped == 0) return;
  napi_open_handle_scope(env, &scope);
  napi_create_array_with_length(env, count * 2, &args[0]);
  for (struct line* line = lines; line != NULL; line = line->next) {
    napi_set_element(env, args[0], at++, js_number(env, line->level));
    napi_set_element(env, args[0], at++, js_string(env, line->text, line->len));
  }
  free_lines(lines);
  args[1] = js_number(env, (double)dropped);
  napi_get_reference_value(env, log->on_lines, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, log->context, receiver, function, 2, args, NULL) ==
      napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void on_async(uv_handle_t* handle) { deliver(uv_handle_get_data(handle)); }

struct log* log_create(struct instance* instance, napi_value on_lines) {
  napi_env env = instance->env;
  napi_value name;
  struct log* log = calloc(1, sizeof *log);
  uv_handle_t* async = malloc(uv_handle_size(UV_ASYNC));
  if (log == NULL || async == NULL || uv_async_init(instance->loop, async, on_async) != 0) {
    free(log);
    free(async);
    return NULL;
  }
  pthread_mutex_init(&log->lock, NULL);
  log->last = &log->first;
  log->references = 2;
  log->instance = instance;
  log->async = async;
  uv_handle_set_data(async, log);
  uv_unref(async); /* log lines keep no process alive */
  napi_create_reference(env, on_lines, 1, &log->on_lines);
  napi_create_string_utf8(env, "llmq log", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &log->context);
  return log;
}

static void on_closed(uv_handle_t* handle) {
  struct instance* instance = uv_handle_get_data(handle);
  free(handle);
  instance_handle_closed(instance);
}

void log_close(struct log* log) {
  struct instance* instance = log->instance;
  if (!instance->ending) deliver(log);
  pthread_mutex_lock(&log->lock);
  log->closed = true;
  pthread_mutex_unlock(&log->lock);
  napi_delete_reference(instance->env, log->on_lines);
  napi_async_destroy(instance->env, log->context);
  uv_handle_set_data(log->async, instance);
  ++instance->closing;
  uv_close(log->async, on_closed);
  log_unref(log);
}
