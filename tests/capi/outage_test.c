/* llmq.h: a provider that does not work. What waits is held, ends at once, or goes to another
 * model, and is told why. */
#include "helpers.h"

/* Two failures, one after the other, open the circuit breaker for so long that no test waits for
 * it. */
#define BREAKER "\"breaker\":{\"min_calls\":2,\"open_ms\":3600000,\"open_max_ms\":3600000}"

static void fail_twice(llmq_manager_t* manager, llmq_cq_t* cq, struct held* held) {
  for (int i = 1; i <= 2; ++i) {
    submit_to_cq(manager, "m", "x", cq);
    CHECK_OK(llmq_attempt_fail(manager, nth_attempt(held, i), LLMQ_ERR_SERVER, "no", 2, 0));
    llmq_event_t event = next_event(cq);
    CHECK_STATUS(LLMQ_ERR_SERVER, event.status);
    llmq_events_release(&event, sizeof event, 1);
  }
}

static void what_waits_is_held_and_told_why(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"on\":\"none\"}," BREAKER "}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  fail_twice(manager, cq, &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  llmq_wait_t wait = {.struct_size = sizeof wait};
  CHECK_OK(llmq_request_wait_estimate(manager, id, &wait));
  CHECK_HAS("circuit breaker", wait.blocked_by);
  CHECK(wait.p50_ns > INT64_C(1000000000) * 2000);
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"blocked_by\":\"the circuit breaker", json);
  llmq_buf_free(json);
  CHECK_INT(2, held_count(&held));
  CHECK_OK(
      llmq_manager_set(manager, "model.m.breaker.enabled", "false", NULL)); /* it may start now */
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 3), "r", 1, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void or_ends_at_once(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"on_outage\":\"fail\",\"retry\":{\"on\":\"none\"}," BREAKER
      "}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  fail_twice(manager, cq, &held);
  submit_to_cq(manager, "m", "x", cq);
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_SERVER, event.status);
  CHECK_INT(0, event.attempt);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_HAS("not sent", llmq_response_error(response, NULL));
  llmq_response_free(response);
  CHECK_INT(2, held_count(&held));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_key_that_is_refused_three_times_is_given_up(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  for (int i = 1; i <= 4; ++i) {
    submit_to_cq(manager, "m", "x", cq);
    if (i <= 3)
      CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, i), LLMQ_ERR_AUTH, "no", 2, 0));
    llmq_event_t event = next_event(cq);
    CHECK_STATUS(LLMQ_ERR_AUTH, event.status);
    CHECK_INT(i <= 3 ? 1 : 0, event.attempt);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_OK(llmq_manager_set(manager, "model.m.quota_recheck_s", "60",
                            NULL)); /* a change lets it be tried again */
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 4), "r", 1, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_a_model_cannot_answer_goes_to_another(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"fallback\":{\"models\":[\"n\"]}},{\"name\":\"n\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  struct held other;
  hold_attempts(manager, "m", &held);
  hold_attempts(manager, "n", &other);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(
      llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_CONTEXT_TOO_LONG, "no", 2, 0));
  const llmq_attempt_id_t attempt = nth_attempt(&other, 1);
  CHECK_INT(2, other.ready[0].attempt);
  CHECK(other.ready[0].request_id == id);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, "r", 1, NULL));
  llmq_event_t event = next_event(cq);
  CHECK_OK(event.status);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_TEXT("n", llmq_response_fallback_model(response, NULL));
  CHECK_TEXT("", llmq_response_fallback_model(NULL, NULL));
  llmq_response_free(response);
  llmq_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(1, stats.submitted);
  CHECK_INT(1, stats.completed);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static llmq_request_id_t submit_shared(llmq_manager_t* manager, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.dedup_key = "k";
  request.dedup_key_len = 1;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

static void a_shared_call_takes_all_who_share_it_to_the_other(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"cache\":{\"ttl_s\":600},\"fallback\":{\"models\":[\"n\"]}},"
      "{\"name\":\"n\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  struct held other;
  hold_attempts(manager, "m", &held);
  hold_attempts(manager, "n", &other);
  submit_shared(manager, cq);
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  submit_shared(manager, cq);
  CHECK_OK(llmq_attempt_fail(manager, first, LLMQ_ERR_CONTEXT_TOO_LONG, "no", 2, 0));
  const llmq_attempt_id_t second = nth_attempt(&other, 1);
  CHECK_INT(2, other.ready[0].attempt);
  CHECK_INT(1, other.ready[0].data_len);                     /* the payload went along */
  const llmq_request_id_t late = submit_shared(manager, cq); /* it asks m again */
  const llmq_attempt_id_t third = nth_attempt(&held, 2);
  CHECK_OK(llmq_attempt_succeed(manager, second, "r", 1, NULL));
  for (int i = 0; i < 2; ++i) {
    llmq_event_t event = next_event(cq);
    CHECK_OK(event.status);
    CHECK(event.request_id != late);
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_event_take(&event, &response));
    CHECK_TEXT("n", llmq_response_fallback_model(response, NULL));
    llmq_response_free(response);
  }
  CHECK_OK(llmq_attempt_succeed(manager, third, "s", 1, NULL));
  expect_done(cq, late, LLMQ_OK, LLMQ_STATE_COMPLETED);
  llmq_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(llmq_stats(manager, "m", 1, &stats));
  CHECK_INT(0, stats.pending + stats.processing);
  CHECK_INT(1, stats.completed);
  CHECK_OK(llmq_stats(manager, "n", 1, &stats));
  CHECK_INT(2, stats.completed);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(what_waits_is_held_and_told_why);
  RUN(or_ends_at_once);
  RUN(a_key_that_is_refused_three_times_is_given_up);
  RUN(what_a_model_cannot_answer_goes_to_another);
  RUN(a_shared_call_takes_all_who_share_it_to_the_other);
  return 0;
}
