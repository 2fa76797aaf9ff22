/* runner CASE.json [workers]: runs one case of tests/scenarios against the C API. Its processors
 * are pushed or, with that word, pulled by a worker. Exit code 0: as expected. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"

static const char* case_name = "";

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)fprintf(stderr, "%s: ", case_name);
  (void)vfprintf(stderr, format, arguments);
  (void)fprintf(stderr, "\n");
  va_end(arguments);
  _exit(1); /* other threads still run: nothing is taken down below them */
}

static int32_t mode_of(const cJSON* step) {
  static const char* const kModes[] = {"drain", "cancel", "abort", NULL};
  return word_of(text_of(step, "mode", "drain"), kModes);
}

static llmq_conf_t* conf_of(const cJSON* config) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* error = NULL;
  char* json = config == NULL ? NULL : cJSON_PrintUnformatted(config);
  if (llmq_conf_create(&conf) != LLMQ_OK) fail("no configuration");
  if (json != NULL && llmq_conf_set_json(conf, json, strlen(json), &error) != LLMQ_OK) {
    fail("config: %s", llmq_error_message(error));
  }
  cJSON_free(json);
  return conf;
}

/* ---- Events ---- */

static int is_over(const struct request* request) {
  return request->response != NULL || request->permit != 0;
}

static void take_one(struct scenario* run, llmq_event_t* event) {
  if (run->closed) fail("an event of type %d after CLOSED", event->type);
  if (event->type == LLMQ_EV_CLOSED) {
    run->closed = 1;
    return;
  }
  struct request* request = &run->requests[event->user_data];
  if (is_over(request)) fail("%s: an event after its last", request->ref);
  if (event->type == LLMQ_EV_CHUNK) {
    char* text = strndup(event->data, event->data_len);
    cJSON_AddItemToArray(request->chunks, cJSON_CreateString(text));
    free(text);
  } else if (event->type == LLMQ_EV_PERMIT) {
    request->permit = event->attempt_id;
    cJSON_AddItemToArray(run->permits, cJSON_CreateString(request->ref));
  } else if (event->type == LLMQ_EV_DONE) {
    if (llmq_event_take(event, &request->response) != LLMQ_OK) fail("%s: take", request->ref);
    cJSON_AddItemToArray(run->done, cJSON_CreateString(request->ref));
  } else {
    fail("%s: an event of type %d", request->ref, event->type);
  }
}

void take(struct scenario* run, llmq_event_t* event) {
  pthread_mutex_lock(&run->mutex);
  take_one(run, event);
  pthread_mutex_unlock(&run->mutex);
}

void done_callback(void* user, const llmq_event_t* event) {
  struct scenario* run = user;
  take(run, (llmq_event_t*)event);
  llmq_cq_wake(run->cq);
}

static void drain(struct scenario* run) {
  llmq_event_t events[256];
  size_t n = 0;
  memset(events, 0, sizeof events);
  events[0].stride = sizeof *events;
  while ((n = llmq_cq_drain(run->cq, events, 256)) > 0) {
    for (size_t i = 0; i < n; ++i) take(run, &events[i]);
    llmq_events_release(events, sizeof *events, n);
  }
}

/* ---- Waiting ---- */

/* Is what the step waits for so? */
static int happened(struct scenario* run, const cJSON* step, const char* what) {
  struct request* request = strcmp(what, "stats") == 0 ? NULL : find(run, step);
  int yes = 0;
  if (request == NULL) {
    return stats_are(run, text_of(step, "model", ""), cJSON_GetObjectItem(step, "is"), 0);
  }
  pthread_mutex_lock(&run->mutex);
  if (strcmp(what, "done") == 0) {
    yes = request->response != NULL;
  } else if (strcmp(what, "permit") == 0) {
    yes = request->permit != 0;
  } else if (strcmp(what, "started") == 0) {
    yes = request->attempts >= number_of(step, "attempt", 1);
  } else if (strcmp(what, "stopped") == 0) {
    yes = request->stopped > 0;
  } else if (strcmp(what, "chunks") == 0) {
    yes = cJSON_GetArraySize(request->chunks) >= number_of(step, "count", 1);
  } else {
    fail("unknown wait \"%s\"", what);
  }
  pthread_mutex_unlock(&run->mutex);
  return yes;
}

