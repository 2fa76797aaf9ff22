/* llmq.h: a second call of a request whose first one is slow (hedge.*). The first deployment of
 * these models never answers: what is answered is answered by the second. */
#include "helpers.h"

#define HANGS "{\"name\":\"a\",\"order\":0,\"mock\":{\"fail_hang\":1}}"
#define FAST "{\"name\":\"b\",\"order\":1,\"mock\":{\"latency_ms\":1,\"tokens_per_s\":100000}}"
#define HANGS_TOO "{\"name\":\"b\",\"order\":1,\"mock\":{\"fail_hang\":1}}"
#define FAILS "{\"name\":\"b\",\"order\":1,\"mock\":{\"latency_ms\":1,\"fail_server\":1}}"
#define HEDGE "\"hedge\":{\"enabled\":true,\"after_ms\":20,\"budget_percent\":100}"
#define CHAT "{\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}],\"max_tokens\":9}"

static llmq_manager_t* two_places(const char* more, const char* second) {
  char json[1024];
  (void)snprintf(json, sizeof json,
                 "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\"%s,\"deployments\":[" HANGS
                 ",%s]}]}",
                 more, second);
  return manager_of(json);
}

static llmq_request_id_t submit_chat(llmq_manager_t* manager, llmq_cq_t* cq, uint32_t flags) {
  llmq_request_t request = request_to("m", CHAT);
  llmq_request_id_t id = 0;
  request.operation = LLMQ_OP_CHAT;
  request.flags = flags;
  request.user_data = 77;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

static void expect_stats(llmq_manager_t* manager, const char* text) {
  char* json = NULL;
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS(text, json);
  llmq_buf_free(json);
}

static llmq_response_t* next_response(llmq_cq_t* cq, llmq_status_t status) {
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK_INT(LLMQ_EV_DONE, event.type);
  CHECK_STATUS(status, event.status);
  CHECK_OK(llmq_event_take(&event, &response));
  return response;
}

static void the_first_answer_is_the_outcome(void) {
  llmq_manager_t* manager = two_places("," HEDGE, FAST);
  llmq_cq_t* cq = new_cq();
  submit_chat(manager, cq, 0);
  llmq_response_t* response = next_response(cq, LLMQ_OK);
  CHECK_TEXT("b", llmq_response_deployment(response, NULL));
  CHECK_INT(2, llmq_response_attempts(response));
  char* json = NULL;
  CHECK_OK(llmq_response_attempts_json(response, &json, NULL));
  CHECK_HAS("{\"attempt\":1,\"deployment\":\"a\",\"status\":\"LLMQ_ERR_CANCELLED\"", json);
  CHECK_HAS("{\"attempt\":2,\"hedge\":true,\"deployment\":\"b\",\"status\":\"LLMQ_OK\"", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  check_no_event(cq);
  expect_stats(manager, "\"hedges\":1,\"hedges_won\":1");
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* All of the stream is told under the request's own id, and nothing of the other call. */
static void the_first_output_of_a_stream_decides(uint32_t dedup) {
  llmq_manager_t* manager = two_places("," HEDGE, FAST);
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", CHAT);
  llmq_request_id_t id = 0;
  request.operation = LLMQ_OP_CHAT;
  request.flags = LLMQ_REQUEST_STREAM;
  request.user_data = 77;
  request.cq = cq;
  if (dedup != 0) {
    request.dedup_key = "k";
    request.dedup_key_len = 1;
  }
  CHECK_OK(llmq_submit(manager, &request, &id));
  int chunks = 0;
  for (;;) {
    llmq_event_t event = next_event(cq);
    CHECK(event.request_id == id);
    CHECK_INT(77, event.user_data);
    const int done = event.type == LLMQ_EV_DONE;
    if (done) {
      CHECK_STATUS(LLMQ_OK, event.status);
      CHECK(event.first_output_ns > 0);
      CHECK(event.data_len > 0);
    } else {
      CHECK_INT(2, event.attempt);
      ++chunks;
    }
    llmq_events_release(&event, sizeof event, 1);
    if (done) break;
  }
  CHECK(chunks > 1);
  check_no_event(cq);
  expect_stats(manager, "\"hedges\":1,\"hedges_won\":1");
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void wait_for_hedge(llmq_manager_t* manager, uint64_t attempts) {
  llmq_stats_t stats;
  do {
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    CHECK_OK(llmq_stats(manager, "m", 1, &stats));
  } while (stats.attempts < attempts);
}

static void a_cancel_ends_both(uint32_t flags) {
  llmq_manager_t* manager = two_places("," HEDGE, HANGS_TOO);
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = submit_chat(manager, cq, flags);
  wait_for_hedge(manager, 2);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void so_does_a_shutdown(void) {
  llmq_manager_t* manager = two_places("," HEDGE, HANGS_TOO);
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = submit_chat(manager, cq, 0);
  wait_for_hedge(manager, 2);
  close_manager(manager);
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* A second call that fails changes nothing: the time-out of the first one ends the request. */
static void a_second_call_that_fails_is_not_the_end(void) {
  llmq_manager_t* manager = two_places(
      "," HEDGE ",\"timeout_ms\":300,\"retry\":{\"max_attempts\":2,\"base_ms\":1,\"cap_ms\":1}",
      FAILS);
  llmq_cq_t* cq = new_cq();
  submit_chat(manager, cq, LLMQ_REQUEST_STREAM);
  llmq_response_t* response = next_response(cq, LLMQ_ERR_TIMEOUT);
  char* json = NULL;
  CHECK_OK(llmq_response_attempts_json(response, &json, NULL));
  CHECK_HAS("{\"attempt\":2,\"hedge\":true,\"deployment\":\"b\",\"status\":\"LLMQ_ERR_SERVER\"",
            json);
  CHECK_HAS("{\"attempt\":1,\"deployment\":\"a\",\"status\":\"LLMQ_ERR_TIMEOUT\"", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void off_unless_asked_for(void) {
  llmq_manager_t* manager = two_places(",\"timeout_ms\":100,\"retry\":{\"max_attempts\":1}", FAST);
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = submit_chat(manager, cq, 0);
  expect_done(cq, id, LLMQ_ERR_TIMEOUT, LLMQ_STATE_FAILED);
  expect_stats(manager, "\"hedges\":0,\"hedges_won\":0");
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  the_first_answer_is_the_outcome();
  the_first_output_of_a_stream_decides(0);
  the_first_output_of_a_stream_decides(1);
  a_cancel_ends_both(0);
  a_cancel_ends_both(LLMQ_REQUEST_STREAM);
  so_does_a_shutdown();
  a_second_call_that_fails_is_not_the_end();
  off_unless_asked_for();
  return 0;
}
