/* llmq.h, section Run: workers, who pull attempts from a queue and run them on a lease. */
#include "helpers.h"

static void set_workers(llmq_manager_t* manager, llmq_cq_t* work, int64_t lease_ns) {
  CHECK_OK(llmq_model_set_workers(manager, "m", 1, work, lease_ns));
}

/* The next event of the queue is of this type; it is the caller's to release. */
static llmq_event_t expect_event(llmq_cq_t* cq, int32_t type) {
  const llmq_event_t event = next_event(cq);
  CHECK_INT(type, event.type);
  return event;
}

static void release(llmq_event_t* event) { llmq_events_release(event, sizeof *event, 1); }

static void expect_stop(llmq_cq_t* work, llmq_attempt_id_t attempt) {
  llmq_event_t event = expect_event(work, LLMQ_EV_CANCEL_REQUESTED);
  CHECK(event.attempt_id == attempt);
  CHECK_INT(0, event.data_len);
  release(&event);
}

static void set_workers_refuses(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\"},{\"name\":\"mock\",\"provider\":\"mock\"}]}");
  llmq_cq_t* cq = new_cq();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(NULL, "m", 1, cq, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(JUNK, "m", 1, cq, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(manager, NULL, 0, cq, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(manager, "m", 1, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(manager, "m", 1, JUNK, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_model_set_workers(manager, "m", 1, cq, -2));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_model_set_workers(manager, "x", 1, cq, 0));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_model_set_workers(manager, "mock", 4, cq, 0));
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_model_set_workers(manager, "m", 1, cq, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void attempt_calls_refuse(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  uint32_t number = 0;
  int64_t deadline = 0;
  set_workers(manager, work, 0);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  const llmq_attempt_id_t attempt = ready.attempt_id;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_heartbeat(NULL, attempt));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_heartbeat(manager, id));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_heartbeat(manager, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_number(NULL, attempt, &number));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_number(manager, id, &number));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_number(manager, attempt, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_deadline_ns(NULL, attempt, &deadline));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_deadline_ns(manager, id, &deadline));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_deadline_ns(manager, attempt, NULL));
  const llmq_attempt_id_t other = attempt + (UINT64_C(1) << 56); /* its second attempt */
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_heartbeat(manager, other));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_number(manager, other, &number));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_deadline_ns(manager, other, &deadline));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_attempt_chunk(manager, attempt, "x", 1));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_heartbeat(manager, attempt));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_number(manager, attempt, &number));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_deadline_ns(manager, attempt, &deadline));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_chunk(manager, attempt, "x", 1));
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void expect_text(const void* data, size_t len, const char* expected) {
  CHECK_INT(strlen(expected), len);
  CHECK_INT(0, memcmp(data, expected, len));
}

