/* What the files of the addon share: the state of one JavaScript environment (the main thread, or
 * one worker thread), and the managers in it. */
#ifndef LLMQ_NODE_ADDON_H_
#define LLMQ_NODE_ADDON_H_

#include <llmq/llmq.h>
#include <node_api.h>
#include <stdbool.h>

#include "loop.h"
#include "records.h"

struct manager;

struct instance {
  napi_env env;
  uv_loop_t* loop;
  napi_ref error_class;
  struct manager* managers; /* that are open */
  int closing;              /* handles of libuv that have not called back yet */
  bool ending;              /* the environment is being taken down */
  napi_async_cleanup_hook_handle cleanup;
};

/* A manager with its completion queue, watched by the loop of its environment. */
struct manager {
  struct instance* instance;
  struct manager* next;
  llmq_manager_t* handle; /* NULL once it has been destroyed */
  llmq_cq_t* cq;
  bool shared; /* the process's one: dropped, not destroyed */
  uv_handle_t* poll;
  struct log* log;
  struct hook* hooks; /* the one that is told, and those before it that have something left */
  napi_ref on_events;
  napi_async_context context;
  char* page;         /* where what one turn brings is written: PAGE_SIZE bytes */
  llmq_event_t* held; /* chunks that JavaScript has not read yet; their memory counts */
  int32_t* held_free;
  size_t held_size;
  size_t held_free_count;
  int references; /* the external value, and the open poll */
};

struct instance* instance_of(napi_env env);
/* Every handle of libuv that was closed says so here. */
void instance_handle_closed(struct instance* instance);

/* The manager of an external value; throws and returns NULL if it is none, or is destroyed. */
struct manager* manager_arg(napi_env env, napi_value value);
void manager_unref(struct manager* manager);
/* Ends it: blocks until its thread has ended, which an abort makes short. */
void manager_destroy(struct manager* manager);

/* The poller: events from the queue to JavaScript. */
int poller_open(struct manager* manager);
void poller_close(struct manager* manager);
/* Gives back the memory of chunks that JavaScript will not read any more. */
void chunks_forget(struct manager* manager);
/* Exports of the other files, added to the module's object. */
int export_functions(napi_env env, napi_value exports, const napi_property_descriptor* functions,
                     size_t count);
int manager_exports(napi_env env, napi_value exports);
int submit_exports(napi_env env, napi_value exports);
int poller_exports(napi_env env, napi_value exports);
int attempt_exports(napi_env env, napi_value exports);
int info_exports(napi_env env, napi_value exports);

#define EXPORT(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL }

#endif /* LLMQ_NODE_ADDON_H_ */
