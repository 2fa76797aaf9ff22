/* llmq.h: requests with the same dedup_key share a call. Streams: flight_stream_test.c. */
#include "flight.h"

static llmq_request_id_t submit_keyed(llmq_manager_t* manager, const char* key, const char* payload,
                                      llmq_cq_t* cq) {
  const llmq_request_t request = keyed(key, payload, cq);
  return submit(manager, &request);
}

static void expect_info(llmq_manager_t* manager, const char* part) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  CHECK_HAS(part, json);
  llmq_buf_free(json);
}

/* The DONE of that request: its text, and the usage of the call. */
static uint32_t expect_answer(llmq_cq_t* cq, llmq_request_id_t id, const char* text) {
  llmq_event_t done = next_event(cq);
  CHECK_INT(LLMQ_EV_DONE, done.type);
  CHECK_STATUS(LLMQ_OK, done.status);
  CHECK(done.request_id == id);
  CHECK_INT(strlen(text), done.data_len);
  CHECK_INT(0, memcmp(done.data, text, strlen(text)));
  CHECK_INT(7, done.input_tokens);
  CHECK_INT(1, done.attempt);
  CHECK(done.queued_ns >= 0 && done.run_ns >= 0);
  const uint32_t flags = done.flags;
  llmq_events_release(&done, sizeof done, 1);
  return flags;
}

