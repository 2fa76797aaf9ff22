/* llmq.h, section Submit: how requests end other than by their processor - cancel, deadline,
 * time-out - and order. */
#include "helpers.h"

static void cancel_refuses_what_it_does_not_know(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  int32_t state = 0;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_request_id_t wrong_kind[] = {0, 1, attempt, UINT64_MAX};
  for (size_t i = 0; i < sizeof wrong_kind / sizeof *wrong_kind; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cancel(manager, wrong_kind[i]));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_state(manager, wrong_kind[i], &state));
  }
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_state(manager, id, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_cancel(manager, id + 1)); /* another slot, never used */
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_request_state(manager, id + 1, &state));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_cancel(manager, id + (UINT64_C(1) << 24))); /* a later use */
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_cancel(manager, id));
  CHECK_OK(llmq_request_state(manager, id, &state));
  CHECK_INT(LLMQ_STATE_COMPLETED, state);
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_cancel(manager, id));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancels_what_waits(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  int32_t state = 0;
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_request_state(manager, id, &state));
  CHECK_INT(LLMQ_STATE_PENDING, state);
  CHECK_OK(llmq_cancel(manager, id));
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_CANCELLED, event.status);
  CHECK_INT(LLMQ_STATE_CANCELLED, event.state);
  CHECK_INT(0, event.attempt);
  CHECK_INT(0, event.run_ns);
  CHECK_INT(0, event.data_len);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK(strlen(llmq_response_error(response, NULL)) > 0);
  llmq_response_free(response);
  CHECK_OK(llmq_request_state(manager, id, &state));
  CHECK_INT(LLMQ_STATE_CANCELLED, state);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancels_what_runs_and_tells_the_processor(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  int32_t state = 0;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_request_state(manager, id, &state));
  CHECK_INT(LLMQ_STATE_PROCESSING, state);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK(nth_cancelled(&held, 1) == attempt);
  CHECK_INT(LLMQ_EV_CANCEL_REQUESTED, held.cancelled[0].type);
  CHECK(held.cancelled[0].request_id == id);
  /* Its data still lives, until it is reported. */
  CHECK_INT(0, memcmp(held.ready[0].data, "x", 1));
  const char* text = NULL;
  size_t len = 0;
  CHECK_OK(llmq_attempt_model(manager, attempt, &text, &len));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_fail(manager, attempt, LLMQ_ERR_CANCELLED, NULL, 0, 0));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_fail(manager, attempt, LLMQ_ERR_CANCELLED, NULL, 0, 0));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_model(manager, attempt, &text, &len));
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancelling_makes_room_for_the_next(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"concurrency\":1}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_to_cq(manager, "m", "1", cq);
  const llmq_request_id_t second = submit_to_cq(manager, "m", "2", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_cancel(manager, first));
  expect_done(cq, first, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  expect_done(cq, second, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancel_right_after_submit(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  for (int i = 0; i < 200; ++i) {
    const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
    CHECK_OK(llmq_cancel(manager, id));
    expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_deadline_in_the_past_expires_at_once(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.deadline_ns = llmq_now_ns() - 1;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_deadline_ends_what_waits_and_what_runs(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  const int64_t waits_until = llmq_now_ns() + 3 * MS;
  request.deadline_ns = waits_until;
  CHECK_OK(llmq_submit(manager, &request, &id)); /* no processor yet: it waits */
  expect_done(cq, id, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  CHECK(llmq_now_ns() >= waits_until);

  hold_attempts(manager, "m", &held);
  const int64_t runs_until = llmq_now_ns() + 500 * MS;
  request.deadline_ns = runs_until;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  CHECK(llmq_now_ns() >= runs_until);
  if (held_count(&held) == 1) { /* else this machine stood still for half a second */
    const llmq_attempt_id_t attempt = nth_cancelled(&held, 1);
    CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void an_attempt_times_out_and_is_retried(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.timeout_ns = 1; /* rounded up to 1 ms */
  request.max_attempts = 2;
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, event.status);
  CHECK_INT(LLMQ_STATE_FAILED, event.state);
  CHECK_INT(2, event.attempt);
  CHECK(event.run_ns >= 1 * MS);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_HAS("1 ms", llmq_response_error(response, NULL));
  llmq_response_free(response);
  for (int n = 1; n <= 2; ++n) {
    const llmq_attempt_id_t attempt = nth_attempt(&held, n);
    CHECK(nth_cancelled(&held, n) == attempt);
    CHECK_INT(n, held.ready[n - 1].attempt);
    CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, "late", 4, NULL));
  }
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_model_s_time_out_holds_unless_the_request_has_its_own(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"timeout_ms\":1,\"retry\":{\"max_attempts\":1}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_ERR_TIMEOUT, LLMQ_STATE_FAILED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, nth_attempt(&held, 1), NULL, 0, NULL));
  request.timeout_ns = -1;
  CHECK_OK(llmq_submit(manager, &request, &id));
  const llmq_attempt_id_t attempt = nth_attempt(&held, 2);
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 5 * MS));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void requests_run_in_their_order(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"concurrency\":1}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t ids[50];
  for (int i = 0; i < 50; ++i) ids[i] = submit_to_cq(manager, "m", "x", cq);
  echo_attempts(manager, "m");
  for (int i = 0; i < 50; ++i) expect_done(cq, ids[i], LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct chain {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  llmq_request_id_t waiting;
};

static void submit_and_cancel(void* user, const llmq_event_t* event) {
  struct chain* chain = user;
  int32_t state = 0;
  CHECK_OK(llmq_request_state(chain->manager, event->request_id, &state));
  CHECK_INT(LLMQ_STATE_COMPLETED, state);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_response_peek(chain->manager, event->request_id, &response));
  llmq_response_free(response);
  CHECK_OK(llmq_cancel(chain->manager, chain->waiting));
  submit_to_cq(chain->manager, "m", "second", chain->cq);
}

static void a_callback_may_submit_cancel_and_read(void) {
  struct chain chain;
  chain.manager = manager_of("{\"models\":[{\"name\":\"m\"},{\"name\":\"never\"}]}");
  chain.cq = new_cq();
  chain.waiting = submit_to_cq(chain.manager, "never", "x", chain.cq);
  echo_attempts(chain.manager, "m");
  llmq_request_t request = request_to("m", "first");
  request.done_fn = submit_and_cancel;
  request.done_user = &chain;
  CHECK_OK(llmq_submit(chain.manager, &request, NULL));
  int cancelled = 0;
  for (int i = 0; i < 2; ++i) {
    llmq_event_t event = next_event(chain.cq);
    if (event.status == LLMQ_ERR_CANCELLED) {
      CHECK(event.request_id == chain.waiting);
      ++cancelled;
    } else {
      CHECK_OK(event.status);
      CHECK_INT(0, memcmp(event.data, "second", 6));
    }
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_INT(1, cancelled);
  CHECK_OK(llmq_manager_destroy(chain.manager));
  llmq_cq_unref(chain.cq);
}

int main(void) {
  RUN(cancel_refuses_what_it_does_not_know);
  RUN(cancels_what_waits);
  RUN(cancels_what_runs_and_tells_the_processor);
  RUN(cancelling_makes_room_for_the_next);
  RUN(cancel_right_after_submit);
  RUN(a_deadline_in_the_past_expires_at_once);
  RUN(a_deadline_ends_what_waits_and_what_runs);
  RUN(an_attempt_times_out_and_is_retried);
  RUN(the_model_s_time_out_holds_unless_the_request_has_its_own);
  RUN(requests_run_in_their_order);
  RUN(a_callback_may_submit_cancel_and_read);
  return 0;
}
