/* What the C tests have in common: managers, requests, events, and a processor that holds its
 * attempts. */
#ifndef LLMQ_TESTS_CAPI_HELPERS_H_
#define LLMQ_TESTS_CAPI_HELPERS_H_

#include <pthread.h>
#include <time.h>

#include "check.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define PATIENCE                                                                  \
  (60 * SECOND) /* longer than any machine needs; passing tests never wait it out \
                 */

/* Something that is no handle of any kind. */
static uint64_t junk_words[64] __attribute__((unused));
#define JUNK ((void*)junk_words)

static inline llmq_conf_t* conf_of(const char* json) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  if (llmq_conf_set_json(conf, json, strlen(json), &err) != LLMQ_OK) {
    (void)fprintf(stderr, "%s: %s\n", json, llmq_error_message(err));
    abort();
  }
  return conf;
}

static inline llmq_manager_t* manager_of(const char* json) {
  llmq_conf_t* conf = conf_of(json);
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  return manager;
}

/* One model "m" without limits, whose attempts a processor runs. */
static inline llmq_manager_t* plain_manager(void) {
  return manager_of("{\"models\":[{\"name\":\"m\"}]}");
}

static inline llmq_cq_t* new_cq(void) {
  llmq_cq_t* cq = NULL;
  CHECK_OK(llmq_cq_create(&cq));
  return cq;
}

static inline llmq_request_t request_to(const char* model, const char* payload) {
  llmq_request_t request;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_CUSTOM;
  request.model = model;
  request.model_len = strlen(model);
  request.payload = payload;
  request.payload_len = strlen(payload);
  return request;
}

static inline llmq_request_id_t submit_to_cq(llmq_manager_t* manager, const char* model,
                                             const char* payload, llmq_cq_t* cq) {
  llmq_request_t request = request_to(model, payload);
  llmq_request_id_t id = 0;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK(id != 0);
  return id;
}

static inline llmq_usage_t usage_of(int64_t input, int64_t output) {
  llmq_usage_t usage;
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  usage.input_tokens = input;
  usage.output_tokens = output;
  return usage;
}

/* The next event of the queue. */
static inline llmq_event_t next_event(llmq_cq_t* cq) {
  llmq_event_t event;
  memset(&event, 0, sizeof event);
  event.stride = sizeof event;
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_INT(1, llmq_cq_drain(cq, &event, 1));
  return event;
}

static inline void check_no_event(llmq_cq_t* cq) {
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 0));
}

/* The next event must be this end of this request; it is released. */
static inline void expect_done(llmq_cq_t* cq, llmq_request_id_t id, llmq_status_t status,
                               int32_t state) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_DONE, event.type);
  CHECK_STATUS(status, event.status);
  CHECK_INT(state, event.state);
  CHECK(event.request_id == id);
  llmq_events_release(&event, sizeof event, 1);
}

static inline void expect_closed(llmq_cq_t* cq, uint64_t user_data) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_CLOSED, event.type);
  CHECK_INT(user_data, event.user_data);
  CHECK(event.request_id == 0);
  llmq_events_release(&event, sizeof event, 1);
  check_no_event(cq);
}

/* The manager's shutdown is complete when this returns. */
static inline void close_manager(llmq_manager_t* manager) {
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, cq, 1));
  expect_closed(cq, 1);
  llmq_cq_unref(cq);
}

static inline void count_call(void* user) { __atomic_fetch_add((int*)user, 1, __ATOMIC_SEQ_CST); }

static inline int calls_of(const int* count) { return __atomic_load_n(count, __ATOMIC_SEQ_CST); }

/* ---- A latch: one thread waits until others have done something n times ---- */

struct latch {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int count;
};

static inline void latch_init(struct latch* latch) {
  pthread_mutex_init(&latch->mutex, NULL);
  pthread_cond_init(&latch->changed, NULL);
  latch->count = 0;
}

