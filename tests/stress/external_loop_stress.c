/* A host's thread runs the manager while others submit, cancel, ask and wait; wake-ups of its queue
 * are set and replaced meanwhile. */
#include <poll.h>

#include "pool.h"

#define SUBMITTERS 3
#define EACH 1500

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct tally tally;
  int wakes;
  int freed;
};

static void wake_up(void* user) { count_call(&((struct scene*)user)->wakes); }
static void wakeup_freed(void* user) { count_call(&((struct scene*)user)->freed); }

struct submitter {
  struct scene* scene;
  uint64_t first;
};

static void* submit_all(void* user) {
  struct submitter* own = user;
  struct scene* scene = own->scene;
  uint64_t random = 0x9e3779b97f4a7c15u + own->first;
  for (uint64_t i = 0; i < EACH; ++i) {
    llmq_request_t request = request_to("m", "p");
    llmq_request_id_t id = 0;
    const uint64_t draw = next_random(&random);
    request.cq = scene->cq;
    request.user_data = own->first + i;
    CHECK_OK(llmq_submit(scene->manager, &request, &id));
    if (draw % 8 == 0) {
      const llmq_status_t status = llmq_cancel(scene->manager, id);
      CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
    } else if (draw % 64 == 1) {
      char* json = NULL;
      CHECK_OK(llmq_manager_info_json(scene->manager, NULL, 0, &json, NULL));
      llmq_buf_free(json);
    } else if (draw % 64 == 2) {
      CHECK_OK(llmq_cq_set_wakeup(scene->cq, wake_up, scene, wakeup_freed));
    } else if (draw % 64 == 3) {
      llmq_response_t* response = NULL;
      request.cq = NULL;
      CHECK_OK(llmq_submit_wait(scene->manager, &request, -1, &response));
      llmq_response_free(response);
    }
  }
  return NULL;
}

static void* drain_all(void* user) {
  struct scene* scene = user;
  drain_until_closed(scene->cq, &scene->tally, 1);
  return NULL;
}

static void* join_and_shut_down(void* user) {
  struct scene* scene = user;
  struct submitter submitters[SUBMITTERS];
  pthread_t threads[SUBMITTERS];
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i].scene = scene;
    submitters[i].first = (uint64_t)i * EACH;
    CHECK_INT(0, pthread_create(&threads[i], NULL, submit_all, &submitters[i]));
  }
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  CHECK_OK(llmq_manager_shutdown(scene->manager, LLMQ_SHUTDOWN_DRAIN, 0, scene->cq, 0));
  return NULL;
}

static void a_host_serves_many_threads(void) {
  static struct scene scene;
  pthread_t drainer;
  pthread_t leader;
  int32_t fd = -1;
  int64_t timeout = 0;
  memset(&scene, 0, sizeof scene);
  scene.manager = manager_of(
      "{\"loop\":\"external\",\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":64}]}]}");
  scene.cq = new_cq();
  tally_init(&scene.tally, (size_t)SUBMITTERS * EACH);
  echo_attempts(scene.manager, "m");
  CHECK_OK(llmq_manager_fd(scene.manager, &fd));
  CHECK_INT(0, pthread_create(&drainer, NULL, drain_all, &scene));
  CHECK_INT(0, pthread_create(&leader, NULL, join_and_shut_down, &scene));
  while (llmq_manager_process(scene.manager) == LLMQ_OK) {
    struct pollfd watched = {fd, POLLIN, 0};
    CHECK_OK(llmq_manager_timeout_ns(scene.manager, &timeout));
    const int64_t most = timeout < 0 || timeout > PATIENCE ? PATIENCE : timeout;
    CHECK(poll(&watched, 1, (int)((most + MS - 1) / MS)) >= 0);
  }
  CHECK_INT(0, pthread_join(leader, NULL));
  CHECK_INT(0, pthread_join(drainer, NULL));
  CHECK_INT(SUBMITTERS * EACH, tally_sum(&scene.tally));
  CHECK_OK(llmq_manager_destroy(scene.manager));
  llmq_cq_unref(scene.cq);
  CHECK(calls_of(&scene.wakes) > 0);
  free(scene.tally.done);
}

int main(void) {
  RUN(a_host_serves_many_threads);
  return 0;
}
