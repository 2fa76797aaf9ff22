/* llmq.h, section Completion queue: wake-ups by a function, and dispatch. */
#include "helpers.h"

struct waker {
  struct latch latch;
  int freed;
};

static void wake_up(void* user) { latch_hit(&((struct waker*)user)->latch); }
static void waker_freed(void* user) { count_call(&((struct waker*)user)->freed); }

static int wakes_of(struct waker* waker) {
  pthread_mutex_lock(&waker->latch.mutex);
  const int count = waker->latch.count;
  pthread_mutex_unlock(&waker->latch.mutex);
  return count;
}

static void set_wakeup_refuses_and_frees_user_every_time(void) {
  llmq_cq_t* cq = new_cq();
  struct waker waker = {.freed = 0};
  latch_init(&waker.latch);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_set_wakeup(NULL, wake_up, &waker, waker_freed));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_set_wakeup(JUNK, wake_up, &waker, waker_freed));
  CHECK_INT(2, calls_of(&waker.freed));
  CHECK_OK(llmq_cq_set_wakeup(cq, NULL, &waker, waker_freed));
  CHECK_INT(3, calls_of(&waker.freed));
  CHECK_OK(llmq_cq_set_wakeup(cq, wake_up, &waker, waker_freed));
  CHECK_INT(3, calls_of(&waker.freed));
  CHECK_OK(llmq_cq_set_wakeup(cq, wake_up, &waker, waker_freed)); /* takes its place */
  CHECK_INT(4, calls_of(&waker.freed));
  CHECK_OK(llmq_cq_wake(cq));
  CHECK_INT(0, wakes_of(&waker));
  llmq_cq_unref(cq);
  CHECK_INT(5, calls_of(&waker.freed));
}

static void a_burst_wakes_once_until_the_queue_is_empty(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_event_t events[4];
  struct waker waker = {.freed = 0};
  struct held held;
  latch_init(&waker.latch);
  CHECK_OK(llmq_cq_set_wakeup(cq, wake_up, &waker, waker_freed));
  hold_attempts(manager, "m", &held);
  for (int i = 0; i < 4; ++i) submit_to_cq(manager, "m", "x", cq);
  for (int i = 1; i <= 3; ++i) {
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, i), NULL, 0, NULL));
  }
  latch_wait(&waker.latch, 1);
  memset(events, 0, sizeof events);
  int seen = 0;
  while (seen < 3) { /* the queue may have been empty between: then it woke again */
    CHECK_OK(llmq_cq_wait(cq, PATIENCE));
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(cq, events, 4);
    llmq_events_release(events, sizeof *events, n);
    seen += (int)n;
  }
  char* json = NULL; /* an answer of the loop: the wake-up of what has been drained is over */
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  llmq_buf_free(json);
  const int before = wakes_of(&waker);
  CHECK(before >= 1 && before <= 3);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 4), NULL, 0, NULL));
  latch_wait(&waker.latch, before + 1);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(before + 1, wakes_of(&waker)); /* what is there is not drained: no other wake-up */
  CHECK_OK(llmq_cq_set_wakeup(cq, wake_up, &waker, waker_freed)); /* at once, on this thread */
  CHECK_INT(before + 2, wakes_of(&waker));
  llmq_cq_unref(cq);
  CHECK_INT(2, calls_of(&waker.freed));
}

struct eater {
  llmq_cq_t* cq;
  int ends;
  llmq_response_t* taken;
};

static void eat(void* user, const llmq_event_t* event) {
  struct eater* eater = user;
  CHECK_INT(LLMQ_EV_DONE, event->type);
  CHECK_OK(event->status);
  CHECK_INT(1, event->data_len);
  if (eater->ends++ == 0) {
    CHECK_OK(llmq_event_take((llmq_event_t*)event, &eater->taken));
    CHECK_INT(1, llmq_cq_dispatch(eater->cq, eat, eater, 1)); /* inside another one */
  }
}

static void dispatch_calls_with_each_event(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct eater eater = {cq, 0, NULL};
  size_t len = 0;
  CHECK_INT(0, llmq_cq_dispatch(NULL, eat, &eater, 1));
  CHECK_INT(0, llmq_cq_dispatch(JUNK, eat, &eater, 1));
  CHECK_INT(0, llmq_cq_dispatch(cq, NULL, &eater, 1));
  CHECK_INT(0, llmq_cq_dispatch(cq, eat, &eater, 1));
  echo_attempts(manager, "m");
  for (int i = 0; i < 5; ++i) submit_to_cq(manager, "m", "x", cq);
  llmq_cq_t* closed = new_cq();
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, closed, 0));
  CHECK_OK(llmq_cq_wait(closed, PATIENCE)); /* all have ended */
  CHECK_INT(0, llmq_cq_dispatch(cq, eat, &eater, 0));
  CHECK_INT(2, llmq_cq_dispatch(cq, eat, &eater, 2)); /* three: one of them inside */
  CHECK_INT(3, eater.ends);
  CHECK_INT(2, llmq_cq_dispatch(cq, eat, &eater, 100));
  CHECK_INT(5, eater.ends);
  CHECK(memcmp(llmq_response_data(eater.taken, &len), "x", 1) == 0 && len == 1);
  llmq_response_free(eater.taken);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(closed);
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(set_wakeup_refuses_and_frees_user_every_time);
  RUN(a_burst_wakes_once_until_the_queue_is_empty);
  RUN(dispatch_calls_with_each_event);
  return 0;
}