static inline void latch_hit(struct latch* latch) {
  pthread_mutex_lock(&latch->mutex);
  ++latch->count;
  pthread_cond_broadcast(&latch->changed);
  pthread_mutex_unlock(&latch->mutex);
}

/* With the mutex held. */
static inline void wait_changed(pthread_cond_t* changed, pthread_mutex_t* mutex) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE / SECOND;
  CHECK_INT(0, pthread_cond_timedwait(changed, mutex, &until));
}

static inline void latch_wait(struct latch* latch, int n) {
  pthread_mutex_lock(&latch->mutex);
  while (latch->count < n) wait_changed(&latch->changed, &latch->mutex);
  pthread_mutex_unlock(&latch->mutex);
}

/* ---- A processor that keeps its attempts until the test ends them ---- */

#define HELD_MAX 64

struct held {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  llmq_event_t ready[HELD_MAX];
  int ready_count;
  llmq_event_t cancelled[HELD_MAX];
  int cancelled_count;
  int freed;
};

static inline void held_ready(void* user, const llmq_event_t* event) {
  struct held* held = user;
  pthread_mutex_lock(&held->mutex);
  CHECK(held->ready_count < HELD_MAX);
  held->ready[held->ready_count++] = *event;
  pthread_cond_broadcast(&held->changed);
  pthread_mutex_unlock(&held->mutex);
}

static inline void held_cancelled(void* user, const llmq_event_t* event) {
  struct held* held = user;
  pthread_mutex_lock(&held->mutex);
  CHECK(held->cancelled_count < HELD_MAX);
  held->cancelled[held->cancelled_count++] = *event;
  pthread_cond_broadcast(&held->changed);
  pthread_mutex_unlock(&held->mutex);
}

static inline void held_freed(void* user) { count_call(&((struct held*)user)->freed); }

/* The processor of the model, from now on. */
static inline void hold_attempts(llmq_manager_t* manager, const char* model, struct held* held) {
  memset(held, 0, sizeof *held);
  pthread_mutex_init(&held->mutex, NULL);
  pthread_cond_init(&held->changed, NULL);
  CHECK_OK(llmq_model_set_processor(manager, model, strlen(model), held_ready, held_cancelled, held,
                                    held_freed));
}

/* The n-th attempt, from 1. */
static inline llmq_attempt_id_t nth_attempt(struct held* held, int n) {
  pthread_mutex_lock(&held->mutex);
  while (held->ready_count < n) wait_changed(&held->changed, &held->mutex);
  const llmq_attempt_id_t attempt = held->ready[n - 1].attempt_id;
  pthread_mutex_unlock(&held->mutex);
  return attempt;
}

/* The n-th attempt that was to stop, from 1. */
static inline llmq_attempt_id_t nth_cancelled(struct held* held, int n) {
  pthread_mutex_lock(&held->mutex);
  while (held->cancelled_count < n) wait_changed(&held->changed, &held->mutex);
  const llmq_attempt_id_t attempt = held->cancelled[n - 1].attempt_id;
  pthread_mutex_unlock(&held->mutex);
  return attempt;
}

static inline int held_count(struct held* held) {
  pthread_mutex_lock(&held->mutex);
  const int count = held->ready_count;
  pthread_mutex_unlock(&held->mutex);
  return count;
}

/* ---- A processor that answers with its payload, at once ---- */

static inline void echo(void* user, const llmq_event_t* ready) {
  llmq_manager_t* manager = user;
  const llmq_usage_t usage = usage_of(7, 3);
  CHECK_OK(llmq_attempt_succeed(manager, ready->attempt_id, ready->data, (size_t)ready->data_len,
                                &usage));
}

static inline void echo_attempts(llmq_manager_t* manager, const char* model) {
  CHECK_OK(llmq_model_set_processor(manager, model, strlen(model), echo, NULL, manager, NULL));
}

#endif /* LLMQ_TESTS_CAPI_HELPERS_H_ */
