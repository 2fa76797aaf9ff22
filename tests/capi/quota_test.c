/* llmq.h, section Run: what becomes of requests when the account's quota is used up. */
#include "helpers.h"

static const char kWords[] = "You exceeded your current quota";

static void use_up(llmq_manager_t* manager, llmq_attempt_id_t attempt, int64_t wait) {
  CHECK_OK(
      llmq_attempt_fail(manager, attempt, LLMQ_ERR_QUOTA_EXHAUSTED, kWords, strlen(kWords), wait));
}

static void check_info(llmq_manager_t* manager, const char* model, const char* expected) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, model, strlen(model), &json, NULL));
  CHECK_HAS(expected, json);
  llmq_buf_free(json);
}

/* The next event is of a request that was not sent, and says why and until when. */
static void expect_spared(llmq_cq_t* cq) {
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK_STATUS(LLMQ_ERR_QUOTA_EXHAUSTED, event.status);
  CHECK_INT(LLMQ_STATE_FAILED, event.state);
  CHECK_INT(0, event.attempt);
  CHECK(event.retry_after_ns > 0);
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_HAS("not sent", llmq_response_error(response, NULL));
  CHECK_HAS(kWords, llmq_response_error(response, NULL));
  llmq_response_free(response);
}

static void what_waits_and_what_comes_fails_without_a_call(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"concurrency\":1}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_to_cq(manager, "m", "1", cq);
  submit_to_cq(manager, "m", "2", cq);
  use_up(manager, nth_attempt(&held, 1), 0);
  expect_done(cq, first, LLMQ_ERR_QUOTA_EXHAUSTED, LLMQ_STATE_FAILED);
  expect_spared(cq);
  submit_to_cq(manager, "m", "3", cq);
  expect_spared(cq);
  check_info(manager, "m", "\"quota_exhausted\":{\"requests\":\"fail\",\"recheck_ms\":");
  check_info(manager, "m", kWords);
  CHECK_INT(1, held_count(&held));
  /* Who has paid may say so. */
  CHECK_OK(llmq_manager_set(manager, "model.m.quota_recheck_s", "60", NULL));
  const llmq_request_id_t paid = submit_to_cq(manager, "m", "4", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  expect_done(cq, paid, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_waits_goes_on_waiting_where_it_blocks(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"concurrency\":2,\"on_quota_exhausted\":\"block\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_wait_t wait;
  const int64_t hold = 300 * MS;
  hold_attempts(manager, "m", &held);
  for (int i = 0; i < 4; ++i) submit_to_cq(manager, "m", "x", cq);
  (void)nth_attempt(&held, 2);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  (void)nth_attempt(&held, 3);
  llmq_event_t done = next_event(cq);
  CHECK_OK(done.status);
  llmq_events_release(&done, sizeof done, 1);
  const int64_t told = llmq_now_ns();
  use_up(manager, nth_attempt(&held, 1), hold);
  const llmq_request_id_t last = submit_to_cq(manager, "m", "x", cq);
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  CHECK_OK(llmq_request_wait_estimate(manager, last, &wait));
  CHECK_TEXT("the account's quota, used up", wait.blocked_by);
  check_info(manager, "m", "\"blocked_by\":\"the account's quota, used up\"");
  use_up(manager, nth_attempt(&held, 3), hold); /* it was on its way */
  const llmq_attempt_id_t probe = nth_attempt(&held, 4);
  CHECK(llmq_now_ns() >= told + hold);
  check_info(manager, "m", "\"processing\":1");
  CHECK_OK(llmq_attempt_succeed(manager, probe, NULL, 0, NULL));
  for (int n = 5; n <= 7; ++n) {
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  for (int i = 0; i < 4; ++i) {
    llmq_event_t event = next_event(cq);
    CHECK_OK(event.status);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void models_of_one_pool_have_one_account(void) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[{\"concurrency\":9}]}],"
      "\"models\":[{\"name\":\"m\",\"pool\":\"account\"},{\"name\":\"n\",\"pool\":\"account\"},"
      "{\"name\":\"o\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  struct held other;
  hold_attempts(manager, "m", &held);
  hold_attempts(manager, "o", &other);
  const llmq_request_id_t first = submit_to_cq(manager, "m", "1", cq);
  use_up(manager, nth_attempt(&held, 1), 0);
  expect_done(cq, first, LLMQ_ERR_QUOTA_EXHAUSTED, LLMQ_STATE_FAILED);
  submit_to_cq(manager, "n", "2", cq);
  expect_spared(cq);
  submit_to_cq(manager, "o", "3", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&other, 1), NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager)); /* nobody holds an attempt any more */
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(what_waits_and_what_comes_fails_without_a_call);
  RUN(what_waits_goes_on_waiting_where_it_blocks);
  RUN(models_of_one_pool_have_one_account);
  return 0;
}
