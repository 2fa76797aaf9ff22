/* llmq.h, section Run: which failures are tried again, when, and how often. */
#include "helpers.h"

static llmq_manager_t* quick_retries(void) {
  return manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
}

static void transient_failures_are_retried(void) {
  static const llmq_status_t kTransient[] = {LLMQ_ERR_RATE_LIMITED, LLMQ_ERR_OVERLOADED,
                                             LLMQ_ERR_SERVER, LLMQ_ERR_TRANSPORT, LLMQ_ERR_TIMEOUT};
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  int attempts = 0;
  for (size_t i = 0; i < sizeof kTransient / sizeof *kTransient; ++i) {
    submit_to_cq(manager, "m", "x", cq);
    CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, ++attempts), kTransient[i], "no", 2, 0));
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, ++attempts), "r", 1, NULL));
    CHECK_INT(2, held.ready[attempts - 1].attempt);
    llmq_event_t event = next_event(cq);
    CHECK_OK(event.status);
    CHECK_INT(2, event.attempt);
    CHECK_INT(0, memcmp(event.data, "r", 1));
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_event_take(&event, &response));
    CHECK_TEXT("", llmq_response_error(response, NULL));
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void every_other_failure_is_final(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  int attempts = 0;
  hold_attempts(manager, "m", &held);
  for (llmq_status_t status = LLMQ_ERR_INVALID_ARG; status >= LLMQ_ERR_UNKNOWN; --status) {
    if (status == LLMQ_ERR_RATE_LIMITED || status == LLMQ_ERR_OVERLOADED ||
        status == LLMQ_ERR_SERVER || status == LLMQ_ERR_TRANSPORT || status == LLMQ_ERR_TIMEOUT) {
      continue;
    }
    submit_to_cq(manager, "m", "x", cq);
    CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, ++attempts), status, "why", 3, 0));
    llmq_event_t event = next_event(cq);
    CHECK_STATUS(status, event.status);
    CHECK_INT(LLMQ_STATE_FAILED, event.state);
    CHECK_INT(1, event.attempt);
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_event_take(&event, &response));
    CHECK_TEXT("why", llmq_response_error(response, NULL));
    CHECK_STATUS(status, llmq_response_status(response));
    llmq_response_free(response);
    if (status == LLMQ_ERR_QUOTA_EXHAUSTED) { /* else the next ones would not be sent */
      CHECK_OK(llmq_manager_set(manager, "model.m.quota_recheck_s", "60", NULL));
    }
  }
  CHECK_INT(attempts, held_count(&held));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void attempts_are_counted_and_bounded(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.max_attempts = 3;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  for (int n = 1; n <= 3; ++n) {
    CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, n), LLMQ_ERR_SERVER, NULL, 0, 0));
  }
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_SERVER, event.status);
  CHECK_INT(LLMQ_STATE_FAILED, event.state);
  CHECK_INT(3, event.attempt);
  llmq_events_release(&event, sizeof event, 1);
  CHECK(held.ready[0].attempt_id != held.ready[1].attempt_id);
  CHECK(held.ready[0].request_id == held.ready[1].request_id);
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  close_manager(manager);
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(3, stats.attempts);
  CHECK_INT(2, stats.retries);
  CHECK_INT(1, stats.failed);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_old_attempt_is_stale_while_the_new_one_runs(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  CHECK_OK(llmq_attempt_fail(manager, first, LLMQ_ERR_SERVER, NULL, 0, 0));
  const llmq_attempt_id_t second = nth_attempt(&held, 2);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, first, "old", 3, NULL));
  CHECK_OK(llmq_attempt_succeed(manager, second, "new", 3, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_timed_out_runner_keeps_its_data_while_the_retry_runs(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "payload");
  llmq_request_id_t id = 0;
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.timeout_ns = 1 * MS;
  request.max_attempts = 2;
  CHECK_OK(llmq_submit(manager, &request, &id));
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  (void)nth_attempt(&held, 2);
  expect_done(cq, id, LLMQ_ERR_TIMEOUT, LLMQ_STATE_FAILED);
  CHECK_INT(0, memcmp(held.ready[0].data, "payload", 7));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, first, NULL, 0, NULL));
  CHECK_INT(0, memcmp(held.ready[1].data, "payload", 7)); /* the other one still holds it */
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void whole_model_waits_after(llmq_status_t refusal) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "a", cq);
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  const int64_t wait = 200 * MS;
  const int64_t told = llmq_now_ns();
  CHECK_OK(llmq_attempt_fail(manager, first, refusal, "slow down", 9, wait));
  submit_to_cq(manager, "m", "b", cq);
  for (int n = 2; n <= 3; ++n) {
    const llmq_attempt_id_t attempt = nth_attempt(&held, n);
    CHECK(llmq_now_ns() >= told + wait);
    CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  }
  for (int i = 0; i < 2; ++i) {
    llmq_event_t event = next_event(cq);
    llmq_response_t* response = NULL;
    int64_t started = 0;
    CHECK_OK(event.status);
    CHECK_OK(llmq_event_take(&event, &response));
    CHECK_OK(llmq_response_timings(response, NULL, &started, NULL));
    CHECK(started >= told + wait);
    llmq_response_free(response);
  }
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  close_manager(manager);
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(refusal == LLMQ_ERR_RATE_LIMITED ? 1 : 0, stats.rate_limited);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_429_holds_the_whole_model_back(void) {
  whole_model_waits_after(LLMQ_ERR_RATE_LIMITED);
}

static void a_503_holds_the_whole_model_back(void) { whole_model_waits_after(LLMQ_ERR_OVERLOADED); }

static void a_500_holds_only_its_request_back(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t refused = submit_to_cq(manager, "m", "a", cq);
  CHECK_OK(
      llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, NULL, 0, 10 * PATIENCE));
  const llmq_request_id_t other = submit_to_cq(manager, "m", "b", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  expect_done(cq, other, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_cancel(manager, refused));
  expect_done(cq, refused, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_final_failure_says_when_to_come_back(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.max_attempts = 1;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "no", 2, 7 * SECOND));
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_SERVER, event.status);
  CHECK_INT(7 * SECOND, event.retry_after_ns);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_retry_that_cannot_make_the_deadline_is_not_waited_for(void) {
  llmq_manager_t* manager = quick_retries();
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.deadline_ns = llmq_now_ns() + 5 * PATIENCE;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "it broke", 8,
                             10 * PATIENCE));
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_DEADLINE, event.status);
  CHECK_INT(LLMQ_STATE_EXPIRED, event.state);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_HAS("it broke", llmq_response_error(response, NULL));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(transient_failures_are_retried);
  RUN(every_other_failure_is_final);
  RUN(attempts_are_counted_and_bounded);
  RUN(the_old_attempt_is_stale_while_the_new_one_runs);
  RUN(a_timed_out_runner_keeps_its_data_while_the_retry_runs);
  RUN(a_429_holds_the_whole_model_back);
  RUN(a_503_holds_the_whole_model_back);
  RUN(a_500_holds_only_its_request_back);
  RUN(a_final_failure_says_when_to_come_back);
  RUN(a_retry_that_cannot_make_the_deadline_is_not_waited_for);
  return 0;
}
