/* llmq.h: responses that are handed over while they come, from processors. */
#include "helpers.h"

static llmq_request_id_t submit_stream(llmq_manager_t* manager, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.flags = LLMQ_REQUEST_STREAM;
  request.cq = cq;
  request.user_data = 77;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

static llmq_status_t send(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char* text) {
  return llmq_attempt_chunk(manager, attempt, text, strlen(text));
}

static void check_data(const llmq_event_t* event, const char* text) {
  CHECK_INT(strlen(text), event->data_len);
  CHECK_INT(0, memcmp(event->data, text, strlen(text)));
}

static void expect_chunk(llmq_cq_t* cq, llmq_request_id_t id, llmq_attempt_id_t attempt,
                         const char* text) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_CHUNK, event.type);
  CHECK_STATUS(LLMQ_OK, event.status);
  CHECK(event.request_id == id);
  CHECK(event.attempt_id == attempt);
  CHECK_INT(77, event.user_data);
  CHECK(event.handle != NULL);
  check_data(&event, text);
  llmq_events_release(&event, sizeof event, 1);
  CHECK(event.handle == NULL && event.data == NULL);
  llmq_events_release(&event, sizeof event, 1);
}

static void chunks_come_in_order_before_the_end(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_stream(manager, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_INT(LLMQ_EVENT_STREAM, held.ready[0].flags);
  CHECK_OK(send(manager, attempt, "one"));
  expect_chunk(cq, id, attempt, "one"); /* while the attempt runs */
  check_no_event(cq);
  CHECK_OK(send(manager, attempt, ""));
  CHECK_OK(send(manager, attempt, "two"));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, "onetwo", 6, NULL));
  expect_chunk(cq, id, attempt, "");
  expect_chunk(cq, id, attempt, "two");
  llmq_event_t done = next_event(cq);
  CHECK_INT(LLMQ_EV_DONE, done.type);
  CHECK_STATUS(LLMQ_OK, done.status);
  CHECK(done.request_id == id);
  CHECK(done.first_output_ns > 0 && done.first_output_ns <= done.run_ns);
  check_data(&done, "onetwo");
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&done, &response));
  CHECK(llmq_response_first_output_ns(response) > 0);
  llmq_response_free(response);
  CHECK_INT(0, llmq_response_first_output_ns(NULL));
  check_no_event(cq);
  CHECK_STATUS(LLMQ_ERR_STALE, send(manager, attempt, "late"));
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void refuses_what_is_no_chunk(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t whole = nth_attempt(&held, 1);
  CHECK_INT(0, held.ready[0].flags);
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, send(manager, whole, "x"));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, send(NULL, whole, "x"));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, send(JUNK, whole, "x"));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, send(manager, 0, "x"));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, send(manager, id, "x"));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_attempt_chunk(manager, whole, NULL, 1));
  CHECK_OK(llmq_attempt_succeed(manager, whole, NULL, 0, NULL));
  llmq_event_t done = next_event(cq);
  CHECK_INT(0, done.first_output_ns);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_chunk_event_is_no_response(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_stream(manager, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(send(manager, attempt, "one"));
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(&event, &response));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  check_data(&event, "one"); /* it outlives its request and the manager */
  llmq_events_release(&event, sizeof event, 1);
  llmq_cq_unref(cq); /* DONE was never drained */
}