static void wait_for(struct scenario* run, const cJSON* step) {
  const char* what = text_of(step, "for", "");
  const int64_t end = llmq_now_ns() + PATIENCE_NS;
  known_members(step, "do for ref attempt count model is", "wait");
  for (;;) {
    drain(run);
    if (happened(run, step, what)) return;
    if (llmq_now_ns() > end) fail("\"%s\" of \"%s\" never came", what, text_of(step, "ref", ""));
    /* The processor wakes the queue; counters have to be looked at. */
    (void)llmq_cq_wait(run->cq, strcmp(what, "stats") == 0 ? MS : end - llmq_now_ns());
  }
}

static int is_done(struct scenario* run, const struct request* request) {
  pthread_mutex_lock(&run->mutex);
  const int yes = is_over(request);
  pthread_mutex_unlock(&run->mutex);
  return yes;
}

static void wait_for_all(struct scenario* run) {
  const int64_t end = llmq_now_ns() + PATIENCE_NS;
  for (size_t i = 0; i < run->count; ++i) {
    const struct request* request = &run->requests[i];
    while (request->accepted && !is_done(run, request)) {
      if (llmq_now_ns() > end) fail("%s: DONE never came", request->ref);
      (void)llmq_cq_wait(run->cq, end - llmq_now_ns());
      drain(run);
    }
  }
}

/* ---- Steps ---- */

static void finish(struct scenario* run, const cJSON* step) {
  struct request* request = find(run, step);
  known_members(step, "do ref with", "finish");
  pthread_mutex_lock(&run->mutex);
  const llmq_attempt_id_t attempt = request->held;
  request->held = 0;
  pthread_mutex_unlock(&run->mutex);
  if (attempt == 0) fail("%s: nothing is held", request->ref);
  run_outcome(run, attempt, cJSON_GetObjectItem(step, "with"));
}

static void shut_down(struct scenario* run, int32_t mode, int64_t deadline_ns) {
  const llmq_status_t status =
      llmq_manager_shutdown(run->manager, mode, deadline_ns, run->closing ? NULL : run->cq, 0);
  if (status != LLMQ_OK) fail("shutdown gives %s", llmq_status_name(status));
  run->closing = 1;
}

static void usage_update(struct scenario* run, const cJSON* step) {
  const llmq_usage_t usage = usage_of(cJSON_GetObjectItem(step, "usage"));
  check_status(step, llmq_usage_update(run->manager, find(run, step)->id, &usage), "usage_update");
}

static void response_get(struct scenario* run, const cJSON* step) {
  llmq_response_t* response = NULL;
  struct request* request = find(run, step);
  const llmq_status_t status = llmq_response_get(run->manager, request->id, &response);
  check_status(step, status, "response_get");
  if (status == LLMQ_OK) {
    check_response(request->ref, response, request->chunks, cJSON_GetObjectItem(step, "is"));
  }
  llmq_response_free(response);
}

static void add_models(struct scenario* run, const cJSON* step) {
  llmq_conf_t* conf = conf_of(cJSON_GetObjectItem(step, "config"));
  check_status(step, llmq_manager_register_models(run->manager, conf, 0, NULL), "add_models");
  llmq_conf_free(conf);
  set_processors(run);
}

static void do_step(struct scenario* run, const cJSON* step) {
  const char* what = text_of(step, "do", "");
  if (strcmp(what, "submit") == 0) {
    submit(run, step);
  } else if (strcmp(what, "submit_batch") == 0) {
    submit_batch(run, step);
  } else if (strcmp(what, "submit_many") == 0) {
    submit_many(run, step);
  } else if (strcmp(what, "wait") == 0) {
    wait_for(run, step);
  } else if (strcmp(what, "cancel") == 0) {
    check_status(step, llmq_cancel(run->manager, find(run, step)->id), "cancel");
  } else if (strcmp(what, "finish") == 0) {
    finish(run, step);
  } else if (strcmp(what, "shutdown") == 0) {
    shut_down(run, mode_of(step), time_of(step, "deadline_ms", llmq_now_ns()));
  } else if (strcmp(what, "set") == 0) {
    check_status(
        step,
        llmq_manager_set(run->manager, text_of(step, "key", ""), text_of(step, "value", ""), NULL),
        "set");
  } else if (strcmp(what, "acquire") == 0) {
    acquire(run, step);
  } else if (strcmp(what, "release") == 0) {
    release(run, step);
  } else if (strcmp(what, "usage_update") == 0) {
    usage_update(run, step);
  } else if (strcmp(what, "response_get") == 0) {
    response_get(run, step);
  } else if (strcmp(what, "add_models") == 0) {
    add_models(run, step);
  } else if (strcmp(what, "remove_model") == 0) {
    const char* model = text_of(step, "model", "m");
    check_status(step, llmq_manager_remove_model(run->manager, model, strlen(model), mode_of(step)),
                 "remove_model");
  } else {
    fail("unknown step \"%s\"", what);
  }
}