static void a_worker_knows_its_request(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  llmq_request_id_t id = 0;
  llmq_request_t request = request_to("m", "payload");
  const char* text = NULL;
  const void* bytes = NULL;
  size_t len = 0;
  uint32_t number = 0;
  int64_t deadline = -1;
  request.cq = cq;
  request.user_data = 99;
  request.tenant = "tenant";
  request.tenant_len = 6;
  request.request_key = "key";
  request.request_key_len = 3;
  request.metadata = "meta";
  request.metadata_len = 4;
  request.timeout_ns = 50 * SECOND;
  request.deadline_ns = llmq_now_ns() + 40 * SECOND;
  set_workers(manager, work, 0);
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK(ready.handle != NULL);
  CHECK(ready.request_id == id);
  CHECK_INT(99, ready.user_data);
  CHECK_INT(1, ready.attempt);
  CHECK_INT(0, ready.flags);
  CHECK_INT(LLMQ_STATE_PROCESSING, ready.state);
  expect_text(ready.data, (size_t)ready.data_len, "payload");
  const llmq_attempt_id_t attempt = ready.attempt_id;
  CHECK_OK(llmq_attempt_model(manager, attempt, &text, &len));
  expect_text(text, len, "m");
  CHECK_OK(llmq_attempt_tenant(manager, attempt, &text, &len));
  expect_text(text, len, "tenant");
  CHECK_OK(llmq_attempt_request_key(manager, attempt, &text, &len));
  expect_text(text, len, "key");
  CHECK_OK(llmq_attempt_metadata(manager, attempt, &bytes, &len));
  expect_text(bytes, len, "meta");
  CHECK_OK(llmq_attempt_number(manager, attempt, &number));
  CHECK_INT(1, number);
  CHECK_OK(llmq_attempt_deadline_ns(manager, attempt, &deadline));
  CHECK(deadline == request.deadline_ns);
  CHECK_OK(llmq_attempt_heartbeat(manager, attempt));
  const llmq_usage_t usage = usage_of(5, 6);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, "answer", 6, &usage));
  llmq_event_t done = expect_event(cq, LLMQ_EV_DONE);
  expect_text(done.data, (size_t)done.data_len, "answer");
  CHECK_INT(6, done.output_tokens);
  release(&done);
  expect_text(ready.data, (size_t)ready.data_len, "payload"); /* until it is released */
  expect_text(bytes, len, "meta");
  release(&ready);
  release(&ready);
  check_no_event(work);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void the_event_may_be_released_before_the_report(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  int64_t deadline = -1;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.timeout_ns = -1;
  set_workers(manager, work, -1);
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  const llmq_attempt_id_t attempt = ready.attempt_id;
  release(&ready);
  CHECK(ready.data == NULL && ready.handle == NULL);
  CHECK_OK(llmq_attempt_deadline_ns(manager, attempt, &deadline));
  CHECK_INT(0, deadline);
  CHECK_OK(llmq_attempt_fail(manager, attempt, LLMQ_ERR_PROCESSING, "no", 2, 0));
  expect_done(cq, id, LLMQ_ERR_PROCESSING, LLMQ_STATE_FAILED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_fail(manager, attempt, LLMQ_ERR_SERVER, NULL, 0, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void a_failure_is_tried_again_by_anybody(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  set_workers(manager, work, 0);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  llmq_event_t first = expect_event(work, LLMQ_EV_READY);
  CHECK_OK(llmq_attempt_fail(manager, first.attempt_id, LLMQ_ERR_SERVER, "no", 2, 0));
  llmq_event_t second = expect_event(work, LLMQ_EV_READY);
  CHECK_INT(2, second.attempt);
  CHECK(second.attempt_id != first.attempt_id);
  expect_text(first.data, (size_t)first.data_len, "x"); /* both lend the payload */
  release(&first);
  expect_text(second.data, (size_t)second.data_len, "x");
  CHECK_OK(llmq_attempt_succeed(manager, second.attempt_id, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  release(&second);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void a_cancelled_attempt_is_to_stop(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  set_workers(manager, work, 0);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "payload", cq);
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  expect_stop(work, ready.attempt_id);
  expect_text(ready.data, (size_t)ready.data_len, "payload");
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_heartbeat(manager, ready.attempt_id));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, ready.attempt_id, NULL, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, ready.attempt_id, NULL, 0, NULL));
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void a_time_out_stops_the_worker(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"max_attempts\":1}}]}");
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.timeout_ns = 1 * MS;
  set_workers(manager, work, -1);
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  expect_stop(work, ready.attempt_id);
  expect_done(cq, id, LLMQ_ERR_TIMEOUT, LLMQ_STATE_FAILED);
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

/* The slot of a lost attempt is free for the next one, its tokens stay charged. */
static void a_lost_attempt_is_tried_again_and_its_result_counts_for_nothing(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"retry\":{\"max_attempts\":2},"
      "\"limits\":[{\"concurrency\":1},{\"tokens\":1000,\"per\":\"1h\"}]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  llmq_response_t* response = NULL;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  char* json = NULL;
  request.cq = cq;
  request.est_input_tokens = 100;
  request.est_output_tokens = -1;
  set_workers(manager, work, 1 * MS);
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t first = expect_event(work, LLMQ_EV_READY);
  expect_stop(work, first.attempt_id);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, first.attempt_id, "x", 1, NULL));
  llmq_event_t second = expect_event(work, LLMQ_EV_READY);
  CHECK_INT(2, second.attempt);
  expect_stop(work, second.attempt_id);
  llmq_event_t done = expect_event(cq, LLMQ_EV_DONE);
  CHECK_STATUS(LLMQ_ERR_ABANDONED, done.status);
  CHECK_INT(LLMQ_STATE_FAILED, done.state);
  CHECK_INT(2, done.attempt);
  CHECK_OK(llmq_event_take(&done, &response));
  CHECK_HAS("lease of 1 ms", llmq_response_error(response, NULL));
  CHECK_OK(llmq_response_attempts_json(response, &json, NULL));
  CHECK_HAS("LLMQ_ERR_ABANDONED", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"used\":200", json);
  llmq_buf_free(json);
  release(&first);
  release(&second);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void attempts_that_nobody_can_take_are_lost(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"max_attempts\":3}}]}");
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  set_workers(manager, work, -1);
  const llmq_request_id_t first = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_cq_wait(work, PATIENCE));
  llmq_cq_unref(work); /* with the attempt in it */
  expect_done(cq, first, LLMQ_ERR_ABANDONED, LLMQ_STATE_FAILED);
  const llmq_request_id_t second = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, second, LLMQ_ERR_ABANDONED, LLMQ_STATE_FAILED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_worker_streams(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.flags = LLMQ_REQUEST_STREAM;
  set_workers(manager, work, 0);
  CHECK_OK(llmq_submit(manager, &request, &id));
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK_INT(LLMQ_EVENT_STREAM, ready.flags);
  CHECK_OK(llmq_attempt_chunk(manager, ready.attempt_id, "one", 3));
  CHECK_OK(llmq_attempt_chunk(manager, ready.attempt_id, "two", 3));
  CHECK_OK(llmq_attempt_succeed(manager, ready.attempt_id, "onetwo", 6, NULL));
  llmq_event_t one = expect_event(cq, LLMQ_EV_CHUNK);
  expect_text(one.data, (size_t)one.data_len, "one");
  CHECK(one.attempt_id == ready.attempt_id);
  llmq_event_t two = expect_event(cq, LLMQ_EV_CHUNK);
  expect_text(two.data, (size_t)two.data_len, "two");
  release(&one);
  release(&two);
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void requests_of_one_call_are_one_attempt(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  llmq_request_t request = request_to("m", "payload");
  llmq_request_id_t ids[3];
  request.cq = cq;
  request.dedup_key = "same";
  request.dedup_key_len = 4;
  for (int i = 0; i < 3; ++i) CHECK_OK(llmq_submit(manager, &request, &ids[i]));
  set_workers(manager, work, 0);
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK_OK(llmq_attempt_succeed(manager, ready.attempt_id, NULL, 0, NULL));
  for (int i = 0; i < 3; ++i) expect_done(cq, ids[i], LLMQ_OK, LLMQ_STATE_COMPLETED);
  check_no_event(work);
  expect_text(ready.data, (size_t)ready.data_len, "payload");
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

static void workers_and_processors_take_each_others_place(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_to_cq(manager, "m", "1", cq);
  const llmq_attempt_id_t pushed = nth_attempt(&held, 1);
  set_workers(manager, work, 0);
  const llmq_request_id_t second = submit_to_cq(manager, "m", "2", cq);
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK(ready.request_id == second);
  CHECK_INT(1, calls_of(&held.freed));
  echo_attempts(manager, "m");
  const llmq_request_id_t third = submit_to_cq(manager, "m", "3", cq);
  expect_done(cq, third, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_cancel(manager, second)); /* goes to the worker that has it */
  expect_done(cq, second, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  expect_stop(work, ready.attempt_id);
  CHECK_OK(llmq_attempt_heartbeat(manager, pushed));
  CHECK_OK(llmq_attempt_succeed(manager, pushed, NULL, 0, NULL));
  expect_done(cq, first, LLMQ_OK, LLMQ_STATE_COMPLETED);
  release(&ready);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
}

/* One queue for everything: what is to be run, what has ended, and the end of all. */
static void a_drain_ends_what_workers_run(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  int ready = 0;
  int done = 0;
  set_workers(manager, cq, 0);
  for (int i = 0; i < 5; ++i) submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 7));
  for (int closed = 0; !closed;) {
    llmq_event_t event = next_event(cq);
    if (event.type == LLMQ_EV_READY) {
      ++ready;
      CHECK_OK(llmq_attempt_succeed(manager, event.attempt_id, event.data, 1, NULL));
    } else if (event.type == LLMQ_EV_DONE) {
      ++done;
      CHECK_OK(event.status);
    } else {
      CHECK_INT(LLMQ_EV_CLOSED, event.type);
      CHECK_INT(7, event.user_data);
      closed = 1;
    }
    release(&event);
  }
  CHECK_INT(5, ready);
  CHECK_INT(5, done);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void events_outlive_their_manager(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* work = new_cq();
  set_workers(manager, work, 0);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "payload", cq);
  submit_to_cq(manager, "m", "other", cq); /* stays in the queue */
  llmq_event_t ready = expect_event(work, LLMQ_EV_READY);
  CHECK_OK(llmq_cq_wait(work, PATIENCE));
  CHECK_OK(llmq_manager_destroy(manager));
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_text(ready.data, (size_t)ready.data_len, "payload");
  llmq_cq_unref(work);
  llmq_cq_unref(cq);
  release(&ready);
}

int main(void) {
  RUN(set_workers_refuses);
  RUN(attempt_calls_refuse);
  RUN(a_worker_knows_its_request);
  RUN(the_event_may_be_released_before_the_report);
  RUN(a_failure_is_tried_again_by_anybody);
  RUN(a_cancelled_attempt_is_to_stop);
  RUN(a_time_out_stops_the_worker);
  RUN(a_lost_attempt_is_tried_again_and_its_result_counts_for_nothing);
  RUN(attempts_that_nobody_can_take_are_lost);
  RUN(a_worker_streams);
  RUN(requests_of_one_call_are_one_attempt);
  RUN(workers_and_processors_take_each_others_place);
  RUN(a_drain_ends_what_workers_run);
  RUN(events_outlive_their_manager);
  return 0;
}
