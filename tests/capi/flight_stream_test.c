/* llmq.h: requests with the same dedup_key share a call that is a stream, or whose end is told by
 * callbacks. */
#include "flight.h"

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

/* Reads so many pieces, whatever they say. */
static void skip_chunks(llmq_cq_t* cq, llmq_request_id_t id, int count) {
  for (int i = 0; i < count; ++i) {
    llmq_event_t event = next_event(cq);
    CHECK_INT(LLMQ_EV_CHUNK, event.type);
    CHECK(event.request_id == id);
    llmq_events_release(&event, sizeof event, 1);
  }
}

/* Until nobody has room: how many went. */
static int send_all_that_fits(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char* piece,
                              size_t len) {
  int sent = 0;
  while (llmq_attempt_chunk(manager, attempt, piece, len) == LLMQ_OK) ++sent;
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_attempt_chunk(manager, attempt, piece, len));
  return sent;
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
  const llmq_request_id_t slow_id = submit(manager, &request);
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
  const int sent = send_all_that_fits(manager, attempt, piece, sizeof piece);
  CHECK(sent >= 1 && sent <= 4);
  skip_chunks(quick, quick_id, sent);
  CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  succeed(manager, attempt, "whole");
  skip_chunks(quick, quick_id, 1);
  expect_done(quick, quick_id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  for (int i = 0; i < pieces + sent + 1; ++i) { /* in order, and nothing is missing */
    llmq_event_t event = next_event(slow);
    CHECK_INT(LLMQ_EV_CHUNK, event.type);
    if (i < pieces) CHECK_INT(i, ((const char*)event.data)[0]);
    llmq_events_release(&event, sizeof event, 1);
  }
  expect_done(slow, slow_id, LLMQ_OK, LLMQ_STATE_COMPLETED);
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
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed_stream("k", slow);
  submit(manager, &request);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_INT(3, send_all_that_fits(manager, attempt, piece, sizeof piece));
  settle(manager);
  request.cq = late;
  const llmq_request_id_t late_id = submit(manager, &request);
  skip_chunks(late, late_id, 3);
  CHECK_INT(1, held_count(&held)); /* the same call */
  CHECK_OK(llmq_attempt_chunk(manager, attempt, piece, sizeof piece));
  succeed(manager, attempt, "whole");
  skip_chunks(late, late_id, 1);
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
  RUN(a_stream_goes_to_all_and_late_ones_get_it_from_the_start);
  RUN(a_slow_reader_holds_up_nobody);
  RUN(a_slow_reader_holds_up_no_late_one);
  RUN(what_was_seen_comes_again_only_to_those_who_allow_it);
  RUN(a_queue_may_go_before_the_others);
  RUN(the_mock_streams_to_all);
  return 0;
}
