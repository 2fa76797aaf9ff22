/* A host that hears of events by a function alone, while others put another function in its place
 * again and again: no event is slept over, and each function's user is freed once. */
#include "pool.h"

#define SETTERS 2
#define SETS 400
#define SUBMITTERS 2
#define EACH 2000

/* Every function that is ever set wakes the same sleeper. */
struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct tally tally;
  pthread_mutex_t mutex;
  pthread_cond_t woken;
  int wakes; /* not yet slept over */
  int freed;
  uint64_t answered;
};

static void wake_up(void* user) {
  struct scene* scene = user;
  pthread_mutex_lock(&scene->mutex);
  ++scene->wakes;
  pthread_cond_signal(&scene->woken);
  pthread_mutex_unlock(&scene->mutex);
}

static void count_freed(void* user) { count_call(&((struct scene*)user)->freed); }

/* Sleeps until it is woken, then drains until the queue is empty, as an event loop does. */
static void* sleep_and_drain(void* user) {
  struct scene* scene = user;
  llmq_event_t events[16];
  memset(events, 0, sizeof events);
  while (scene->answered < (uint64_t)SUBMITTERS * EACH) {
    pthread_mutex_lock(&scene->mutex);
    while (scene->wakes == 0) wait_changed(&scene->woken, &scene->mutex);
    scene->wakes = 0;
    pthread_mutex_unlock(&scene->mutex);
    for (;;) {
      events[0].stride = sizeof *events;
      const size_t n = llmq_cq_drain(scene->cq, events, 16);
      if (n == 0) break;
      for (size_t i = 0; i < n; ++i) tally_add(&scene->tally, events[i].user_data);
      llmq_events_release(events, sizeof *events, n);
      scene->answered += n;
    }
  }
  return NULL;
}

static void* set_again_and_again(void* user) {
  struct scene* scene = user;
  for (int i = 0; i < SETS; ++i) {
    CHECK_OK(llmq_cq_set_wakeup(scene->cq, wake_up, scene, count_freed));
  }
  return NULL;
}

struct submitter {
  struct scene* scene;
  uint64_t first;
};

static void* submit_many(void* user) {
  const struct submitter* own = user;
  llmq_request_t request = request_to("m", "p");
  request.cq = own->scene->cq;
  for (uint64_t i = 0; i < EACH; ++i) {
    request.user_data = own->first + i;
    CHECK_OK(llmq_submit(own->scene->manager, &request, NULL));
  }
  return NULL;
}

static void no_event_is_slept_over(void) {
  static struct scene scene;
  pthread_t drainer;
  pthread_t setters[SETTERS];
  pthread_t threads[SUBMITTERS];
  struct submitter submitters[SUBMITTERS];
  memset(&scene, 0, sizeof scene);
  pthread_mutex_init(&scene.mutex, NULL);
  pthread_cond_init(&scene.woken, NULL);
  scene.manager = plain_manager();
  echo_attempts(scene.manager, "m");
  scene.cq = new_cq();
  tally_init(&scene.tally, (size_t)SUBMITTERS * EACH);
  CHECK_OK(llmq_cq_set_wakeup(scene.cq, wake_up, &scene, count_freed));
  CHECK_INT(0, pthread_create(&drainer, NULL, sleep_and_drain, &scene));
  for (int i = 0; i < SETTERS; ++i) {
    CHECK_INT(0, pthread_create(&setters[i], NULL, set_again_and_again, &scene));
  }
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i].scene = &scene;
    submitters[i].first = (uint64_t)i * EACH;
    CHECK_INT(0, pthread_create(&threads[i], NULL, submit_many, &submitters[i]));
  }
  for (int i = 0; i < SUBMITTERS; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  for (int i = 0; i < SETTERS; ++i) CHECK_INT(0, pthread_join(setters[i], NULL));
  CHECK_INT(0, pthread_join(drainer, NULL));
  CHECK_INT(SUBMITTERS * EACH, tally_sum(&scene.tally));
  CHECK_INT(SETTERS * SETS, calls_of(&scene.freed)); /* the last one is still set */
  CHECK_OK(llmq_manager_destroy(scene.manager));
  llmq_cq_unref(scene.cq);
  CHECK_INT(SETTERS * SETS + 1, calls_of(&scene.freed));
  free(scene.tally.done);
}

int main(void) {
  RUN(no_event_is_slept_over);
  return 0;
}
