/* llmq.h, section Hooks: what is told through a completion queue. */
#include "helpers.h"

#define ENDED 0    /* type of the last one */
#define MOST 65536 /* events of one call that were not released */

/* The next event, which must be of a hook; the caller releases it. */
static llmq_event_t next_hook(llmq_cq_t* cq, uint64_t user_data, uint32_t type) {
  const llmq_event_t event = next_event(cq);
  CHECK_INT(type == ENDED ? LLMQ_EV_HOOK_ENDED : LLMQ_EV_HOOK, event.type);
  CHECK_INT(user_data, event.user_data);
  CHECK(event.handle != NULL);
  const llmq_hook_t* hook = event.data;
  CHECK_INT(sizeof *hook, hook->struct_size);
  CHECK_INT(type, hook->type);
  CHECK(hook->request_id == event.request_id && hook->attempt_id == event.attempt_id);
  return event;
}

static void expect_hook(llmq_cq_t* cq, uint64_t user_data, uint32_t type, uint64_t lost) {
  llmq_event_t event = next_hook(cq, user_data, type);
  CHECK_INT(lost, ((const llmq_hook_t*)event.data)->lost);
  llmq_events_release(&event, sizeof event, 1);
  CHECK(event.data == NULL && event.handle == NULL);
}

/* A text of the hook, which must be where a copy of the event's bytes has it. Gives the end of it.
 */
static size_t check_text_at(const llmq_event_t* event, size_t at, const char* text, uint64_t len,
                            const char* expected) {
  CHECK_TEXT(expected, text);
  CHECK_INT(strlen(expected), len);
  CHECK(text == (const char*)event->data + at);
  return at + (size_t)len + 1;
}

static void a_life_is_told_in_order_before_its_end(void) {
  static const uint32_t kTypes[] = {LLMQ_HOOK_REQUEST_SUBMITTED, LLMQ_HOOK_ADMITTED,
                                    LLMQ_HOOK_ATTEMPT_STARTED, LLMQ_HOOK_ATTEMPT_FINISHED,
                                    LLMQ_HOOK_COMPLETED};
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook_queue(manager, UINT32_MAX, cq, 9));
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.tenant = "ann";
  request.tenant_len = 3;
  request.user_data = 77;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  int64_t time = 0;
  for (int i = 0; i < 5; ++i) {
    llmq_event_t event = next_hook(cq, 9, kTypes[i]);
    const llmq_hook_t* hook = event.data;
    CHECK(event.request_id == id);
    CHECK((event.attempt_id != 0) == (i > 0));
    CHECK_INT(77, hook->user_data);
    CHECK_INT(0, hook->lost);
    CHECK_INT(i >= 3 ? 3 : 0, hook->output_tokens);
    CHECK(hook->time_ns >= time);
    time = hook->time_ns;
    size_t at = check_text_at(&event, hook->struct_size, hook->model, hook->model_len, "m");
    at = check_text_at(&event, at, hook->deployment, hook->deployment_len, "");
    at = check_text_at(&event, at, hook->tenant, hook->tenant_len, "ann");
    at = check_text_at(&event, at, hook->limit, hook->limit_len, "");
    CHECK_INT(at, event.data_len);
    llmq_events_release(&event, sizeof event, 1);
  }
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  expect_hook(cq, 9, ENDED, 0);
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void only_what_the_mask_asks_for_is_told(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"rpm\":100}]}");
  llmq_cq_t* told = new_cq();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_LIMIT_CHANGED, told, 1));
  CHECK_OK(llmq_manager_set(manager, "model.m.rpm", "40", NULL));
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  llmq_event_t event = next_hook(told, 1, LLMQ_HOOK_LIMIT_CHANGED);
  const llmq_hook_t* hook = event.data;
  CHECK_INT(100, hook->old_value);
  CHECK_INT(40, hook->new_value);
  CHECK_TEXT("requests/1m", hook->limit);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(
      llmq_set_hook_queue(manager, 0, told, 2)); /* asks for nothing, and is one all the same */
  expect_hook(told, 1, ENDED, 0);
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  expect_hook(told, 2, ENDED, 0);
  check_no_event(told);
  llmq_cq_unref(told);
  llmq_cq_unref(cq);
}

static void count_completed(void* user, const llmq_hook_t* hook) {
  CHECK_INT(LLMQ_HOOK_COMPLETED, hook->type);
  CHECK_INT(0, hook->lost);
  count_call(user);
}