static void the_same_key_is_one_call(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed("k", "x", cq);
  request.user_data = 1;
  request.metadata = "own";
  request.metadata_len = 3;
  const llmq_request_id_t first = submit(manager, &request);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK(held.ready[0].request_id != first); /* the call has an id of its own */
  CHECK_INT(1, held.ready[0].user_data);
  CHECK_INT(1, held.ready[0].data_len);
  request.user_data = 2;
  request.metadata = "other";
  request.metadata_len = 5;
  const llmq_request_id_t second = submit(manager, &request);
  settle(manager);
  int32_t state = 0;
  CHECK_OK(llmq_request_state(manager, second, &state));
  CHECK_INT(LLMQ_STATE_PROCESSING, state);
  succeed(manager, attempt, "answer");
  CHECK_INT(0, expect_answer(cq, first, "answer"));
  llmq_event_t done = next_event(cq);
  CHECK(done.request_id == second);
  CHECK_INT(2, done.user_data);
  CHECK_INT(LLMQ_EVENT_SHARED, done.flags);
  llmq_response_t* response = NULL;
  size_t len = 0;
  CHECK_OK(llmq_event_take(&done, &response));
  CHECK_INT(0, memcmp("other", llmq_response_metadata(response, &len), 5));
  CHECK_INT(LLMQ_EVENT_SHARED, llmq_response_flags(response));
  CHECK_INT(0, llmq_response_flags(NULL));
  llmq_usage_t usage = usage_of(0, 0);
  CHECK_OK(llmq_response_usage(response, &usage));
  CHECK_INT(3, usage.output_tokens);
  llmq_response_free(response);
  CHECK_INT(1, held_count(&held));
  llmq_stats_t stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(2, stats.submitted);
  CHECK_INT(2, stats.completed);
  CHECK_INT(1, stats.attempts);
  CHECK_INT(7, stats.input_tokens);
  CHECK_INT(0, stats.pending_bytes);
  expect_stats(manager, "\"joined\":1");
  expect_info(manager, "\"live\":0");
  /* It is over: the next one begins another. */
  const llmq_request_id_t third = submit(manager, &request);
  succeed(manager, nth_attempt(&held, 2), "anew");
  CHECK_INT(0, expect_answer(cq, third, "anew"));
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void another_key_payload_tenant_or_operation_is_another_call(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_keyed(manager, "k", "x", cq);
  submit_keyed(manager, "K", "x", cq);
  submit_keyed(manager, "k", "y", cq);
  submit_keyed(manager, "", "x", cq);
  submit_keyed(manager, "", "x", cq);
  llmq_request_t request = keyed("k", "x", cq);
  request.tenant = "t";
  request.tenant_len = 1;
  submit(manager, &request);
  request = keyed("k", "x", cq);
  request.operation = LLMQ_OP_MESSAGES;
  submit(manager, &request);
  request = keyed("k", "x", cq);
  request.flags = LLMQ_REQUEST_STREAM;
  submit(manager, &request);
  nth_attempt(&held, 8);
  settle(manager);
  CHECK_INT(8, held_count(&held));
  close_manager(manager);
  for (int i = 1; i <= 8; ++i) let_go(manager, nth_attempt(&held, i));
  CHECK_OK(llmq_manager_destroy(manager));
  for (int i = 0; i < 8; ++i) {
    llmq_event_t done = next_event(cq);
    CHECK_STATUS(LLMQ_ERR_CLOSING, done.status);
    llmq_events_release(&done, sizeof done, 1);
  }
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void a_cancel_takes_one_out_the_last_ends_the_call(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_keyed(manager, "k", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_request_id_t second = submit_keyed(manager, "k", "x", cq);
  CHECK_OK(llmq_cancel(manager, first));
  expect_done(cq, first, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  settle(manager);
  CHECK_INT(0, held.cancelled_count);
  const llmq_request_id_t third = submit_keyed(manager, "k", "x", cq);
  CHECK_OK(llmq_cancel(manager, second));
  expect_done(cq, second, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_cancel(manager, third));
  expect_done(cq, third, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK(nth_cancelled(&held, 1) == attempt);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, "late", 4, NULL));
  expect_info(manager, "\"live\":0");
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

/* Before the loop has seen them. */
static void a_cancel_at_once_is_one_end(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  for (int i = 0; i < 200; ++i) {
    const llmq_request_id_t id = submit_keyed(manager, "k", "x", cq);
    (void)llmq_cancel(manager, id);
    expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  }
  expect_info(manager, "\"live\":0");
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void a_deadline_is_that_of_the_request(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed("k", "x", cq);
  request.deadline_ns = llmq_now_ns() + 30 * MS;
  const llmq_request_id_t hasty = submit(manager, &request);
  request.deadline_ns = 0;
  const llmq_request_id_t patient = submit(manager, &request);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  expect_done(cq, hasty, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  succeed(manager, attempt, "answer");
  CHECK_INT(0, expect_answer(cq, patient, "answer"));
  request.deadline_ns = llmq_now_ns() + 30 * MS;
  const llmq_request_id_t alone = submit(manager, &request);
  const llmq_attempt_id_t aborted = nth_attempt(&held, 2);
  expect_done(cq, alone, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  CHECK(nth_cancelled(&held, 1) == aborted);
  let_go(manager, aborted);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_failure_is_everybodys_and_so_is_the_retry(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1,\"max_attempts\":2}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_keyed(manager, "k", "x", cq);
  const llmq_request_id_t second = submit_keyed(manager, "k", "x", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "one", 3, 0));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 2), LLMQ_ERR_SERVER, "two", 3, 0));
  for (int i = 0; i < 2; ++i) {
    llmq_event_t done = next_event(cq);
    llmq_response_t* response = NULL;
    CHECK(done.request_id == (i == 0 ? first : second));
    CHECK_STATUS(LLMQ_ERR_SERVER, done.status);
    CHECK_INT(2, done.attempt);
    CHECK_OK(llmq_event_take(&done, &response));
    CHECK_HAS("two", llmq_response_error(response, NULL));
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void kept_responses_and_late_usage_are_each_requests(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":\"tokens=1000/1h\"}]}");
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed("k", "x", NULL);
  request.est_input_tokens = 100;
  request.est_output_tokens = -1;
  request.flags = LLMQ_REQUEST_KEEP;
  const llmq_request_id_t first = submit(manager, &request);
  const llmq_request_id_t second = submit(manager, &request);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), "kept", 4, NULL));
  const llmq_request_id_t ids[] = {first, second};
  for (int i = 0; i < 2; ++i) {
    llmq_response_t* response = NULL;
    while (llmq_response_get(manager, ids[i], &response) == LLMQ_ERR_AGAIN) {
    }
    CHECK_INT(0, memcmp("kept", llmq_response_data(response, NULL), 4));
    llmq_response_free(response);
  }
  expect_info(manager, "\"used\":100");
  const llmq_usage_t usage = usage_of(40, 0);
  CHECK_OK(llmq_usage_update(manager, second, &usage)); /* whoever learns of it */
  expect_info(manager, "\"used\":40");
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_usage_update(manager, first, &usage));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_usage_update(manager, second, &usage));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void refusals_leave_nothing(void) {
  llmq_manager_t* manager = manager_of(
      "{\"tenants\":[{\"name\":\"t\",\"max_pending\":1}],\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed("k", "x", cq);
  request.tenant = "t";
  request.tenant_len = 1;
  const llmq_request_id_t first = submit(manager, &request);
  const llmq_request_id_t second = submit(manager, &request); /* it shares, and still is one more */
  expect_done(cq, second, LLMQ_ERR_QUEUE_FULL, LLMQ_STATE_FAILED);
  request.dedup_key = "other";
  request.dedup_key_len = 5;
  const llmq_request_id_t third = submit(manager, &request);
  expect_done(cq, third, LLMQ_ERR_QUEUE_FULL, LLMQ_STATE_FAILED);
  succeed(manager, nth_attempt(&held, 1), "answer");
  CHECK_INT(0, expect_answer(cq, first, "answer"));
  llmq_stats_t stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  settle(manager);
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(0, stats.pending_bytes);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void shutdown_and_removal_end_all(void) {
  for (int32_t mode = LLMQ_SHUTDOWN_DRAIN; mode <= LLMQ_SHUTDOWN_ABORT; ++mode) {
    llmq_manager_t* manager = plain_manager();
    llmq_cq_t* cq = new_cq();
    struct held held;
    hold_attempts(manager, "m", &held);
    const llmq_request_id_t first = submit_keyed(manager, "k", "x", cq);
    const llmq_request_id_t second = submit_keyed(manager, "k", "x", cq);
    const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
    CHECK_OK(llmq_manager_remove_model(manager, "m", 1, mode));
    CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 9));
    if (mode == LLMQ_SHUTDOWN_ABORT) {
      CHECK(nth_cancelled(&held, 1) == attempt);
      let_go(manager, attempt);
      expect_done(cq, first, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
      expect_done(cq, second, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
    } else {
      succeed(manager, attempt, "answer");
      expect_answer(cq, first, "answer");
      expect_answer(cq, second, "answer");
    }
    expect_closed(cq, 9);
    CHECK_OK(llmq_manager_destroy(manager));
    llmq_cq_unref(cq);
  }
}

int main(void) {
  RUN(the_same_key_is_one_call);
  RUN(another_key_payload_tenant_or_operation_is_another_call);
  RUN(a_cancel_takes_one_out_the_last_ends_the_call);
  RUN(a_cancel_at_once_is_one_end);
  RUN(a_deadline_is_that_of_the_request);
  RUN(a_failure_is_everybodys_and_so_is_the_retry);
  RUN(kept_responses_and_late_usage_are_each_requests);
  RUN(refusals_leave_nothing);
  RUN(shutdown_and_removal_end_all);
  return 0;
}
