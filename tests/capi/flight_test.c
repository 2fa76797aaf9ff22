/* llmq.h: requests with the same dedup_key share a call. */
#include "helpers.h"

static llmq_request_t keyed(const char* key, const char* payload, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", payload);
  request.dedup_key = key;
  request.dedup_key_len = strlen(key);
  request.cq = cq;
  return request;
}

static llmq_request_id_t submit(llmq_manager_t* manager, const llmq_request_t* request) {
  llmq_request_id_t id = 0;
  CHECK_OK(llmq_submit(manager, request, &id));
  return id;
}

static llmq_request_id_t submit_keyed(llmq_manager_t* manager, const char* key, const char* payload,
                                      llmq_cq_t* cq) {
  const llmq_request_t request = keyed(key, payload, cq);
  return submit(manager, &request);
}

/* Whatever was posted before has been seen by the loop. */
static void settle(llmq_manager_t* manager) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
}

static void expect_info(llmq_manager_t* manager, const char* part) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  CHECK_HAS(part, json);
  llmq_buf_free(json);
}

static void expect_stats(llmq_manager_t* manager, const char* part) {
  char* json = NULL;
  settle(manager);
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS(part, json);
  llmq_buf_free(json);
}

static void succeed(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char* text) {
  const llmq_usage_t usage = usage_of(7, 3);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, text, strlen(text), &usage));
}

/* Who runs an attempt that has ended for llmq still says so: only then its record goes. */
static void let_go(llmq_manager_t* manager, llmq_attempt_id_t attempt) {
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
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

/* ---- Streams ---- */

static llmq_request_t keyed_stream(const char* key, llmq_cq_t* cq) {
  llmq_request_t request = keyed(key, "x", cq);
  request.flags = LLMQ_REQUEST_STREAM;
  return request;
}

static void send(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char* text) {
  CHECK_OK(llmq_attempt_chunk(manager, attempt, text, strlen(text)));
}

static void expect_chunk(llmq_cq_t* cq, llmq_request_id_t id, llmq_attempt_id_t attempt,
                         const char* text) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_CHUNK, event.type);
  CHECK(event.request_id == id);
  CHECK(event.attempt_id == attempt);
  CHECK_INT(strlen(text), event.data_len);
  CHECK_INT(0, memcmp(event.data, text, strlen(text)));
  llmq_events_release(&event, sizeof event, 1);
}

