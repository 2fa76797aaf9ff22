/* The processor of a case, or a worker that pulls: an attempt ends, or waits, as its script says.
 */
#include "case.h"

#include <stdio.h>
#include <string.h>

static void chunks_of(struct scenario* run, llmq_attempt_id_t attempt, const cJSON* outcome) {
  const cJSON* chunk = NULL;
  cJSON_ArrayForEach(chunk, cJSON_GetObjectItem(outcome, "chunks")) {
    const char* text = chunk->valuestring;
    const llmq_status_t status = llmq_attempt_chunk(run->manager, attempt, text, strlen(text));
    if (status != LLMQ_OK) fail("chunk \"%s\" gives %s", text, llmq_status_name(status));
  }
}

/* What the processor sees of the request, as its answer. */
static llmq_status_t echo(struct scenario* run, const llmq_event_t* ready, const char* what) {
  const llmq_attempt_id_t attempt = ready->attempt_id;
  const void* data = "";
  const char* text = NULL;
  char number[24];
  size_t len = 0;
  if (strcmp(what, "metadata") == 0) {
    llmq_attempt_metadata(run->manager, attempt, &data, &len);
  } else if (strcmp(what, "tenant") == 0) {
    llmq_attempt_tenant(run->manager, attempt, &text, &len);
  } else if (strcmp(what, "model") == 0) {
    llmq_attempt_model(run->manager, attempt, &text, &len);
  } else if (strcmp(what, "request_key") == 0) {
    llmq_attempt_request_key(run->manager, attempt, &text, &len);
  } else if (strcmp(what, "payload") == 0) {
    data = ready->data;
    len = ready->data_len;
  } else if (strcmp(what, "payload_bytes") == 0) {
    len = (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)ready->data_len);
    text = number;
  } else {
    fail("unknown echo \"%s\"", what);
  }
  return llmq_attempt_succeed(run->manager, attempt, text == NULL ? data : text, len, NULL);
}

void run_outcome(struct scenario* run, llmq_attempt_id_t attempt, const cJSON* outcome) {
  llmq_status_t status = LLMQ_OK;
  const char* succeed = text_of(outcome, "succeed", NULL);
  const char* failure = text_of(outcome, "fail", NULL);
  const char* thrown = text_of(outcome, "throw", NULL);
  const cJSON* usage = cJSON_GetObjectItem(outcome, "usage");
  const char* message = text_of(outcome, "message", "");
  known_members(outcome, "succeed fail throw hold vanish chunks usage message retry_after_ms",
                "outcome");
  chunks_of(run, attempt, outcome);
  if (succeed != NULL) {
    const llmq_usage_t used = usage_of(usage);
    status = llmq_attempt_succeed(run->manager, attempt, succeed, strlen(succeed),
                                  usage == NULL ? NULL : &used);
  } else if (failure != NULL) {
    status = llmq_attempt_fail(run->manager, attempt, status_of(failure), message, strlen(message),
                               number_of(outcome, "retry_after_ms", 0) * MS);
  } else if (thrown != NULL) { /* C cannot throw; this is what bindings make of it */
    status =
        llmq_attempt_fail(run->manager, attempt, LLMQ_ERR_PROCESSING, thrown, strlen(thrown), 0);
  } else if (!cJSON_HasObjectItem(outcome, "hold") && !cJSON_HasObjectItem(outcome, "vanish")) {
    fail("an outcome says nothing");
  }
  /* It may have been cancelled on the way. */
  if (status != LLMQ_OK && status != LLMQ_ERR_STALE) fail("%s", llmq_status_name(status));
}

static const cJSON* outcome_of(struct scenario* run, const struct request* request,
                               const llmq_event_t* event) {
  char model[64];
  const char* name = NULL;
  size_t len = 0;
  int count = 0;
  const cJSON* script = cJSON_GetObjectItem(request->step, "attempts");
  if (script == NULL) {
    if (llmq_attempt_model(run->manager, event->attempt_id, &name, &len) != LLMQ_OK) {
      fail("%s: an attempt without a model", request->ref);
    }
    (void)snprintf(model, sizeof model, "%.*s", (int)len, name);
    script = cJSON_GetObjectItemCaseSensitive(run->processors, model);
  }
  count = cJSON_GetArraySize(script);
  if (count == 0) fail("%s: no outcome is scripted", request->ref);
  return cJSON_GetArrayItem(script,
                            (int)event->attempt < count ? (int)event->attempt - 1 : count - 1);
}

