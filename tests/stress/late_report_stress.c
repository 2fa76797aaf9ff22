/* Attempts time out, are cancelled and are retried while a pool of threads reports them: a report
 * that crosses the end of its attempt is neither lost nor counted for the next attempt, and each
 * request ends once. */
#include "pool.h"

#define SUBMITTERS 2
#define EACH 1500

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct pool pool;
  struct pool_user user;
  struct tally tally;
  int accepted;
};

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
    request.cq = scene->cq;
    request.user_data = own->first + i;
    request.max_attempts = 4;
    const uint64_t draw = next_random(&random);
    if (draw % 4 != 0) request.timeout_ns = 1 * MS;
    if (draw % 16 == 1) request.deadline_ns = llmq_now_ns() + 3 * MS;
    if (draw % 8 == 2) request.flags = LLMQ_REQUEST_LATE_USAGE;
    CHECK_OK(llmq_submit(scene->manager, &request, &ids[i % 16]));
    if (draw % 5 == 0) {
      const llmq_status_t status =
          llmq_cancel(scene->manager, ids[(draw >> 8) % (i < 16 ? i + 1 : 16)]);
      CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
    }
    if (draw % 64 == 3) { /* a window may open: what has ended may take its usage late */
      const llmq_usage_t usage = usage_of(1, 1);
      (void)llmq_usage_update(scene->manager, ids[i % 16], &usage);
    }
  }
  return NULL;
}

static void run(int32_t mode) {
  static struct scene scene;
  struct submitter submitters[SUBMITTERS];
  pthread_t threads[SUBMITTERS];
  memset(&scene, 0, sizeof scene);
  scene.manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":400},"
      "{\"tokens\":1000000,\"per\":\"1s\"}],\"retry\":{\"base_ms\":1,\"cap_ms\":1,"
      "\"budget_at_a_time\":1000000},\"breaker\":{\"enabled\":false}}]}"); /* most time out */
  scene.cq = new_cq();
  tally_init(&scene.tally, (size_t)SUBMITTERS * EACH);
  pool_start(&scene.pool);
  scene.user.pool = &scene.pool;
  scene.user.manager = scene.manager;
  CHECK_OK(llmq_model_set_processor(scene.manager, "m", 1, pool_ready, NULL, &scene.user, NULL));
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i].scene = &scene;
    submitters[i].first = (uint64_t)i * EACH;
    CHECK_INT(0, pthread_create(&threads[i], NULL, submit_all, &submitters[i]));
  }
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  CHECK_OK(llmq_manager_shutdown(scene.manager, mode, 0, scene.cq, 0));
  drain_until_closed(scene.cq, &scene.tally, 1);
  CHECK_INT(SUBMITTERS * EACH, tally_sum(&scene.tally));
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(scene.manager, NULL, 0, &stats));
  CHECK_INT(SUBMITTERS * EACH, stats.submitted);
  CHECK_INT(stats.submitted, stats.completed + stats.failed + stats.cancelled + stats.expired);
  CHECK_INT(0, stats.pending + stats.processing + stats.pending_bytes);
  pool_stop(&scene.pool);
  /* An attempt that is cancelled in the turn in which it begins is counted, and not given out. */
  CHECK(stats.attempts >= scene.pool.counted + scene.pool.stale);
  CHECK_OK(llmq_manager_destroy(scene.manager));
  check_no_event(scene.cq);
  llmq_cq_unref(scene.cq);
  free(scene.tally.done);
}

static void reports_cross_time_outs_and_drain(void) { run(LLMQ_SHUTDOWN_DRAIN); }
static void reports_cross_cancel(void) { run(LLMQ_SHUTDOWN_CANCEL); }
static void reports_cross_abort(void) { run(LLMQ_SHUTDOWN_ABORT); }

int main(void) {
  RUN(reports_cross_time_outs_and_drain);
  RUN(reports_cross_cancel);
  RUN(reports_cross_abort);
  return 0;
}