static size_t requests_in(const cJSON* steps) {
  const cJSON* step = NULL;
  size_t n = 0;
  cJSON_ArrayForEach(step, steps) {
    const cJSON* batch = cJSON_GetObjectItem(step, "requests");
    n += (size_t)number_of(step, "count", 1);
    n += (size_t)cJSON_GetArraySize(batch);
  }
  return n;
}

/* ---- The case ---- */

static void begin(struct scenario* run, const cJSON* root, int pull) {
  llmq_conf_t* conf = conf_of(cJSON_GetObjectItem(root, "config"));
  llmq_error_t* error = NULL;
  memset(run, 0, sizeof *run);
  run->root = root;
  run->processors = cJSON_GetObjectItem(root, "processors");
  run->capacity = requests_in(cJSON_GetObjectItem(root, "steps"));
  run->requests = calloc(run->capacity + 1, sizeof *run->requests);
  run->done = cJSON_CreateArray();
  run->permits = cJSON_CreateArray();
  run->started = cJSON_CreateArray();
  pthread_mutex_init(&run->mutex, NULL);
  if (run->requests == NULL || llmq_cq_create(&run->cq) != LLMQ_OK) fail("out of memory");
  if (llmq_manager_create(conf, &run->manager, &error) != LLMQ_OK) {
    fail("manager: %s", llmq_error_message(error));
  }
  llmq_conf_free(conf);
  if (pull || cJSON_HasObjectItem(root, "workers")) begin_worker(run);
  set_processors(run);
}

static void end(struct scenario* run) {
  const int64_t until = llmq_now_ns() + PATIENCE_NS;
  if (!run->closing) shut_down(run, LLMQ_SHUTDOWN_ABORT, 0);
  while (!run->closed) {
    drain(run);
    if (llmq_now_ns() > until) fail("CLOSED never came");
    if (!run->closed) (void)llmq_cq_wait(run->cq, until - llmq_now_ns());
  }
  drain(run);
  if (run->work != NULL) end_worker(run);
  if (llmq_manager_destroy(run->manager) != LLMQ_OK) fail("destroy");
  llmq_cq_unref(run->cq);
  for (size_t i = 0; i < run->count; ++i) {
    llmq_response_free(run->requests[i].response);
    cJSON_Delete(run->requests[i].chunks);
    free(run->requests[i].payload);
  }
  free(run->requests);
  cJSON_Delete(run->done);
  cJSON_Delete(run->permits);
  cJSON_Delete(run->started);
  pthread_mutex_destroy(&run->mutex);
}

static void run_case(const cJSON* root, int pull) {
  static const char* const kNeeds[] = {"workers", "vanish", "permits", NULL};
  struct scenario run;
  const cJSON* step = NULL;
  const cJSON* need = NULL;
  cJSON_ArrayForEach(need, cJSON_GetObjectItem(root, "needs")) {
    (void)word_of(need->valuestring, kNeeds);
  }
  known_members(root, "name why needs complaint workers config processors steps expect", "case");
  begin(&run, root, pull);
  const int64_t started = llmq_now_ns();
  cJSON_ArrayForEach(step, cJSON_GetObjectItem(root, "steps")) do_step(&run, step);
  wait_for_all(&run);
  check_expectations(&run, llmq_now_ns() - started);
  end(&run);
}

static cJSON* read_case(const char* path) {
  static char text[1 << 16];
  FILE* file = fopen(path, "rb");
  if (file == NULL) fail("cannot be opened");
  const size_t len = fread(text, 1, sizeof text - 1, file);
  (void)fclose(file);
  text[len] = '\0';
  cJSON* root = cJSON_Parse(text);
  if (root == NULL) fail("is no JSON");
  return root;
}

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) fail("usage: runner CASE.json [workers]");
  case_name = argv[1];
  cJSON* root = read_case(argv[1]);
  case_name = text_of(root, "name", argv[1]);
  run_case(root, argc == 3 && strcmp(argv[2], "workers") == 0);
  cJSON_Delete(root);
  printf("passed\n");
  return 0;
}
