/* Managers: made, changed, shut down, destroyed. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "hook.h"
#include "js.h"
#include "library.h"
#include "log.h"

struct manager* manager_arg(napi_env env, napi_value value) {
  void* found = NULL;
  if (napi_get_value_external(env, value, &found) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "not a manager");
    return NULL;
  }
  struct manager* manager = found;
  if (manager->handle != NULL) return manager;
  js_fail(env, LLMQ_ERR_CLOSED, NULL, NULL);
  return NULL;
}

void manager_unref(struct manager* manager) {
  if (--manager->references > 0) return;
  free(manager->held);
  free(manager->held_free);
  free(manager->page);
  free(manager);
}

static void finalize(napi_env env, void* data, void* hint) {
  (void)env, (void)hint;
  manager_unref(data);
}

static void unlink_manager(struct manager* manager) {
  struct manager** at = &manager->instance->managers;
  while (*at != NULL && *at != manager) at = &(*at)->next;
  if (*at != NULL) *at = manager->next;
}

void manager_destroy(struct manager* manager) {
  llmq_manager_t* handle = manager->handle;
  if (handle == NULL) return;
  manager->handle = NULL;
  unlink_manager(manager);
  chunks_forget(manager);
  if (manager->shared) {
    lib.llmq_manager_unref(handle);
  } else {
    lib.llmq_manager_destroy(handle);
  }
  hooks_close(manager);
  if (manager->log != NULL) log_close(manager->log);
  poller_close(manager);
}

/* Reads the configuration, with its log if lines are wanted, and with its keys by events or not.
 * Throws and returns NULL if it is wrong. */
static llmq_conf_t* make_conf(napi_env env, napi_value json, int32_t log_level, struct log* log,
                              bool asks_for_keys) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  llmq_status_t status = lib.llmq_conf_create(&conf);
  struct text text;
  if (status == LLMQ_OK && asks_for_keys) status = lib.llmq_conf_ask_for_keys(conf);
  if (status == LLMQ_OK && log != NULL)
    status = lib.llmq_conf_set_log(conf, log_level, log_line, log, log_unref);
  if (status != LLMQ_OK) {
    js_fail(env, status, NULL, NULL);
  } else if (js_text(env, json, "config", &text) == 0) {
    status = lib.llmq_conf_set_json(conf, text.data, text.len, &err);
    free(text.data);
    if (status == LLMQ_OK) return conf;
    js_fail_with(env, status, err);
  }
  lib.llmq_conf_free(conf);
  return NULL;
}

/* Makes the library's manager and watches its queue. Throws and returns -1 if that fails. */
static int open_manager(struct manager* manager, const llmq_conf_t* conf, bool asks_for_keys) {
  napi_env env = manager->instance->env;
  llmq_error_t* err = NULL;
  llmq_status_t status = lib.llmq_cq_create(&manager->cq);
  if (status == LLMQ_OK) {
    status = manager->shared ? lib.llmq_manager_shared(conf, &manager->handle, &err)
                             : lib.llmq_manager_create(conf, &manager->handle, &err);
  }
  if (status != LLMQ_OK) {
    js_fail_with(env, status, err);
    return -1;
  }
  if (asks_for_keys) status = lib.llmq_set_key_queue(manager->handle, manager->cq, 0);
  if (status == LLMQ_OK && poller_open(manager) == 0) return 0;
  lib.llmq_manager_unref(manager->handle);
  manager->handle = NULL;
  if (status != LLMQ_OK) {
    js_fail(env, status, NULL, NULL);
  } else {
    js_fail(env, LLMQ_ERR_INTERNAL, "the event loop cannot watch the completion queue", NULL);
  }
  return -1;
}

/* create(json or null, shared, onEvents, logLevel, onLines or null, asksForKeys) */
static napi_value js_create(napi_env env, napi_callback_info info) {
  napi_value args[6], result = NULL;
  napi_valuetype json, lines;
  int32_t log_level = LLMQ_LOG_OFF;
  llmq_conf_t* conf = NULL;
  bool asks_for_keys = false;
  if (js_args(env, info, 6, args) != 0) return NULL;
  napi_typeof(env, args[0], &json);
  napi_typeof(env, args[4], &lines);
  struct manager* manager = calloc(1, sizeof *manager);
  if (manager == NULL) return js_fail(env, LLMQ_ERR_NOMEM, NULL, NULL);
  manager->page = malloc(PAGE_SIZE);
  manager->instance = instance_of(env);
  manager->references = 1;
  napi_get_value_bool(env, args[1], &manager->shared);
  napi_get_value_bool(env, args[5], &asks_for_keys);
  if (manager->page == NULL) {
    js_fail(env, LLMQ_ERR_NOMEM, NULL, NULL);
    goto failed;
  }
  if (js_int(env, args[3], "log level", &log_level) != 0) goto failed;
  if (lines == napi_function) manager->log = log_create(manager->instance, args[4]);
  if (json != napi_null) {
    conf = make_conf(env, args[0], log_level, manager->log, asks_for_keys);
    if (conf == NULL) goto failed;
  }
  napi_create_reference(env, args[2], 1, &manager->on_events);
  if (open_manager(manager, conf, asks_for_keys) != 0) goto failed;
  lib.llmq_conf_free(conf);
  manager->next = manager->instance->managers;
  manager->instance->managers = manager;
  napi_create_external(env, manager, finalize, NULL, &result);
  return result;
failed:
  if (conf != NULL) lib.llmq_conf_free(conf);
  if (manager->log != NULL) log_close(manager->log);
  if (manager->cq != NULL) lib.llmq_cq_unref(manager->cq);
  if (manager->on_events != NULL) napi_delete_reference(env, manager->on_events);
  free(manager->page);
  free(manager);
  return NULL;
}

