/* One completion queue serves two managers and several draining threads, some by wait, one by
 * descriptor; the queue may lose its last reference while events are still on their way. */
#include <poll.h>

#include "pool.h"

#define SUBMITTERS 4
#define EACH 1500

struct scene {
  llmq_manager_t* managers[2];
  llmq_cq_t* cq;
  struct pool pool;
  struct pool_user users[2];
  struct tally tally;
  int closed; /* LLMQ_EV_CLOSED events seen */
};

struct submitter {
  struct scene* scene;
  int index;
};

static void* submit_all(void* user) {
  struct submitter* own = user;
  struct scene* scene = own->scene;
  llmq_manager_t* manager = scene->managers[own->index % 2];
  llmq_request_t batch[10];
  for (int i = 0; i < EACH; i += 10) {
    for (int k = 0; k < 10; ++k) {
      batch[k] = request_to("m", "pppp");
      batch[k].cq = scene->cq;
      batch[k].user_data = (uint64_t)(own->index * EACH + i + k);
    }
    size_t accepted = 0;
    CHECK_OK(llmq_submit_batch(manager, batch, sizeof *batch, 10, NULL, &accepted));
    CHECK_INT(10, accepted);
  }
  return NULL;
}

/* True when both managers are closed. */
static int take_some(struct scene* scene) {
  llmq_event_t events[16];
  memset(events, 0, sizeof events);
  events[0].stride = sizeof *events;
  const size_t n = llmq_cq_drain(scene->cq, events, 16);
  int closed = 0;
  for (size_t i = 0; i < n; ++i) {
    if (events[i].type == LLMQ_EV_CLOSED) {
      ++closed;
      continue;
    }
    tally_add(&scene->tally, events[i].user_data);
    if (i % 4 == 0) {
      llmq_response_t* response = NULL;
      CHECK_OK(llmq_event_take(&events[i], &response));
      llmq_response_free(response);
    }
  }
  llmq_events_release(events, sizeof *events, n);
  return __atomic_add_fetch(&scene->closed, closed, __ATOMIC_SEQ_CST) == 2;
}

static void* drain_by_wait(void* user) {
  struct scene* scene = user;
  for (;;) {
    const llmq_status_t status = llmq_cq_wait(scene->cq, PATIENCE);
    CHECK(status == LLMQ_OK || status == LLMQ_ERR_AGAIN);
    if (take_some(scene)) break;
  }
  CHECK_OK(llmq_cq_wake(scene->cq)); /* pass it on */
  return NULL;
}

static void* drain_by_descriptor(void* user) {
  struct scene* scene = user;
  struct pollfd fd;
  CHECK_OK(llmq_cq_fd(scene->cq, LLMQ_CQ_FD_EVENTFD, &fd.fd));
  fd.events = POLLIN;
  do {
    CHECK(poll(&fd, 1, (int)(PATIENCE / MS)) == 1);
  } while (!take_some(scene));
  CHECK_OK(llmq_cq_wake(scene->cq));
  return NULL;
}

static void scene_start(struct scene* scene) {
  memset(scene, 0, sizeof *scene);
  pool_start(&scene->pool);
  for (int i = 0; i < 2; ++i) {
    scene->managers[i] = manager_of(
        "{\"models\":[{\"name\":\"m\",\"concurrency\":200,\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]"
        "}");
    scene->users[i].pool = &scene->pool;
    scene->users[i].manager = scene->managers[i];
    CHECK_OK(llmq_model_set_processor(scene->managers[i], "m", 1, pool_ready, NULL,
                                      &scene->users[i], NULL));
  }
  scene->cq = new_cq();
  tally_init(&scene->tally, (size_t)SUBMITTERS * EACH);
}

static void scene_end(struct scene* scene) {
  pool_stop(&scene->pool);
  for (int i = 0; i < 2; ++i) CHECK_OK(llmq_manager_destroy(scene->managers[i]));
  free(scene->tally.done);
}

static void start_submitters(struct scene* scene, struct submitter* submitters,
                             pthread_t* threads) {
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i].scene = scene;
    submitters[i].index = i;
    CHECK_INT(0, pthread_create(&threads[i], NULL, submit_all, &submitters[i]));
  }
}

static void two_managers_share_a_queue(void) {
  static struct scene scene;
  struct submitter submitters[SUBMITTERS];
  pthread_t threads[SUBMITTERS];
  pthread_t drainers[3];
  scene_start(&scene);
  CHECK_INT(0, pthread_create(&drainers[0], NULL, drain_by_wait, &scene));
  CHECK_INT(0, pthread_create(&drainers[1], NULL, drain_by_wait, &scene));
  CHECK_INT(0, pthread_create(&drainers[2], NULL, drain_by_descriptor, &scene));
  start_submitters(&scene, submitters, threads);
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(llmq_manager_shutdown(scene.managers[i], LLMQ_SHUTDOWN_DRAIN, 0, scene.cq, 0));
  }
  for (int i = 0; i < 3; ++i) CHECK_INT(0, pthread_join(drainers[i], NULL));
  llmq_cq_unref(scene.cq);
  CHECK_INT(SUBMITTERS * EACH, tally_sum(&scene.tally));
  scene_end(&scene);
}

static void a_queue_is_dropped_while_events_are_on_their_way(void) {
  static struct scene scene;
  struct submitter submitters[SUBMITTERS];
  pthread_t threads[SUBMITTERS];
  scene_start(&scene);
  start_submitters(&scene, submitters, threads);
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  llmq_event_t event = next_event(scene.cq);
  llmq_cq_unref(scene.cq);
  for (int i = 0; i < 2; ++i) close_manager(scene.managers[i]);
  CHECK(event.user_data < (uint64_t)SUBMITTERS * EACH);
  llmq_events_release(&event, sizeof event, 1); /* drained events live on without their queue */
  scene_end(&scene);
}

int main(void) {
  RUN(two_managers_share_a_queue);
  RUN(a_queue_is_dropped_while_events_are_on_their_way);
  return 0;
}
