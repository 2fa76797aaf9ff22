/* llmq.h, section Run: processors and the reports of their attempts. Retries: retry_test.c. */
#include "helpers.h"

static void set_processor_refuses_and_frees_user_every_time(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\"},{\"name\":\"mock\",\"provider\":\"mock\"}]}");
  int freed = 0;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_model_set_processor(NULL, "m", 1, echo, NULL, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_model_set_processor(JUNK, "m", 1, echo, NULL, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_model_set_processor(manager, NULL, 0, echo, NULL, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_model_set_processor(manager, "m", 1, NULL, NULL, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL,
               llmq_model_set_processor(manager, "x", 1, echo, NULL, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED,
               llmq_model_set_processor(manager, "mock", 4, echo, NULL, &freed, count_call));
  CHECK_INT(6, calls_of(&freed));
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED,
               llmq_model_set_processor(manager, "m", 1, echo, NULL, &freed, count_call));
  CHECK_INT(7, calls_of(&freed));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(7, calls_of(&freed));
}

static void user_is_freed_when_replaced_and_at_the_end(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held first;
  struct held second;
  hold_attempts(manager, "m", &first);
  submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&first, 1);
  hold_attempts(manager, "m", &second);
  submit_to_cq(manager, "m", "y", cq);
  const llmq_attempt_id_t other = nth_attempt(&second, 1);
  CHECK_INT(1, calls_of(&first.freed));
  CHECK_INT(1, first.ready_count);
  CHECK_INT(0, calls_of(&second.freed));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_attempt_succeed(manager, other, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&first.freed));
  CHECK_INT(1, calls_of(&second.freed));
  llmq_cq_unref(cq);
}

static void user_is_freed_when_the_model_goes(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_DRAIN));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&held.freed));
  llmq_cq_unref(cq);
}