/* destroy(manager): nothing happens if it is destroyed already. */
static napi_value js_destroy(napi_env env, napi_callback_info info) {
  napi_value arg;
  void* found = NULL;
  if (js_args(env, info, 1, &arg) != 0) return NULL;
  if (napi_get_value_external(env, arg, &found) == napi_ok) manager_destroy(found);
  return NULL;
}

/* shutdown(manager, mode, deadlineMs, slot): false if it is complete already; else an event of type
 * CLOSED with that slot follows. deadlineMs is from now; negative = none. */
static napi_value js_shutdown(napi_env env, napi_callback_info info) {
  napi_value args[4], result = NULL;
  int32_t mode, slot;
  double deadline_ms;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_int(env, args[1], "mode", &mode) != 0 ||
      js_double(env, args[2], "deadline", &deadline_ms) != 0 ||
      js_int(env, args[3], "slot", &slot) != 0)
    return NULL;
  const int64_t deadline =
      deadline_ms < 0 ? 0 : lib.llmq_now_ns() + (int64_t)(deadline_ms * 1e6) + 1;
  const llmq_status_t status =
      lib.llmq_manager_shutdown(manager->handle, mode, deadline, manager->cq, (uint64_t)slot);
  if (status != LLMQ_OK && status != LLMQ_ERR_CLOSED) return js_fail(env, status, NULL, NULL);
  napi_get_boolean(env, status == LLMQ_OK, &result);
  return result;
}

/* registerModels(manager, json, skipExisting) */
static napi_value js_register_models(napi_env env, napi_callback_info info) {
  napi_value args[3];
  bool skip = false;
  llmq_error_t* err = NULL;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  llmq_conf_t* conf = manager == NULL ? NULL : make_conf(env, args[1], LLMQ_LOG_OFF, NULL, false);
  if (conf == NULL) return NULL;
  napi_get_value_bool(env, args[2], &skip);
  const llmq_status_t status = lib.llmq_manager_register_models(
      manager->handle, conf, skip ? LLMQ_REGISTER_SKIP_EXISTING : 0, &err);
  lib.llmq_conf_free(conf);
  return status == LLMQ_OK ? NULL : js_fail_with(env, status, err);
}

/* removeModel(manager, model, mode) */
static napi_value js_remove_model(napi_env env, napi_callback_info info) {
  napi_value args[3];
  struct text model;
  int32_t mode;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager == NULL || js_int(env, args[2], "mode", &mode) != 0 ||
      js_text(env, args[1], "model", &model) != 0)
    return NULL;
  const llmq_status_t status =
      lib.llmq_manager_remove_model(manager->handle, model.data, model.len, mode);
  if (status != LLMQ_OK) js_fail(env, status, NULL, model.data);
  free(model.data);
  return NULL;
}

/* addDeployment(manager, model, name, json) */
static napi_value js_add_deployment(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct text model = {NULL, 0}, name = {NULL, 0};
  llmq_error_t* err = NULL;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager != NULL && js_text(env, args[1], "model", &model) == 0 &&
      js_text(env, args[2], "name", &name) == 0) {
    llmq_conf_t* conf = make_conf(env, args[3], LLMQ_LOG_OFF, NULL, false);
    if (conf != NULL) {
      const llmq_status_t status = lib.llmq_manager_add_deployment(
          manager->handle, model.data, model.len, name.data, name.len, conf, &err);
      lib.llmq_conf_free(conf);
      if (status != LLMQ_OK) js_fail_with(env, status, err);
    }
  }
  free(model.data);
  free(name.data);
  return NULL;
}

/* removeDeployment(manager, model, name, mode) */
static napi_value js_remove_deployment(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct text model = {NULL, 0}, name = {NULL, 0};
  llmq_error_t* err = NULL;
  int32_t mode;
  if (js_args(env, info, 4, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager != NULL && js_int(env, args[3], "mode", &mode) == 0 &&
      js_text(env, args[1], "model", &model) == 0 && js_text(env, args[2], "name", &name) == 0) {
    const llmq_status_t status = lib.llmq_manager_remove_deployment(
        manager->handle, model.data, model.len, name.data, name.len, mode, &err);
    if (status != LLMQ_OK) js_fail_with(env, status, err);
  }
  free(model.data);
  free(name.data);
  return NULL;
}

/* set(manager, key, value) */
static napi_value js_set(napi_env env, napi_callback_info info) {
  napi_value args[3];
  struct text key = {NULL, 0}, value = {NULL, 0};
  llmq_error_t* err = NULL;
  if (js_args(env, info, 3, args) != 0) return NULL;
  struct manager* manager = manager_arg(env, args[0]);
  if (manager != NULL && js_text(env, args[1], "key", &key) == 0 &&
      js_text(env, args[2], "value", &value) == 0) {
    const llmq_status_t status = lib.llmq_manager_set(manager->handle, key.data, value.data, &err);
    if (status != LLMQ_OK) js_fail_with(env, status, err);
  }
  free(key.data);
  free(value.data);
  return NULL;
}

int manager_exports(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      EXPORT("create", js_create),
      EXPORT("destroy", js_destroy),
      EXPORT("shutdown", js_shutdown),
      EXPORT("registerModels", js_register_models),
      EXPORT("removeModel", js_remove_model),
      EXPORT("addDeployment", js_add_deployment),
      EXPORT("removeDeployment", js_remove_deployment),
      EXPORT("set", js_set),
  };
  return export_functions(env, exports, functions, sizeof functions / sizeof *functions);
}
