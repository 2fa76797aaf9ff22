/* Workers drain attempts and end them in every way, or vanish, while requests are cancelled, time
 * out and are shut down: each request ends once, and what was lent is there until it is released.
 */
#include "pool.h"

#define WORKERS 3
#define SUBMITTERS 2
#define EACH 1200

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* work;
  llmq_cq_t* cq;
  struct tally tally;
  int stopping;
};

static void run_one(const struct scene* scene, const llmq_event_t* ready, uint64_t draw) {
  llmq_manager_t* m = scene->manager;
  const llmq_attempt_id_t attempt = ready->attempt_id;
  const char* data = ready->data;
  const llmq_usage_t usage = usage_of(2, 1);
  const char* text = NULL;
  size_t len = 0;
  llmq_status_t status = llmq_attempt_model(m, attempt, &text, &len);
  if (status == LLMQ_OK) CHECK(len == 1 && text[0] == 'm');
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
  if (draw % 3 == 0) status = llmq_attempt_heartbeat(m, attempt);
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
  if ((ready->flags & LLMQ_EVENT_STREAM) != 0) status = llmq_attempt_chunk(m, attempt, "c", 1);
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE || status == LLMQ_ERR_AGAIN);
  for (size_t i = 0; i < (size_t)ready->data_len; ++i) CHECK(data[i] == 'p');
  switch (draw / 3 % 8) {
    case 0: /* vanishes */
      return;
    case 1:
      status = llmq_attempt_fail(m, attempt, LLMQ_ERR_SERVER, "no", 2, 0);
      break;
    case 2:
      status = llmq_attempt_fail(m, attempt, LLMQ_ERR_PROCESSING, "no", 2, 0);
      break;
    default:
      status = llmq_attempt_succeed(m, attempt, data, (size_t)ready->data_len, &usage);
      break;
  }
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
  CHECK(ready->data_len == 0 || data[0] == 'p');
}

static void* work(void* user) {
  struct scene* scene = user;
  uint64_t random = 0x2545f4914f6cdd1du ^ (uint64_t)(uintptr_t)&scene;
  llmq_event_t events[8];
  memset(events, 0, sizeof events);
  while (!__atomic_load_n(&scene->stopping, __ATOMIC_ACQUIRE)) {
    const llmq_status_t status = llmq_cq_wait(scene->work, PATIENCE);
    CHECK(status == LLMQ_OK || status == LLMQ_ERR_AGAIN);
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(scene->work, events, 8);
    for (size_t i = 0; i < n; ++i) {
      const uint64_t draw = next_random(&random);
      if (events[i].type == LLMQ_EV_READY) {
        if (draw % 5 == 1) {
          llmq_event_t copy = events[i];
          llmq_events_release(&events[i], sizeof *events, 1); /* early: its data is not read */
          copy.data_len = 0;
          run_one(scene, &copy, draw / 5);
        } else {
          run_one(scene, &events[i], draw / 5);
        }
      } else {
        CHECK_INT(LLMQ_EV_CANCEL_REQUESTED, events[i].type);
        CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_heartbeat(scene->manager, events[i].attempt_id));
      }
    }
    llmq_events_release(events, sizeof *events, n);
  }
  CHECK_OK(llmq_cq_wake(scene->work)); /* the next one */
  return NULL;
}

struct submitter {
  struct scene* scene;
  uint64_t first;
};

