/* The end of a manager meets everything else that threads do with their references to it: each
 * accepted request is answered once, each refused one never, and nobody waits for ever. */
#include "pool.h"

#define USERS 4
#define ROUNDS 25
#define EACH 400

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct tally tally;
  struct latch begun;
  int accepted;
};

struct thread_user {
  struct scene* scene;
  uint64_t first;
  int destroys;
};

static void count_done(void* user, const llmq_event_t* event) { tally_add(user, event->user_data); }

/* Works with its own reference until it is told that the manager is gone. */
static void* use_until_closed(void* user) {
  struct thread_user* own = user;
  struct scene* scene = own->scene;
  llmq_manager_t* manager = scene->manager;
  llmq_status_t status = LLMQ_OK;
  uint64_t i = 0;
  for (; i < EACH && status == LLMQ_OK; ++i) {
    llmq_request_t request = request_to("m", "p");
    llmq_request_id_t id = 0;
    request.user_data = own->first + i;
    if (i % 2 == 0) {
      request.cq = scene->cq;
    } else {
      request.done_fn = count_done;
      request.done_user = &scene->tally;
    }
    status = llmq_submit(manager, &request, &id);
    if (status == LLMQ_OK) {
      __atomic_fetch_add(&scene->accepted, 1, __ATOMIC_RELAXED);
      if (i % 3 == 0) (void)llmq_cancel(manager, id);
    } else {
      CHECK(status == LLMQ_ERR_CLOSING || status == LLMQ_ERR_CLOSED);
    }
    if (i % 50 == 7) {
      char* json = NULL;
      llmq_response_t* response = NULL;
      llmq_request_t waits = request_to("m", "p");
      const llmq_status_t info = llmq_manager_info_json(manager, NULL, 0, &json, NULL);
      CHECK(info == LLMQ_OK || info == LLMQ_ERR_CLOSED);
      llmq_buf_free(json);
      const llmq_status_t waited = llmq_submit_wait(manager, &waits, 2 * MS, &response);
      CHECK(waited == LLMQ_OK || waited == LLMQ_ERR_TIMEOUT || waited == LLMQ_ERR_CLOSING ||
            waited == LLMQ_ERR_CLOSED);
      if (waited == LLMQ_OK) llmq_response_free(response);
    }
    if (i == 20) latch_hit(&scene->begun);
  }
  if (i <= 20) latch_hit(&scene->begun);
  if (own->destroys) {
    CHECK_OK(llmq_manager_destroy(manager));
  } else {
    llmq_manager_unref(manager);
  }
  return NULL;
}

/* `closers` of the users destroy the manager themselves, at the same time. */
static void run(int closers, int with_shutdown) {
  for (int round = 0; round < ROUNDS; ++round) {
    struct scene scene;
    struct thread_user users[USERS];
    pthread_t threads[USERS];
    memset(&scene, 0, sizeof scene);
    latch_init(&scene.begun);
    scene.manager = manager_of(
        "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"concurrency\":8,"
        "\"mock\":{\"latency_ms\":\"0..1\"}}]}");
    scene.cq = new_cq();
    tally_init(&scene.tally, (size_t)USERS * EACH);
    for (int i = 0; i < USERS; ++i) {
      users[i].scene = &scene;
      users[i].first = (uint64_t)i * EACH;
      users[i].destroys = i < closers;
      CHECK(llmq_manager_ref(scene.manager) == scene.manager);
      CHECK_INT(0, pthread_create(&threads[i], NULL, use_until_closed, &users[i]));
    }
    latch_wait(&scene.begun, 1 + round % USERS);
    if (with_shutdown) {
      CHECK_OK(llmq_manager_shutdown(scene.manager, round % 3, llmq_now_ns() + 5 * MS, NULL, 0));
    }
    CHECK_OK(llmq_manager_destroy(scene.manager));
    for (int i = 0; i < USERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
    llmq_event_t events[64];
    memset(events, 0, sizeof events);
    for (;;) { /* all of them are here: destroy has waited for them */
      events[0].stride = sizeof *events;
      const size_t n = llmq_cq_drain(scene.cq, events, 64);
      if (n == 0) break;
      for (size_t i = 0; i < n; ++i) tally_add(&scene.tally, events[i].user_data);
      llmq_events_release(events, sizeof *events, n);
    }
    CHECK_INT(scene.accepted, tally_sum(&scene.tally));
    llmq_cq_unref(scene.cq);
    free(scene.tally.done);
  }
}

static void destroy_meets_submit(void) { run(0, 0); }
static void destroy_follows_shutdown(void) { run(0, 1); }
static void several_destroy_at_once(void) { run(USERS, 0); }

int main(void) {
  RUN(destroy_meets_submit);
  RUN(destroy_follows_shutdown);
  RUN(several_destroy_at_once);
  return 0;
}