static void each_takes_the_place_of_the_one_before(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* first = new_cq();
  llmq_cq_t* second = new_cq();
  llmq_cq_t* cq = new_cq();
  static int calls;
  calls = 0;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, first, 1));
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_REQUEST_SUBMITTED, second, 2));
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_COMPLETED, count_completed, &calls, NULL));
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_INT(1, calls);
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, first, 3));
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_INT(1, calls);
  CHECK_OK(llmq_set_hook_queue(manager, UINT32_MAX, NULL, 4)); /* removed */
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, second, 5));
  CHECK_OK(llmq_set_hook(manager, 0, NULL, NULL, NULL)); /* removes a queue too */
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_hook(first, 1, LLMQ_HOOK_COMPLETED, 0);
  expect_hook(first, 1, ENDED, 0);
  expect_hook(first, 3, LLMQ_HOOK_COMPLETED, 0);
  expect_hook(first, 3, ENDED, 0);
  check_no_event(first);
  expect_hook(second, 2, LLMQ_HOOK_REQUEST_SUBMITTED, 0);
  expect_hook(second, 2, ENDED, 0);
  expect_hook(second, 5, ENDED, 0);
  check_no_event(second);
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(first);
  check_no_event(second);
  llmq_cq_unref(first);
  llmq_cq_unref(second);
  llmq_cq_unref(cq);
}

static void its_end_comes_before_that_of_the_manager(void) {
  llmq_manager_t* manager = plain_manager(); /* nobody runs its attempts */
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, cq, 1));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, cq, 5));
  expect_hook(cq, 1, LLMQ_HOOK_COMPLETED, 0);
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_hook(cq, 1, ENDED, 0);
  expect_closed(cq, 5);
  llmq_manager_unref(manager);
  llmq_cq_unref(cq);
}

/* That many requests to the end, one after the other in batches. */
static void run_requests(llmq_manager_t* manager, llmq_cq_t* cq, int n) {
  llmq_request_t batch[128];
  llmq_event_t events[128];
  for (int i = 0; i < 128; ++i) {
    batch[i] = request_to("m", "x");
    batch[i].cq = cq;
  }
  memset(events, 0, sizeof events);
  while (n > 0) {
    const size_t some = n < 128 ? (size_t)n : 128;
    size_t accepted = 0;
    CHECK_OK(llmq_submit_batch(manager, batch, sizeof *batch, some, NULL, &accepted));
    for (size_t done = 0; done < some;) {
      CHECK_OK(llmq_cq_wait(cq, PATIENCE));
      events[0].stride = sizeof *events;
      const size_t drained = llmq_cq_drain(cq, events, 128);
      llmq_events_release(events, sizeof *events, drained);
      done += drained;
    }
    n -= (int)some;
  }
}

static void what_nobody_releases_is_bounded(void) {
  enum { held = 10 };
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* told = new_cq();
  llmq_cq_t* cq = new_cq();
  llmq_event_t events[held];
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, told, 1));
  run_requests(manager, cq, MOST + 100); /* the last 100 find no room */
  memset(events, 0, sizeof events);
  events[0].stride = sizeof *events;
  CHECK_INT(held, llmq_cq_drain(told, events, held));
  run_requests(manager, cq, 7); /* what is drained and not released takes room too */
  llmq_events_release(events, sizeof *events, held);
  run_requests(manager, cq, 1); /* it is told behind all that waited */
  for (int i = held; i < MOST; ++i) expect_hook(told, 1, LLMQ_HOOK_COMPLETED, 0);
  expect_hook(told, 1, LLMQ_HOOK_COMPLETED, 107);
  check_no_event(told);
  run_requests(manager, cq, MOST + 3);
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, told, 2)); /* with room of its own */
  run_requests(manager, cq, 1);
  for (int i = 0; i < MOST; ++i) expect_hook(told, 1, LLMQ_HOOK_COMPLETED, 0);
  expect_hook(told, 1, ENDED, 3); /* there is always room for the end */
  expect_hook(told, 2, LLMQ_HOOK_COMPLETED, 0);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(told); /* with an event that nobody has drained */
  llmq_cq_unref(cq);
}

static void a_failing_call_sends_nothing(void) {
  llmq_cq_t* cq = new_cq();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_hook_queue(NULL, 1, cq, 1));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_hook_queue(JUNK, 1, cq, 1));
  llmq_manager_t* manager = plain_manager();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_hook_queue(manager, 1, JUNK, 1));
  close_manager(manager);
  const llmq_status_t status = llmq_set_hook_queue(manager, 1, cq, 1);
  CHECK(status == LLMQ_ERR_CLOSED || status == LLMQ_ERR_CLOSING);
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void events_outlive_queue_and_manager(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* told = new_cq();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook_queue(manager, LLMQ_HOOK_COMPLETED, told, 1));
  run_requests(manager, cq, 2);
  llmq_event_t event = next_hook(told, 1, LLMQ_HOOK_COMPLETED);
  llmq_cq_unref(told);
  run_requests(manager, cq, 3); /* nobody is there to be told */
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_TEXT("m", ((const llmq_hook_t*)event.data)->model);
  llmq_events_release(&event, sizeof event, 1);
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(a_life_is_told_in_order_before_its_end);
  RUN(only_what_the_mask_asks_for_is_told);
  RUN(each_takes_the_place_of_the_one_before);
  RUN(its_end_comes_before_that_of_the_manager);
  RUN(what_nobody_releases_is_bounded);
  RUN(a_failing_call_sends_nothing);
  RUN(events_outlive_queue_and_manager);
  return 0;
}
