/* llmq.h, section Responses: what is told of the attempts of a request. */
#include "helpers.h"

static llmq_manager_t* quick_retries(int max_attempts, const char* more) {
  char json[256];
  (void)snprintf(json, sizeof json,
                 "{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1,\"max_"
                 "attempts\":%d}%s}]}",
                 max_attempts, more);
  return manager_of(json);
}

static llmq_response_t* next_response(llmq_cq_t* cq, llmq_status_t status) {
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK_STATUS(status, event.status);
  CHECK_OK(llmq_event_take(&event, &response));
  return response;
}

static char* attempts_of(const llmq_response_t* response) {
  char* json = NULL;
  size_t len = 0;
  CHECK_OK(llmq_response_attempts_json(response, &json, &len));
  CHECK_INT(len, strlen(json));
  return json;
}

static int count_of(const char* part, const char* text) {
  int count = 0;
  while ((text = strstr(text, part)) != NULL) {
    ++count;
    ++text;
  }
  return count;
}

static void a_failed_request_tells_of_each_attempt(void) {
  llmq_manager_t* manager = quick_retries(8, "");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "first", 5, 0));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 2), LLMQ_ERR_AUTH, "second", 6, 0));
  llmq_response_t* response = next_response(cq, LLMQ_ERR_AUTH);
  CHECK_TEXT("second", llmq_response_error(response, NULL)); /* as without a history */
  char* json = attempts_of(response);
  CHECK_HAS("[{\"attempt\":1,\"status\":\"LLMQ_ERR_SERVER\",\"message\":\"first\",\"started_ms\":",
            json);
  CHECK_HAS(
      ",\"retry_delay_ms\":1},{\"attempt\":2,\"status\":\"LLMQ_ERR_AUTH\","
      "\"message\":\"second\",\"started_ms\":",
      json);
  CHECK_INT(1, count_of("retry_delay_ms", json));
  CHECK_INT(2, count_of("\"run_ms\":", json));
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void so_does_one_that_succeeds_in_the_end(void) {
  llmq_manager_t* manager = quick_retries(8, "");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "no", 2, 0));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), "r", 1, NULL));
  llmq_response_t* response = next_response(cq, LLMQ_OK);
  char* json = attempts_of(response);
  CHECK_HAS("{\"attempt\":2,\"status\":\"LLMQ_OK\",\"started_ms\":", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  /* The next one goes well at once: there is nothing to tell. */
  submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 3), "r", 1, NULL));
  response = next_response(cq, LLMQ_OK);
  json = attempts_of(response);
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* Who runs an attempt that has ended for llmq still says so: only then its record goes. */
static void let_go(llmq_manager_t* manager, llmq_attempt_id_t attempt) {
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
}

static void time_outs_and_cancels_are_told(void) {
  llmq_manager_t* manager = quick_retries(2, ",\"timeout_ms\":20");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "x", cq);
  CHECK_STATUS(LLMQ_ERR_STALE,
               llmq_attempt_fail(manager, nth_cancelled(&held, 1), LLMQ_ERR_SERVER, "late", 4, 0));
  llmq_response_t* response = next_response(cq, LLMQ_ERR_TIMEOUT);
  char* json = attempts_of(response);
  CHECK_INT(2, count_of("\"status\":\"LLMQ_ERR_TIMEOUT\"", json));
  CHECK_HAS("\"message\":\"attempt 1 gave no answer within 20 ms\"", json);
  CHECK_HAS("\"message\":\"attempt 2 gave no answer within 20 ms\"", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  let_go(manager, nth_cancelled(&held, 2));
  llmq_request_t request = request_to("m", "y");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.timeout_ns = -1;
  CHECK_OK(llmq_submit(manager, &request, &id));
  nth_attempt(&held, 3);
  CHECK_OK(llmq_cancel(manager, id));
  response = next_response(cq, LLMQ_ERR_CANCELLED);
  json = attempts_of(response);
  CHECK_INT(1, count_of("\"attempt\":", json));
  CHECK_HAS("\"status\":\"LLMQ_ERR_CANCELLED\"", json);
  let_go(manager, nth_cancelled(&held, 3));
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void kept_responses_tell_too(void) {
  llmq_manager_t* manager = quick_retries(8, "");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.flags = LLMQ_REQUEST_KEEP;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_PROCESSING, "no", 2, 0));
  llmq_response_t* event = next_response(cq, LLMQ_ERR_PROCESSING);
  llmq_response_t* kept = NULL;
  CHECK_OK(llmq_response_get(manager, id, &kept));
  char* from_event = attempts_of(event);
  char* from_kept = attempts_of(kept);
  CHECK_HAS("\"status\":\"LLMQ_ERR_PROCESSING\",\"message\":\"no\"", from_event);
  CHECK_TEXT(from_event, from_kept);
  llmq_buf_free(from_event);
  llmq_buf_free(from_kept);
  llmq_response_free(event);
  llmq_response_free(kept);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void who_shares_a_call_shares_its_attempts(void) {
  llmq_manager_t* manager = quick_retries(8, "");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.dedup_key = "k";
  request.dedup_key_len = 1;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  nth_attempt(&held, 1);
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "no", 2, 0));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 2), LLMQ_ERR_AUTH, "never", 5, 0));
  for (int i = 0; i < 2; ++i) {
    llmq_response_t* response = next_response(cq, LLMQ_ERR_AUTH);
    char* json = attempts_of(response);
    CHECK_INT(2, count_of("\"attempt\":", json));
    CHECK_HAS("\"message\":\"never\"", json);
    llmq_buf_free(json);
    llmq_response_free(response);
  }
  CHECK_INT(2, held_count(&held));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void wrong_arguments(void) {
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_attempts_json(NULL, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_attempts_json(JUNK, &json, NULL));
  CHECK(json == NULL);
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_submit_wait(manager, &request, -1, &response));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_attempts_json(response, NULL, NULL));
  CHECK_OK(llmq_response_attempts_json(response, &json, NULL));
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(a_failed_request_tells_of_each_attempt);
  RUN(so_does_one_that_succeeds_in_the_end);
  RUN(time_outs_and_cancels_are_told);
  RUN(kept_responses_tell_too);
  RUN(who_shares_a_call_shares_its_attempts);
  RUN(wrong_arguments);
  return 0;
}