static void* submit_all(void* user) {
  struct submitter* own = user;
  struct scene* scene = own->scene;
  uint64_t random = 0x9e3779b97f4a7c15u + own->first;
  llmq_request_id_t ids[16] = {0};
  for (uint64_t i = 0; i < EACH; ++i) {
    llmq_request_t request = request_to("m", "pppppppp");
    const uint64_t draw = next_random(&random);
    request.cq = scene->cq;
    request.user_data = own->first + i;
    request.max_attempts = 4;
    if (draw % 8 == 0) request.timeout_ns = 1 * MS;
    if (draw % 16 == 1) request.deadline_ns = llmq_now_ns() + 3 * MS;
    if (draw % 8 == 2) request.flags = LLMQ_REQUEST_STREAM;
    if (draw % 8 == 3) {
      request.dedup_key = "same";
      request.dedup_key_len = 4;
    }
    CHECK_OK(llmq_submit(scene->manager, &request, &ids[i % 16]));
    if (draw % 5 == 0) {
      const llmq_status_t status =
          llmq_cancel(scene->manager, ids[(draw >> 8) % (i < 16 ? i + 1 : 16)]);
      CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
    }
    if (draw % 256 == 7) CHECK_OK(llmq_model_set_workers(scene->manager, "m", 1, scene->work, MS));
  }
  return NULL;
}

/* Until `closed`, chunks among the ends. */
static void drain_all(struct scene* scene) {
  llmq_event_t events[32];
  memset(events, 0, sizeof events);
  for (int closed = 0; !closed;) {
    CHECK_OK(llmq_cq_wait(scene->cq, PATIENCE));
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(scene->cq, events, 32);
    for (size_t i = 0; i < n; ++i) {
      if (events[i].type == LLMQ_EV_CLOSED) closed = 1;
      if (events[i].type == LLMQ_EV_DONE) tally_add(&scene->tally, events[i].user_data);
    }
    llmq_events_release(events, sizeof *events, n);
  }
}

static void run(int32_t mode) {
  static struct scene scene;
  struct submitter submitters[SUBMITTERS];
  pthread_t threads[SUBMITTERS];
  pthread_t workers[WORKERS];
  llmq_stats_t stats;
  memset(&scene, 0, sizeof scene);
  scene.manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":64}],\"retry\":{\"base_ms\":1,"
      "\"cap_ms\":1,\"budget_at_a_time\":1000000},\"breaker\":{\"enabled\":false}}]}");
  scene.cq = new_cq();
  scene.work = new_cq();
  tally_init(&scene.tally, (size_t)SUBMITTERS * EACH);
  CHECK_OK(llmq_model_set_workers(scene.manager, "m", 1, scene.work, MS));
  for (int i = 0; i < WORKERS; ++i) {
    CHECK_INT(0, pthread_create(&workers[i], NULL, work, &scene));
  }
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i].scene = &scene;
    submitters[i].first = (uint64_t)i * EACH;
    CHECK_INT(0, pthread_create(&threads[i], NULL, submit_all, &submitters[i]));
  }
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  CHECK_OK(llmq_manager_shutdown(scene.manager, mode, 0, scene.cq, 0));
  drain_all(&scene);
  CHECK_INT(SUBMITTERS * EACH, tally_sum(&scene.tally));
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(scene.manager, NULL, 0, &stats));
  CHECK_INT(SUBMITTERS * EACH, stats.submitted);
  CHECK_INT(stats.submitted, stats.completed + stats.failed + stats.cancelled + stats.expired);
  CHECK_INT(0, stats.pending + stats.processing + stats.pending_bytes);
  __atomic_store_n(&scene.stopping, 1, __ATOMIC_RELEASE);
  CHECK_OK(llmq_cq_wake(scene.work));
  for (int i = 0; i < WORKERS; ++i) CHECK_INT(0, pthread_join(workers[i], NULL));
  CHECK_OK(llmq_manager_destroy(scene.manager));
  llmq_cq_unref(scene.work);
  llmq_cq_unref(scene.cq);
  free(scene.tally.done);
}

static void workers_meet_drain(void) { run(LLMQ_SHUTDOWN_DRAIN); }
static void workers_meet_cancel(void) { run(LLMQ_SHUTDOWN_CANCEL); }
static void workers_meet_abort(void) { run(LLMQ_SHUTDOWN_ABORT); }

int main(void) {
  RUN(workers_meet_drain);
  RUN(workers_meet_cancel);
  RUN(workers_meet_abort);
  return 0;
}