static void a_stream_goes_to_all_and_late_ones_get_it_from_the_start(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cqs[] = {new_cq(), new_cq(), new_cq()};
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_id_t ids[3];
  for (int i = 0; i < 2; ++i) {
    const llmq_request_t request = keyed_stream("k", cqs[i]);
    ids[i] = submit(manager, &request);
  }
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_INT(LLMQ_EVENT_STREAM, held.ready[0].flags);
  settle(manager);
  send(manager, attempt, "one");
  for (int i = 0; i < 2; ++i) expect_chunk(cqs[i], ids[i], attempt, "one");
  const llmq_request_t late = keyed_stream("k", cqs[2]);
  ids[2] = submit(manager, &late);
  expect_chunk(cqs[2], ids[2], attempt, "one");
  send(manager, attempt, "two");
  for (int i = 0; i < 3; ++i) expect_chunk(cqs[i], ids[i], attempt, "two");
  CHECK_OK(llmq_cancel(manager, ids[0]));
  expect_done(cqs[0], ids[0], LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  send(manager, attempt, "three");
  succeed(manager, attempt, "onetwothree");
  for (int i = 1; i < 3; ++i) {
    expect_chunk(cqs[i], ids[i], attempt, "three");
    llmq_event_t done = next_event(cqs[i]);
    CHECK_INT(LLMQ_EV_DONE, done.type);
    CHECK_INT(11, done.data_len);
    CHECK(done.first_output_ns > 0 && done.first_output_ns <= done.run_ns);
    llmq_events_release(&done, sizeof done, 1);
  }
  check_no_event(cqs[0]);
  CHECK_OK(llmq_manager_destroy(manager));
  for (int i = 0; i < 3; ++i) {
    check_no_event(cqs[i]);
    llmq_cq_unref(cqs[i]);
  }
}

/* One that reads nothing holds up nobody; where none reads, the runner waits. */
static void a_slow_reader_holds_up_nobody(void) {
  llmq_manager_t* manager =
      manager_of("{\"stream_buffer_bytes\":32768,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* slow = new_cq();
  llmq_cq_t* quick = new_cq();
  struct held held;
  static char piece[8192];
  const int pieces = 40; /* ten times the buffer */
  hold_attempts(manager, "m", &held);
  const llmq_request_t request = keyed_stream("k", slow);
  submit(manager, &request);
  llmq_request_t other = keyed_stream("k", quick);
  const llmq_request_id_t quick_id = submit(manager, &other);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  settle(manager);
  for (int i = 0; i < pieces; ++i) {
    piece[0] = (char)i;
    CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
    llmq_event_t event = next_event(quick);
    CHECK_INT(i, ((const char*)event.data)[0]);
    llmq_events_release(&event, sizeof event, 1);
  }
  /* Too much has come for those who would join now: they begin another call. */
  const llmq_request_id_t late = submit(manager, &other);
  const llmq_attempt_id_t another = nth_attempt(&held, 2);
  CHECK_OK(llmq_cancel(manager, late));
  expect_done(quick, late, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK(nth_cancelled(&held, 1) == another);
  let_go(manager, another);
  /* Nobody reads any more. */
  int sent = 0;
  while (llmq_attempt_chunk(manager, attempt, piece, sizeof piece) == LLMQ_OK) ++sent;
  CHECK(sent >= 1 && sent <= 4);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  for (int i = 0; i < sent; ++i) {
    llmq_event_t event = next_event(quick);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  succeed(manager, attempt, "whole");
  llmq_event_t event = next_event(quick);
  CHECK_INT(LLMQ_EV_CHUNK, event.type);
  llmq_events_release(&event, sizeof event, 1);
  expect_done(quick, quick_id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  for (int i = 0; i < pieces + sent + 1; ++i) { /* in order, and nothing is missing */
    event = next_event(slow);
    CHECK_INT(LLMQ_EV_CHUNK, event.type);
    if (i < pieces) CHECK_INT(i, ((const char*)event.data)[0]);
    llmq_events_release(&event, sizeof event, 1);
  }
  event = next_event(slow);
  CHECK_INT(LLMQ_EV_DONE, event.type);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(slow);
  llmq_cq_unref(quick);
}

/* Neither does it hold up one that has come late, and has read all that there was. */
static void a_slow_reader_holds_up_no_late_one(void) {
  llmq_manager_t* manager =
      manager_of("{\"stream_buffer_bytes\":32768,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* slow = new_cq();
  llmq_cq_t* late = new_cq();
  struct held held;
  static char piece[8192];
  int sent = 0;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed_stream("k", slow);
  submit(manager, &request);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  while (llmq_attempt_chunk(manager, attempt, piece, sizeof piece) == LLMQ_OK) ++sent;
  CHECK_INT(3, sent);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  settle(manager);
  request.cq = late;
  const llmq_request_id_t late_id = submit(manager, &request);
  for (int i = 0; i < sent; ++i) {
    llmq_event_t event = next_event(late);
    CHECK_INT(LLMQ_EV_CHUNK, event.type);
    CHECK(event.request_id == late_id);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_INT(1, held_count(&held)); /* the same call */
  CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  succeed(manager, attempt, "whole");
  llmq_event_t event = next_event(late);
  CHECK_INT(LLMQ_EV_CHUNK, event.type);
  llmq_events_release(&event, sizeof event, 1);
  expect_done(late, late_id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(slow);
  llmq_cq_unref(late);
}

static void what_was_seen_comes_again_only_to_those_who_allow_it(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
  llmq_cq_t* strict = new_cq();
  llmq_cq_t* restarts = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed_stream("k", strict);
  const llmq_request_id_t strict_id = submit(manager, &request);
  request.cq = restarts;
  request.flags |= LLMQ_REQUEST_RESTART;
  const llmq_request_id_t restarts_id = submit(manager, &request);
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  settle(manager);
  send(manager, first, "one");
  CHECK_OK(llmq_attempt_fail(manager, first, LLMQ_ERR_SERVER, "broke", 5, 0));
  expect_chunk(strict, strict_id, first, "one");
  expect_done(strict, strict_id, LLMQ_ERR_SERVER, LLMQ_STATE_FAILED);
  const llmq_attempt_id_t second = nth_attempt(&held, 2);
  send(manager, second, "anew");
  succeed(manager, second, "anew");
  expect_chunk(restarts, restarts_id, first, "one");
  expect_chunk(restarts, restarts_id, second, "anew");
  expect_done(restarts, restarts_id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(strict);
  llmq_cq_unref(restarts);
}

static void a_queue_may_go_before_the_others(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* gone = new_cq();
  llmq_cq_t* stays = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed_stream("k", gone);
  submit(manager, &request);
  request.cq = stays;
  const llmq_request_id_t id = submit(manager, &request);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  settle(manager);
  send(manager, attempt, "one");
  expect_chunk(stays, id, attempt, "one");
  llmq_event_t drained = next_event(gone);
  send(manager, attempt, "two");
  llmq_cq_unref(gone);
  succeed(manager, attempt, "onetwo");
  expect_chunk(stays, id, attempt, "two");
  expect_done(stays, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_events_release(&drained, sizeof drained, 1);
  llmq_cq_unref(stays);
}

/* ---- Built-in providers, and callbacks ---- */

struct seen {
  struct latch done;
  char text[4096];
  char answer[4096];
  int chunks;
  llmq_status_t status;
};

static void see(void* user, const llmq_event_t* event) {
  struct seen* seen = user;
  CHECK_INT(0, seen->done.count);
  char* to = event->type == LLMQ_EV_CHUNK ? seen->text : seen->answer;
  const size_t have = strlen(to);
  CHECK(have + event->data_len < sizeof seen->text);
  memcpy(to + have, event->data, (size_t)event->data_len);
  if (event->type == LLMQ_EV_CHUNK) {
    ++seen->chunks;
    return;
  }
  seen->status = event->status;
  latch_hit(&seen->done);
}

static void the_mock_streams_to_all(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"mock\":{\"latency_ms\":20,"
      "\"tokens_per_s\":2000}}]}");
  static struct seen seen[5];
  const char* const body =
      "{\"model\":\"m\",\"stream\":true,\"max_tokens\":12,\"messages\":[{\"role\":\"user\","
      "\"content\":\"hello\"}]}";
  memset(seen, 0, sizeof seen);
  for (int i = 0; i < 5; ++i) {
    latch_init(&seen[i].done);
    llmq_request_t request = keyed("k", body, NULL);
    request.operation = LLMQ_OP_CHAT;
    request.done_fn = see;
    request.done_user = &seen[i];
    submit(manager, &request);
  }
  for (int i = 0; i < 5; ++i) latch_wait(&seen[i].done, 1);
  CHECK(seen[0].chunks > 1);
  for (int i = 0; i < 5; ++i) {
    CHECK_STATUS(LLMQ_OK, seen[i].status);
    CHECK_INT(seen[0].chunks, seen[i].chunks);
    CHECK_TEXT(seen[0].text, seen[i].text);
    CHECK_TEXT(seen[0].answer, seen[i].answer);
  }
  expect_stats(manager, "\"attempts\":1,");
  CHECK_OK(llmq_manager_destroy(manager));
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
  RUN(a_stream_goes_to_all_and_late_ones_get_it_from_the_start);
  RUN(a_slow_reader_holds_up_nobody);
  RUN(a_slow_reader_holds_up_no_late_one);
  RUN(what_was_seen_comes_again_only_to_those_who_allow_it);
  RUN(a_queue_may_go_before_the_others);
  RUN(the_mock_streams_to_all);
  return 0;
}
