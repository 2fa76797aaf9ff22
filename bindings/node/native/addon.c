#include "addon.h"

#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "js.h"
#include "library.h"

struct instance* instance_of(napi_env env) {
  void* instance = NULL;
  napi_get_instance_data(env, &instance);
  return instance;
}

int export_functions(napi_env env, napi_value exports, const napi_property_descriptor* functions,
                     size_t count) {
  return napi_define_properties(env, exports, count, functions) == napi_ok ? 0 : -1;
}

/* load(path): undefined, or why the library cannot be used. */
static napi_value js_load(napi_env env, napi_callback_info info) {
  char error[1024];
  struct text path;
  napi_value arg, result = NULL;
  if (js_args(env, info, 1, &arg) != 0 || js_text(env, arg, "path", &path) != 0) return NULL;
  if (library_load(path.data, error, sizeof error) != 0)
    result = js_string(env, error, NAPI_AUTO_LENGTH);
  free(path.data);
  return result;
}

/* Once the last handle is closed, the environment may go. */
static void let_go(struct instance* instance) {
  if (!instance->ending || instance->closing > 0 || instance->cleanup == NULL) return;
  napi_remove_async_cleanup_hook(instance->cleanup);
  instance->cleanup = NULL;
}

void instance_handle_closed(struct instance* instance) {
  --instance->closing;
  let_go(instance);
}

/* The environment is being taken down (process end, or a worker thread that ends): managers end
 * with it, and the loop must see every handle closed before the environment may go. */
static void on_cleanup(napi_async_cleanup_hook_handle handle, void* data) {
  struct instance* instance = data;
  (void)handle; /* the same as instance->cleanup */
  instance->ending = true;
  while (instance->managers != NULL) manager_destroy(instance->managers);
  let_go(instance);
}

static void free_instance(napi_env env, void* data, void* hint) {
  (void)env, (void)hint;
  free(data);
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      EXPORT("load", js_load),
      EXPORT("setErrorClass", js_set_error_class),
  };
  napi_value version = NULL;
  struct instance* instance = calloc(1, sizeof *instance);
  if (instance == NULL) return NULL;
  instance->env = env;
  napi_get_uv_event_loop(env, &instance->loop);
  napi_set_instance_data(env, instance, free_instance, NULL);
  napi_add_async_cleanup_hook(env, on_cleanup, instance, &instance->cleanup);
  if (export_functions(env, exports, functions, sizeof functions / sizeof *functions) != 0 ||
      manager_exports(env, exports) != 0 || submit_exports(env, exports) != 0 ||
      attempt_exports(env, exports) != 0 || info_exports(env, exports) != 0 ||
      poller_exports(env, exports) != 0 || hook_exports(env, exports) != 0)
    return NULL;
  napi_create_int32(env, RECORDS_VERSION, &version);
  napi_set_named_property(env, exports, "recordsVersion", version);
  return exports;
}