static void requests_wait_for_their_processor(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t ids[10];
  for (int i = 0; i < 10; ++i) ids[i] = submit_to_cq(manager, "m", "x", cq);
  check_no_event(cq);
  echo_attempts(manager, "m");
  for (int i = 0; i < 10; ++i) expect_done(cq, ids[i], LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void expect_text(const void* data, size_t len, const char* expected) {
  CHECK_INT(strlen(expected), len);
  CHECK_INT(0, memcmp(data, expected, len));
}

static void an_attempt_knows_its_request(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_id_t id = 0;
  llmq_request_t request = request_to("m", "payload");
  request.cq = cq;
  request.user_data = 99;
  request.tenant = "tenant";
  request.tenant_len = 6;
  request.request_key = "key";
  request.request_key_len = 3;
  request.metadata = "meta";
  request.metadata_len = 4;
  hold_attempts(manager, "m", &held);
  CHECK_OK(llmq_submit(manager, &request, &id));
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_event_t* ready = &held.ready[0];
  CHECK_INT(LLMQ_EV_READY, ready->type);
  CHECK_INT(99, ready->user_data);
  CHECK_INT(1, ready->attempt);
  CHECK(ready->request_id == id);
  CHECK(ready->attempt_id != id);
  CHECK(ready->handle == NULL);
  expect_text(ready->data, (size_t)ready->data_len, "payload");

  const char* text = NULL;
  const void* bytes = NULL;
  size_t len = 0;
  CHECK_OK(llmq_attempt_model(manager, attempt, &text, &len));
  expect_text(text, len, "m");
  CHECK_OK(llmq_attempt_tenant(manager, attempt, &text, &len));
  expect_text(text, len, "tenant");
  CHECK_OK(llmq_attempt_request_key(manager, attempt, &text, &len));
  expect_text(text, len, "key");
  CHECK_OK(llmq_attempt_metadata(manager, attempt, &bytes, &len));
  expect_text(bytes, len, "meta");
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_model(manager, attempt, &text, &len));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_metadata(manager, attempt, &bytes, &len));

  submit_to_cq(manager, "m", "", cq); /* nothing is given: everything is empty, nothing is NULL */
  const llmq_attempt_id_t bare = nth_attempt(&held, 2);
  CHECK(held.ready[1].data != NULL);
  CHECK_INT(0, held.ready[1].data_len);
  CHECK_OK(llmq_attempt_tenant(manager, bare, &text, &len));
  expect_text(text, len, "");
  CHECK_OK(llmq_attempt_request_key(manager, bare, &text, &len));
  expect_text(text, len, "");
  CHECK_OK(llmq_attempt_metadata(manager, bare, &bytes, &len));
  expect_text(bytes, len, "");
  CHECK_OK(llmq_attempt_succeed(manager, bare, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void reports_refuse_bad_arguments_and_the_attempt_runs_on(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_status_t kBad = LLMQ_ERR_INVALID_ARG;
  llmq_usage_t usage = usage_of(1, 1);
  const char* text = NULL;
  const void* bytes = NULL;
  size_t len = 0;
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(kBad, llmq_attempt_succeed(wrong[i], attempt, NULL, 0, NULL));
    CHECK_STATUS(kBad, llmq_attempt_fail(wrong[i], attempt, LLMQ_ERR_SERVER, NULL, 0, 0));
    CHECK_STATUS(kBad, llmq_attempt_model(wrong[i], attempt, &text, &len));
    CHECK_STATUS(kBad, llmq_attempt_tenant(wrong[i], attempt, &text, &len));
    CHECK_STATUS(kBad, llmq_attempt_request_key(wrong[i], attempt, &text, &len));
    CHECK_STATUS(kBad, llmq_attempt_metadata(wrong[i], attempt, &bytes, &len));
  }
  const llmq_attempt_id_t wrong_kind[] = {0, 1, id, UINT64_MAX};
  for (size_t i = 0; i < sizeof wrong_kind / sizeof *wrong_kind; ++i) {
    CHECK_STATUS(kBad, llmq_attempt_succeed(manager, wrong_kind[i], NULL, 0, NULL));
    CHECK_STATUS(kBad, llmq_attempt_fail(manager, wrong_kind[i], LLMQ_ERR_SERVER, NULL, 0, 0));
    CHECK_STATUS(kBad, llmq_attempt_model(manager, wrong_kind[i], &text, &len));
    CHECK_STATUS(kBad, llmq_attempt_metadata(manager, wrong_kind[i], &bytes, &len));
  }
  CHECK_STATUS(kBad, llmq_attempt_model(manager, attempt, NULL, &len));
  CHECK_STATUS(kBad, llmq_attempt_tenant(manager, attempt, &text, NULL));
  CHECK_STATUS(kBad, llmq_attempt_request_key(manager, attempt, NULL, NULL));
  CHECK_STATUS(kBad, llmq_attempt_metadata(manager, attempt, NULL, &len));
  CHECK_STATUS(kBad, llmq_attempt_succeed(manager, attempt, NULL, 1, NULL));
  usage.struct_size = 8;
  CHECK_STATUS(kBad, llmq_attempt_succeed(manager, attempt, NULL, 0, &usage));
  usage = usage_of(-1, 0);
  CHECK_STATUS(kBad, llmq_attempt_succeed(manager, attempt, NULL, 0, &usage));
  usage = usage_of(0, -1);
  CHECK_STATUS(kBad, llmq_attempt_succeed(manager, attempt, NULL, 0, &usage));
  CHECK_STATUS(kBad, llmq_attempt_fail(manager, attempt, LLMQ_OK, NULL, 0, 0));
  CHECK_STATUS(kBad, llmq_attempt_fail(manager, attempt, 1, NULL, 0, 0));
  CHECK_STATUS(kBad, llmq_attempt_fail(manager, attempt, LLMQ_ERR_SERVER, NULL, 1, 0));
  CHECK_STATUS(kBad, llmq_attempt_fail(manager, attempt, LLMQ_ERR_SERVER, NULL, 0, -1));
  CHECK_STATUS(LLMQ_ERR_STALE,
               llmq_attempt_succeed(manager, attempt + (UINT64_C(1) << 56), NULL, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE,
               llmq_attempt_succeed(manager, attempt + (UINT64_C(1) << 24), NULL, 0, NULL));
  check_no_event(cq);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, "r", 1, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, "r", 1, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct later {
  llmq_manager_t* manager;
  struct held held;
};

static void* finish_in_reverse(void* user) {
  struct later* later = user;
  const llmq_usage_t usage = usage_of(2, 1);
  (void)nth_attempt(&later->held, 20);
  for (int n = 20; n > 0; --n) {
    char answer[32];
    const int len = snprintf(answer, sizeof answer, "answer %d", n);
    CHECK_OK(llmq_attempt_succeed(later->manager, nth_attempt(&later->held, n), answer, (size_t)len,
                                  &usage));
  }
  return NULL;
}

static void another_thread_may_finish_later_and_in_any_order(void) {
  struct later later;
  llmq_cq_t* cq = new_cq();
  pthread_t thread;
  int seen[20] = {0};
  later.manager = plain_manager();
  hold_attempts(later.manager, "m", &later.held);
  CHECK_INT(0, pthread_create(&thread, NULL, finish_in_reverse, &later));
  for (uint64_t i = 0; i < 20; ++i) {
    llmq_request_t request = request_to("m", "x");
    request.cq = cq;
    request.user_data = i;
    CHECK_OK(llmq_submit(later.manager, &request, NULL));
  }
  for (int i = 0; i < 20; ++i) {
    llmq_event_t event = next_event(cq);
    char answer[32];
    (void)snprintf(answer, sizeof answer, "answer %d", (int)event.user_data + 1);
    CHECK_OK(event.status);
    CHECK_INT(strlen(answer), event.data_len);
    CHECK_INT(0, memcmp(event.data, answer, strlen(answer)));
    ++seen[event.user_data];
    llmq_events_release(&event, sizeof event, 1);
  }
  for (int i = 0; i < 20; ++i) CHECK_INT(1, seen[i]);
  CHECK_INT(0, pthread_join(thread, NULL));
  CHECK_OK(llmq_manager_destroy(later.manager));
  llmq_cq_unref(cq);
}

static void max_in_flight_bounds_what_no_limit_bounds(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"max_in_flight\":3}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  for (int i = 0; i < 5; ++i) submit_to_cq(manager, "m", "x", cq);
  (void)nth_attempt(&held, 3);
  char* json = NULL; /* a round trip: the loop has seen all five */
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"processing\":3", json);
  CHECK_HAS("\"pending\":2", json);
  llmq_buf_free(json);
  CHECK_INT(3, held_count(&held));
  for (int n = 1; n <= 5; ++n) {
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancel_fn_may_be_null(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, held_ready, NULL, &held, NULL));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct stopper {
  llmq_manager_t* manager;
  struct latch started;
  struct latch stopped;
};

static void start_only(void* user, const llmq_event_t* event) {
  (void)event;
  latch_hit(&((struct stopper*)user)->started);
}

static void stop_inline(void* user, const llmq_event_t* event) {
  struct stopper* stopper = user;
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_fail(stopper->manager, event->attempt_id,
                                                 LLMQ_ERR_CANCELLED, "stopped", 7, 0));
  latch_hit(&stopper->stopped);
}

static void cancel_fn_may_report_inline(void) {
  struct stopper stopper;
  llmq_cq_t* cq = new_cq();
  stopper.manager = plain_manager();
  latch_init(&stopper.started);
  latch_init(&stopper.stopped);
  CHECK_OK(
      llmq_model_set_processor(stopper.manager, "m", 1, start_only, stop_inline, &stopper, NULL));
  const llmq_request_id_t id = submit_to_cq(stopper.manager, "m", "x", cq);
  latch_wait(&stopper.started, 1);
  CHECK_OK(llmq_cancel(stopper.manager, id));
  latch_wait(&stopper.stopped, 1);
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_destroy(stopper.manager));
  llmq_cq_unref(cq);
}

/* The id of an attempt that no request can have. */
static void an_attempt_id_has_a_number(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  const char* text = NULL;
  const void* bytes = NULL;
  size_t len = 0;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_attempt_id_t number = UINT64_C(0x3f) << 56;
  const llmq_attempt_id_t wrong[] = {attempt & ~number, attempt | number};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_model(manager, wrong[i], &text, &len));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_tenant(manager, wrong[i], &text, &len));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_metadata(manager, wrong[i], &bytes, &len));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_succeed(manager, wrong[i], NULL, 0, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
                 llmq_attempt_fail(manager, wrong[i], LLMQ_ERR_SERVER, NULL, 0, 0));
  }
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(set_processor_refuses_and_frees_user_every_time);
  RUN(user_is_freed_when_replaced_and_at_the_end);
  RUN(user_is_freed_when_the_model_goes);
  RUN(requests_wait_for_their_processor);
  RUN(an_attempt_knows_its_request);
  RUN(reports_refuse_bad_arguments_and_the_attempt_runs_on);
  RUN(another_thread_may_finish_later_and_in_any_order);
  RUN(max_in_flight_bounds_what_no_limit_bounds);
  RUN(cancel_fn_may_be_null);
  RUN(cancel_fn_may_report_inline);
  RUN(an_attempt_id_has_a_number);
  return 0;
}
