/* Permits are asked for, tried for, released, refused, lost and taken back by many threads at once,
 * and a shutdown comes: each is answered once, and no place is lost. */
#include "pool.h"

#define TAKERS 3
#define EACH 800

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct tally tally;
  int closed;
};

static void end_permit(const struct scene* scene, llmq_attempt_id_t permit, uint64_t draw) {
  const llmq_usage_t usage = usage_of(3, 2);
  const char* text = NULL;
  size_t len = 0;
  llmq_status_t status = llmq_attempt_deployment(scene->manager, permit, &text, &len);
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
  switch (draw % 6) {
    case 0: /* forgotten: its lease lapses */
      return;
    case 1:
      status = llmq_attempt_fail(scene->manager, permit, LLMQ_ERR_SERVER, "no", 2, 0);
      break;
    case 2:
      status = llmq_attempt_heartbeat(scene->manager, permit);
      CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
      status = llmq_permit_release(scene->manager, permit, NULL);
      break;
    default:
      status = llmq_permit_release(scene->manager, permit, &usage);
      break;
  }
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
}

/* Ends whatever has been drained, until the manager is closed. */
static void* use_permits(void* user) {
  struct scene* scene = user;
  uint64_t random = 0x2545f4914f6cdd1du ^ (uint64_t)(uintptr_t)&scene;
  llmq_event_t events[4];
  memset(events, 0, sizeof events);
  while (!__atomic_load_n(&scene->closed, __ATOMIC_ACQUIRE)) {
    const llmq_status_t status = llmq_cq_wait(scene->cq, PATIENCE);
    CHECK(status == LLMQ_OK || status == LLMQ_ERR_AGAIN);
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(scene->cq, events, 4);
    for (size_t i = 0; i < n; ++i) {
      if (events[i].type == LLMQ_EV_CLOSED) {
        __atomic_store_n(&scene->closed, 1, __ATOMIC_RELEASE);
        continue;
      }
      CHECK(events[i].type == LLMQ_EV_PERMIT || events[i].type == LLMQ_EV_DONE);
      tally_add(&scene->tally, events[i].user_data);
      if (events[i].type != LLMQ_EV_PERMIT) continue;
      const llmq_attempt_id_t permit = events[i].attempt_id;
      const uint64_t draw = next_random(&random);
      if (draw % 2 == 0) llmq_events_release(&events[i], sizeof *events, 1);
      end_permit(scene, permit, draw / 2);
    }
    llmq_events_release(events, sizeof *events, n);
  }
  CHECK_OK(llmq_cq_wake(scene->cq)); /* the next one */
  return NULL;
}

struct taker {
  struct scene* scene;
  uint64_t first;
};

static void* ask(void* user) {
  struct taker* own = user;
  struct scene* scene = own->scene;
  uint64_t random = 0x9e3779b97f4a7c15u + own->first;
  llmq_request_id_t ids[16] = {0};
  for (uint64_t i = 0; i < EACH; ++i) {
    llmq_request_t request = request_to("m", "");
    const uint64_t draw = next_random(&random);
    request.payload = NULL;
    request.est_input_tokens = 5;
    request.est_output_tokens = -1;
    request.timeout_ns = 1 * MS;
    if (draw % 16 == 1) request.deadline_ns = llmq_now_ns() + 3 * MS;
    if (draw % 8 == 2) {
      llmq_attempt_id_t permit = 0;
      const llmq_status_t status = llmq_try_acquire(scene->manager, &request, &permit, NULL);
      CHECK((status == LLMQ_OK) == (permit != 0));
      if (status == LLMQ_OK) end_permit(scene, permit, draw >> 8);
    }
    request.cq = scene->cq;
    request.user_data = own->first + i;
    CHECK_OK(llmq_acquire(scene->manager, &request, &ids[i % 16]));
    if (draw % 5 == 0) {
      const llmq_status_t status =
          llmq_cancel(scene->manager, ids[(draw >> 8) % (i < 16 ? i + 1 : 16)]);
      CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
    }
  }
  return NULL;
}

static void run(int32_t mode) {
  static struct scene scene;
  struct taker takers[TAKERS];
  pthread_t threads[TAKERS];
  pthread_t users[2];
  llmq_stats_t stats;
  memset(&scene, 0, sizeof scene);
  scene.manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":8},"
      "{\"tokens\":1000000,\"per\":\"1s\"}],\"breaker\":{\"enabled\":false}}]}");
  scene.cq = new_cq();
  tally_init(&scene.tally, (size_t)TAKERS * EACH);
  for (int i = 0; i < 2; ++i) CHECK_INT(0, pthread_create(&users[i], NULL, use_permits, &scene));
  for (int i = 0; i < TAKERS; ++i) {
    takers[i].scene = &scene;
    takers[i].first = (uint64_t)i * EACH;
    CHECK_INT(0, pthread_create(&threads[i], NULL, ask, &takers[i]));
  }
  for (int i = 0; i < TAKERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  CHECK_OK(llmq_manager_shutdown(scene.manager, mode, 0, scene.cq, 0));
  for (int i = 0; i < 2; ++i) CHECK_INT(0, pthread_join(users[i], NULL));
  CHECK_INT(TAKERS * EACH, tally_sum(&scene.tally));
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(scene.manager, NULL, 0, &stats));
  CHECK_INT(stats.submitted, stats.completed + stats.failed + stats.cancelled + stats.expired);
  CHECK_INT(0, stats.pending + stats.processing);
  CHECK_OK(llmq_manager_destroy(scene.manager));
  llmq_cq_unref(scene.cq);
  free(scene.tally.done);
}

static void permits_meet_drain(void) { run(LLMQ_SHUTDOWN_DRAIN); }
static void permits_meet_cancel(void) { run(LLMQ_SHUTDOWN_CANCEL); }
static void permits_meet_abort(void) { run(LLMQ_SHUTDOWN_ABORT); }

int main(void) {
  RUN(permits_meet_drain);
  RUN(permits_meet_cancel);
  RUN(permits_meet_abort);
  return 0;
}