static void ready(void* user, const llmq_event_t* event) {
  struct scenario* run = user;
  const cJSON* outcome = NULL;
  pthread_mutex_lock(&run->mutex);
  struct request* request = &run->requests[event->user_data];
  outcome = outcome_of(run, request, event);
  request->attempts = (int)event->attempt;
  cJSON_AddItemToArray(run->started, cJSON_CreateString(request->ref));
  if (cJSON_HasObjectItem(outcome, "hold")) request->held = event->attempt_id;
  pthread_mutex_unlock(&run->mutex);
  if (cJSON_HasObjectItem(outcome, "echo")) {
    (void)echo(run, event, text_of(outcome, "echo", ""));
  } else {
    run_outcome(run, event->attempt_id, outcome);
  }
  llmq_cq_wake(run->cq);
}

static void cancelled(void* user, const llmq_event_t* event) {
  struct scenario* run = user;
  pthread_mutex_lock(&run->mutex);
  struct request* request = &run->requests[event->user_data];
  ++request->stopped;
  if (request->held == event->attempt_id) request->held = 0;
  pthread_mutex_unlock(&run->mutex);
  const llmq_status_t status = /* a worker need not report */
      llmq_attempt_fail(run->manager, event->attempt_id, LLMQ_ERR_CANCELLED, NULL, 0, 0);
  if (status != LLMQ_ERR_STALE) fail("a stopped attempt ends with %s", llmq_status_name(status));
  llmq_cq_wake(run->cq);
}

/* Attempts that are held are alive. */
static void send_heartbeats(struct scenario* run) {
  pthread_mutex_lock(&run->mutex);
  for (size_t i = 0; i < run->capacity; ++i) {
    const llmq_attempt_id_t attempt = run->requests[i].held;
    if (attempt != 0) (void)llmq_attempt_heartbeat(run->manager, attempt);
  }
  pthread_mutex_unlock(&run->mutex);
}

static void* work(void* argument) {
  struct scenario* run = argument;
  llmq_event_t events[64];
  int stop = 0;
  memset(events, 0, sizeof events);
  events[0].stride = sizeof *events;
  while (!stop) {
    size_t n = 0;
    (void)llmq_cq_wait(run->work, run->lease_ns > 0 ? run->lease_ns / 20 : PATIENCE_NS);
    while ((n = llmq_cq_drain(run->work, events, 64)) > 0) {
      for (size_t i = 0; i < n; ++i) {
        if (events[i].type == LLMQ_EV_READY) ready(run, &events[i]);
        if (events[i].type == LLMQ_EV_CANCEL_REQUESTED) cancelled(run, &events[i]);
      }
      llmq_events_release(events, sizeof *events, n);
    }
    if (run->lease_ns > 0) send_heartbeats(run);
    pthread_mutex_lock(&run->mutex);
    stop = run->stop;
    pthread_mutex_unlock(&run->mutex);
  }
  return NULL;
}

void begin_worker(struct scenario* run) {
  run->lease_ns = number_of(cJSON_GetObjectItem(run->root, "workers"), "lease_ms", 0) * MS;
  if (llmq_cq_create(&run->work) != LLMQ_OK || pthread_create(&run->worker, NULL, work, run) != 0) {
    fail("no worker");
  }
}

void end_worker(struct scenario* run) {
  pthread_mutex_lock(&run->mutex);
  run->stop = 1;
  pthread_mutex_unlock(&run->mutex);
  (void)llmq_cq_wake(run->work);
  (void)pthread_join(run->worker, NULL);
  llmq_cq_unref(run->work);
}

/* Of the models that are there; those of later steps follow. */
void set_processors(struct scenario* run) {
  const cJSON* script = NULL;
  cJSON_ArrayForEach(script, run->processors) {
    const char* model = script->string;
    const size_t len = strlen(model);
    const llmq_status_t status =
        run->work != NULL
            ? llmq_model_set_workers(run->manager, model, len, run->work, run->lease_ns)
            : llmq_model_set_processor(run->manager, model, len, ready, cancelled, run, NULL);
    if (status != LLMQ_OK && status != LLMQ_ERR_UNKNOWN_MODEL) {
      fail("processor of %s: %s", script->string, llmq_status_name(status));
    }
  }
}
