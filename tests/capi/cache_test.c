/* llmq.h: answers that are kept for requests with the same dedup_key (cache.ttl_s). */
#include "helpers.h"

#define CACHED(ttl) \
  "{\"models\":[{\"name\":\"m\",\"limits\":\"requests=1/1h\",\"cache\":{\"ttl_s\":" ttl "}}]}"

static llmq_request_t keyed(const char* payload, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", payload);
  request.dedup_key = "k";
  request.dedup_key_len = 1;
  request.cq = cq;
  return request;
}

static llmq_request_id_t submit(llmq_manager_t* manager, const llmq_request_t* request) {
  llmq_request_id_t id = 0;
  CHECK_OK(llmq_submit(manager, request, &id));
  return id;
}

static void expect_stats(llmq_manager_t* manager, const char* part) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL)); /* the loop has seen all */
  llmq_buf_free(json);
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS(part, json);
  llmq_buf_free(json);
}

static llmq_event_t expect_answer(llmq_cq_t* cq, llmq_request_id_t id, const char* text) {
  llmq_event_t done = next_event(cq);
  CHECK_INT(LLMQ_EV_DONE, done.type);
  CHECK_STATUS(LLMQ_OK, done.status);
  CHECK_INT(LLMQ_STATE_COMPLETED, done.state);
  CHECK(done.request_id == id);
  CHECK_INT(strlen(text), done.data_len);
  CHECK_INT(0, memcmp(done.data, text, strlen(text)));
  return done;
}

static void a_hit_costs_nothing_and_says_so(void) {
  llmq_manager_t* manager = manager_of(CACHED("600"));
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = keyed("x", cq);
  echo_attempts(manager, "m");
  llmq_event_t done = expect_answer(cq, submit(manager, &request), "x");
  CHECK_INT(0, done.flags);
  llmq_events_release(&done, sizeof done, 1);
  for (int i = 0; i < 3; ++i) { /* the limit has no room for them */
    request.user_data = (uint64_t)i;
    request.flags = LLMQ_REQUEST_KEEP;
    const llmq_request_id_t id = submit(manager, &request);
    done = expect_answer(cq, id, "x");
    CHECK_INT(LLMQ_EVENT_CACHED, done.flags);
    CHECK_INT(i, done.user_data);
    CHECK_INT(0, done.attempt);
    CHECK_INT(7, done.input_tokens);
    CHECK_INT(3, done.output_tokens);
    CHECK_INT(0, done.run_ns);
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_event_take(&done, &response));
    CHECK_INT(LLMQ_EVENT_CACHED, llmq_response_flags(response));
    llmq_response_free(response);
    CHECK_OK(llmq_response_get(manager, id, &response));
    CHECK_INT(LLMQ_EVENT_CACHED, llmq_response_flags(response));
    llmq_response_free(response);
  }
  expect_stats(manager, "\"submitted\":4,\"completed\":4,");
  expect_stats(manager, "\"attempts\":1,");
  expect_stats(manager, "\"input_tokens\":7,");
  expect_stats(manager, "\"cache\":{\"hits\":3,\"misses\":1,\"evicted\":0,\"entries\":1,");
  expect_stats(manager, "\"pending_bytes\":0,");
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