/* However slow the caller is, no more than stream_buffer_bytes wait for it. */
static void a_slow_reader_bounds_the_memory(void) {
  llmq_manager_t* manager =
      manager_of("{\"stream_buffer_bytes\":65536,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  static char piece[8192];
  llmq_event_t events[16];
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_stream(manager, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  size_t sent = 0;
  while (llmq_attempt_chunk(manager, attempt, piece, sizeof piece) == LLMQ_OK) ++sent;
  CHECK(sent >= 1 && sent * sizeof piece <= 65536);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  /* Drained is not released: it still takes memory. */
  for (size_t i = 0; i < sent; ++i) events[i] = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  llmq_events_release(events, sizeof events[0], 1);
  CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  llmq_events_release(events, sizeof events[0], sent);
  events[0] = next_event(cq);
  llmq_events_release(events, sizeof events[0], 1);
  /* One piece may always be on its way, however large it is. */
  static char large[100000];
  CHECK_OK(llmq_attempt_chunk(manager, attempt, large, sizeof large));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, "", 0));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  events[0] = next_event(cq);
  CHECK_INT(LLMQ_EV_CHUNK, events[0].type);
  llmq_events_release(events, sizeof events[0], 1);
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_comes_before_the_first_chunk_is_retried(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_stream(manager, cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "no", 2, 0));
  const llmq_attempt_id_t second = nth_attempt(&held, 2);
  CHECK_OK(send(manager, second, "one"));
  CHECK_OK(llmq_attempt_fail(manager, second, LLMQ_ERR_SERVER, "broke", 5, 0));
  llmq_event_t chunk = next_event(cq);
  CHECK_INT(LLMQ_EV_CHUNK, chunk.type);
  CHECK_INT(2, chunk.attempt);
  llmq_events_release(&chunk, sizeof chunk, 1);
  expect_done(cq, id, LLMQ_ERR_SERVER, LLMQ_STATE_FAILED); /* the caller has seen a part of it */
  CHECK_INT(2, held_count(&held));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancel_in_the_middle_is_one_end(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_stream(manager, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(send(manager, attempt, "one"));
  expect_chunk(cq, id, attempt, "one");
  CHECK_OK(llmq_cancel(manager, id));
  CHECK(nth_cancelled(&held, 1) == attempt);
  CHECK_STATUS(LLMQ_ERR_STALE, send(manager, attempt, "two"));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

/* ---- Callbacks ---- */

struct seen {
  struct latch done;
  char text[64];
  int chunks;
};

static void see(void* user, const llmq_event_t* event) {
  struct seen* seen = user;
  CHECK_INT(0, seen->done.count);
  if (event->type == LLMQ_EV_CHUNK) {
    CHECK(event->handle == NULL);
    ++seen->chunks;
    memcpy(seen->text + strlen(seen->text), event->data, (size_t)event->data_len);
  } else {
    CHECK_INT(LLMQ_EV_DONE, event->type);
    latch_hit(&seen->done);
  }
}

/* Reports on the loop thread itself, where a shorter way would overtake the chunks. */
static void stream_at_once(void* user, const llmq_event_t* ready) {
  llmq_manager_t* manager = user;
  CHECK_OK(send(manager, ready->attempt_id, "a"));
  CHECK_OK(send(manager, ready->attempt_id, "b"));
  CHECK_OK(send(manager, ready->attempt_id, "c"));
  CHECK_OK(llmq_attempt_succeed(manager, ready->attempt_id, "abc", 3, NULL));
}

static void callbacks_get_chunks_too(void) {
  llmq_manager_t* manager = plain_manager();
  struct seen seen;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  memset(&seen, 0, sizeof seen);
  latch_init(&seen.done);
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, stream_at_once, NULL, manager, NULL));
  request.flags = LLMQ_REQUEST_STREAM;
  request.done_fn = see;
  request.done_user = &seen;
  CHECK_OK(llmq_submit(manager, &request, &id));
  latch_wait(&seen.done, 1);
  CHECK_INT(3, seen.chunks);
  CHECK_INT(0, strcmp("abc", seen.text));
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Who waits for the response, or only keeps it, gets it whole. */
static void without_a_reader_the_response_comes_whole(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  llmq_request_id_t id = 0;
  size_t len = 0;
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, stream_at_once, NULL, manager, NULL));
  request.flags = LLMQ_REQUEST_STREAM;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  CHECK_INT(0, memcmp("abc", llmq_response_data(response, &len), 3));
  CHECK_INT(3, len);
  llmq_response_free(response);
  request.flags = LLMQ_REQUEST_STREAM | LLMQ_REQUEST_KEEP;
  CHECK_OK(llmq_submit(manager, &request, &id));
  while (llmq_response_get(manager, id, &response) == LLMQ_ERR_AGAIN) {
  }
  CHECK_INT(0, memcmp("abc", llmq_response_data(response, &len), 3));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Chunks that nobody drains, drained ones, and a queue that goes first: nothing leaks. */
static void a_queue_may_go_before_its_chunks(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_stream(manager, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(send(manager, attempt, "one"));
  llmq_event_t event = next_event(cq);
  CHECK_OK(send(manager, attempt, "two"));
  llmq_cq_unref(cq);
  CHECK_OK(send(manager, attempt, "three"));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_events_release(&event, sizeof event, 1);
}

int main(void) {
  chunks_come_in_order_before_the_end();
  refuses_what_is_no_chunk();
  a_chunk_event_is_no_response();
  a_slow_reader_bounds_the_memory();
  what_comes_before_the_first_chunk_is_retried();
  cancel_in_the_middle_is_one_end();
  callbacks_get_chunks_too();
  without_a_reader_the_response_comes_whole();
  a_queue_may_go_before_its_chunks();
  return 0;
}
