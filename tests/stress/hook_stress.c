/* Hooks that are replaced while requests end: each end is told once, to the one that was set then,
 * and each hook has one last event. */
#include "pool.h"

#define SETTERS 2
#define SETS 300
#define SUBMITTERS 2
#define EACH 2000

struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* told[SETTERS];
  llmq_cq_t* cq;
  int completed;            /* told */
  uint64_t lost;            /* told of */
  int ends[SETTERS * SETS]; /* by user_data */
};

struct part {
  struct scene* scene;
  int index;
};

static void* set_again_and_again(void* user) {
  const struct part* own = user;
  struct scene* scene = own->scene;
  for (int i = 0; i < SETS; ++i) {
    CHECK_OK(llmq_set_hook_queue(scene->manager, LLMQ_HOOK_COMPLETED, scene->told[own->index],
                                 (uint64_t)(own->index * SETS + i)));
  }
  return NULL;
}

static void* submit_all(void* user) {
  const struct part* own = user;
  for (int i = 0; i < EACH; ++i) submit_to_cq(own->scene->manager, "m", "x", own->scene->cq);
  return NULL;
}

/* Until all hooks that were set on its queue have ended. */
static void* hear_all(void* user) {
  const struct part* own = user;
  struct scene* scene = own->scene;
  llmq_event_t events[16];
  memset(events, 0, sizeof events);
  for (int ended = 0; ended < SETS;) {
    CHECK_OK(llmq_cq_wait(scene->told[own->index], PATIENCE));
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(scene->told[own->index], events, 16);
    for (size_t i = 0; i < n; ++i) {
      const llmq_hook_t* hook = events[i].data;
      const uint64_t number = events[i].user_data;
      CHECK(number / SETS == (uint64_t)own->index);
      CHECK_INT(0, scene->ends[number]); /* nothing comes after its end */
      __atomic_fetch_add(&scene->lost, hook->lost, __ATOMIC_RELAXED);
      if (events[i].type == LLMQ_EV_HOOK_ENDED) {
        scene->ends[number] = 1;
        ++ended;
      } else {
        CHECK_INT(LLMQ_EV_HOOK, events[i].type);
        CHECK_INT(LLMQ_HOOK_COMPLETED, hook->type);
        __atomic_fetch_add(&scene->completed, 1, __ATOMIC_RELAXED);
      }
    }
    llmq_events_release(events, sizeof *events, n);
  }
  return NULL;
}

static void* drain_answers(void* user) {
  struct scene* scene = user;
  llmq_event_t events[64];
  memset(events, 0, sizeof events);
  for (size_t n = 0; n < (size_t)SUBMITTERS * EACH;) {
    CHECK_OK(llmq_cq_wait(scene->cq, PATIENCE));
    events[0].stride = sizeof *events;
    const size_t drained = llmq_cq_drain(scene->cq, events, 64);
    llmq_events_release(events, sizeof *events, drained);
    n += drained;
  }
  return NULL;
}

static void hooks_are_replaced_while_requests_end(void) {
  static struct scene scene;
  struct part parts[2];
  pthread_t setters[SETTERS];
  pthread_t submitters[SUBMITTERS];
  pthread_t hearers[SETTERS];
  pthread_t drainer;
  memset(&scene, 0, sizeof scene);
  scene.manager = plain_manager();
  scene.cq = new_cq();
  echo_attempts(scene.manager, "m");
  llmq_cq_t* first = new_cq(); /* told of what ends before one of the others is set */
  CHECK_OK(llmq_set_hook_queue(scene.manager, LLMQ_HOOK_COMPLETED, first, 0));
  for (int i = 0; i < 2; ++i) {
    scene.told[i] = new_cq();
    parts[i].scene = &scene;
    parts[i].index = i;
  }
  CHECK_INT(0, pthread_create(&drainer, NULL, drain_answers, &scene));
  for (int i = 0; i < 2; ++i) {
    CHECK_INT(0, pthread_create(&hearers[i], NULL, hear_all, &parts[i]));
    CHECK_INT(0, pthread_create(&submitters[i], NULL, submit_all, &parts[i]));
    CHECK_INT(0, pthread_create(&setters[i], NULL, set_again_and_again, &parts[i]));
  }
  for (int i = 0; i < 2; ++i) CHECK_INT(0, pthread_join(setters[i], NULL));
  for (int i = 0; i < 2; ++i) CHECK_INT(0, pthread_join(submitters[i], NULL));
  CHECK_INT(0, pthread_join(drainer, NULL));
  CHECK_OK(llmq_manager_destroy(scene.manager));
  for (int i = 0; i < 2; ++i) CHECK_INT(0, pthread_join(hearers[i], NULL));
  llmq_event_t event = next_event(first);
  while (event.type != LLMQ_EV_HOOK_ENDED) {
    ++scene.completed;
    llmq_events_release(&event, sizeof event, 1);
    event = next_event(first);
  }
  llmq_events_release(&event, sizeof event, 1);
  check_no_event(first);
  CHECK_INT(SUBMITTERS * EACH, scene.completed);
  CHECK_INT(0, scene.lost);
  for (int i = 0; i < 2; ++i) llmq_cq_unref(scene.told[i]);
  llmq_cq_unref(first);
  llmq_cq_unref(scene.cq);
}

int main(void) {
  RUN(hooks_are_replaced_while_requests_end);
  return 0;
}