/* Without cache.ttl_s, without a key, with another payload: a call, or a wait for one. */
static void nothing_else_is_a_hit(void) {
  llmq_manager_t* manager = manager_of(CACHED("600"));
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = keyed("x", cq);
  echo_attempts(manager, "m");
  llmq_event_t done = expect_answer(cq, submit(manager, &request), "x");
  llmq_events_release(&done, sizeof done, 1);
  llmq_request_t others[4];
  for (int i = 0; i < 4; ++i) others[i] = keyed(i == 0 ? "y" : "x", cq);
  others[1].tenant = "t";
  others[1].tenant_len = 1;
  others[2].dedup_key_len = 0;
  others[3].flags = LLMQ_REQUEST_STREAM;
  for (int i = 0; i < 4; ++i) {
    const llmq_request_id_t id = submit(manager, &others[i]);
    CHECK_OK(llmq_cancel(manager, id)); /* it waits for the limit */
    expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  }
  expect_stats(manager, "\"cache\":{\"hits\":0,\"misses\":4,");
  CHECK_OK(llmq_manager_set(manager, "model.m.cache.ttl_s", "0", NULL));
  const llmq_request_id_t id = submit(manager, &request);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void failures_are_not_kept(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"cache\":{\"ttl_s\":600}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_t request = keyed("x", cq);
  llmq_request_id_t id = submit(manager, &request);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_PROCESSING, "no", 2, 0));
  expect_done(cq, id, LLMQ_ERR_PROCESSING, LLMQ_STATE_FAILED);
  id = submit(manager, &request);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), "yes", 3, NULL));
  llmq_event_t done = expect_answer(cq, id, "yes");
  llmq_events_release(&done, sizeof done, 1);
  done = expect_answer(cq, submit(manager, &request), "yes");
  CHECK_INT(LLMQ_EVENT_CACHED, done.flags);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_INT(2, held_count(&held));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_kept_stream_comes_in_the_same_pieces(void) {
  llmq_manager_t* manager = manager_of(
      "{\"stream_buffer_bytes\":32768,\"models\":[{\"name\":\"m\",\"cache\":{\"ttl_s\":600}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  static char large[40000];
  hold_attempts(manager, "m", &held);
  llmq_request_t request = keyed("x", cq);
  request.flags = LLMQ_REQUEST_STREAM;
  for (int round = 0; round < 3; ++round) {
    const llmq_request_id_t id = submit(manager, &request);
    if (round == 0) {
      const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
      CHECK_OK(llmq_attempt_chunk(manager, attempt, "a", 1));
      CHECK_OK(llmq_attempt_chunk(manager, attempt, "b", 1));
      CHECK_OK(llmq_attempt_succeed(manager, attempt, "ab", 2, NULL));
    }
    for (int i = 0; i < 2; ++i) {
      llmq_event_t chunk = next_event(cq);
      CHECK_INT(LLMQ_EV_CHUNK, chunk.type);
      CHECK(chunk.request_id == id);
      CHECK_INT(1, chunk.data_len);
      CHECK_INT("ab"[i], ((const char*)chunk.data)[0]);
      CHECK_INT(round == 0 ? 1 : 0, chunk.attempt);
      CHECK_INT(round == 0, chunk.attempt_id != 0);
      llmq_events_release(&chunk, sizeof chunk, 1);
    }
    llmq_event_t done = expect_answer(cq, id, "ab");
    CHECK_INT(round == 0 ? 0 : LLMQ_EVENT_CACHED, done.flags);
    llmq_events_release(&done, sizeof done, 1);
  }
  /* One that is too long to be handed over at once is called each time. */
  request.payload = "y";
  for (int round = 0; round < 2; ++round) {
    const llmq_request_id_t id = submit(manager, &request);
    const llmq_attempt_id_t attempt = nth_attempt(&held, 2 + round);
    CHECK_OK(llmq_attempt_chunk(manager, attempt, large, sizeof large));
    CHECK_OK(llmq_attempt_succeed(manager, attempt, "large", 5, NULL));
    llmq_event_t chunk = next_event(cq);
    llmq_events_release(&chunk, sizeof chunk, 1);
    llmq_event_t done = expect_answer(cq, id, "large");
    llmq_events_release(&done, sizeof done, 1);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void memory_is_bounded(void) {
  llmq_manager_t* manager = manager_of(
      "{\"cache\":{\"max_bytes\":4096},\"models\":[{\"name\":\"m\",\"cache\":{\"ttl_s\":600}}]}");
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  static char large[5000];
  memset(large, 'l', sizeof large - 1);
  for (int i = 0; i < 100; ++i) {
    char payload[32];
    (void)snprintf(payload, sizeof payload, "payload number %d", i);
    const llmq_request_t request = keyed(i == 99 ? large : payload, cq);
    llmq_event_t done = expect_answer(cq, submit(manager, &request), request.payload);
    CHECK_INT(0, done.flags);
    llmq_events_release(&done, sizeof done, 1);
  }
  char* json = NULL;
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  const char* bytes = strstr(json, "\"bytes\":");
  CHECK(bytes != NULL);
  const long held = strtol(bytes + strlen("\"bytes\":"), NULL, 10);
  CHECK(held > 2048 && held <= 4096);
  llmq_buf_free(json);
  const llmq_request_t last = keyed("payload number 98", cq);
  llmq_event_t done = expect_answer(cq, submit(manager, &last), "payload number 98");
  CHECK_INT(LLMQ_EVENT_CACHED, done.flags);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(a_hit_costs_nothing_and_says_so);
  RUN(nothing_else_is_a_hit);
  RUN(failures_are_not_kept);
  RUN(a_kept_stream_comes_in_the_same_pieces);
  RUN(memory_is_bounded);
  return 0;
}
