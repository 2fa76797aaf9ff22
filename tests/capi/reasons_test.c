/* Why requests wait or end: the texts and numbers that a program gets without reading logs. */
#include "helpers.h"

static char* info_of(llmq_manager_t* manager) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  return json;
}

static llmq_request_id_t submit_tokens(llmq_manager_t* manager, int64_t input, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.est_input_tokens = input;
  request.est_output_tokens = -1;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

/* The next event is that end of that request, and its message contains `says`. */
static void expect_end(llmq_cq_t* cq, llmq_request_id_t id, llmq_status_t status,
                       const char* says) {
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK(event.request_id == id);
  CHECK_STATUS(status, event.status);
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_HAS(says, llmq_response_error(response, NULL));
  llmq_response_free(response);
}

/* What waits and has become too large ends, whatever fits runs. */
static void check_lowered(const char* tenant, const char* key, const char* value,
                          const char* says) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"input_tokens=1000/1h\"]}],"
      " \"models\":[{\"name\":\"m\",\"pool\":\"account\",\"limits\":[\"tokens=1000/1h\","
      "\"tokens=1000/1m,per_tenant\"]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t ids[2] = {0, 0};
  int i;
  request.cq = cq;
  request.tenant = tenant;
  request.tenant_len = strlen(tenant);
  request.est_output_tokens = -1;
  for (i = 0; i < 2; ++i) {
    request.est_input_tokens = i == 0 ? 100 : 900;
    CHECK_OK(llmq_submit(manager, &request, &ids[i]));
  }
  CHECK_OK(llmq_manager_set(manager, key, value, NULL));
  echo_attempts(manager, "m"); /* until now nobody ran them */
  for (i = 0; i < 2; ++i) {
    llmq_event_t event = next_event(cq);
    llmq_response_t* response = NULL;
    CHECK_STATUS(event.request_id == ids[0] ? LLMQ_OK : LLMQ_ERR_OVERSIZE, event.status);
    CHECK_OK(llmq_event_take(&event, &response));
    if (llmq_response_request_id(response) == ids[1]) {
      CHECK_HAS(says, llmq_response_error(response, NULL));
    }
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_limit_lowered_below_what_waits_is_named_with_both_numbers(void) {
  check_lowered("", "model.m.limits", "tokens=500/1h",
                "needs 900 of limit tokens/1h of model m, which is 500 now");
  check_lowered("", "pool.account.limits", "input_tokens=800/1h",
                "needs 900 of limit input_tokens/1h of pool account, which is 800 now");
  check_lowered("a", "model.m.limit", "tokens=200/1m,per_tenant",
                "needs 900 of limit tokens/1m of each tenant of model m, which is 200 now");
}

static void a_tenant_s_cap_is_named(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\"}],"
      " \"tenants\":[{\"name\":\"a\",\"max_pending\":1,\"max_pending_bytes\":5000}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.tenant = "a";
  request.tenant_len = 1;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_end(cq, id, LLMQ_ERR_QUEUE_FULL,
             "tenant \"a\" may have at most 1 requests and 5000 bytes of payload live");
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_request_larger_than_everything_runs_alone_and_leaves_debt(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"tokens=100/1h,oversize=alone\"]}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = submit_tokens(manager, 1, cq);
  const llmq_attempt_id_t running = nth_attempt(&held, 1);
  const llmq_request_id_t giant = submit_tokens(manager, 250, cq);
  char* json = info_of(manager);
  CHECK_HAS("\"blocked_by\":\"tokens/1h\"", json); /* somebody else is there */
  llmq_buf_free(json);
  const llmq_usage_t nothing = usage_of(0, 0);
  CHECK_OK(llmq_attempt_succeed(manager, running, NULL, 0, &nothing));
  expect_done(cq, first, LLMQ_OK, LLMQ_STATE_COMPLETED);
  const llmq_attempt_id_t alone = nth_attempt(&held, 2);
  const llmq_request_id_t next = submit_tokens(manager, 1, cq);
  json = info_of(manager);
  CHECK_HAS("\"used\":250", json);
  CHECK_HAS("\"available\":-150", json);
  CHECK_HAS("\"pending\":1", json);
  llmq_buf_free(json);
  const llmq_usage_t usage = usage_of(240, 0);
  CHECK_OK(llmq_attempt_succeed(manager, alone, NULL, 0, &usage));
  expect_done(cq, giant, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_cancel(manager, next));
  expect_done(cq, next, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* What the caller's own SDK saw counts from then on, if it is less than what is configured. */
static void reported_limits_lower_what_is_enforced(void) {
  static const char* const kNames[] = {
      "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"};
  static const char* const kValues[] = {"3", "1", "40s"};
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=500/1m,shape=auto\"]}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  CHECK_OK(llmq_report_limits(manager, "m", 1, kNames, NULL, kValues, NULL, 3));
  char* json = info_of(manager);
  CHECK_HAS("\"amount\":500,\"effective\":3,\"effective_why\":", json);
  CHECK_HAS("\"available\":1,", json);
  CHECK_HAS("\"learnt\":", json);
  llmq_buf_free(json);
  submit_tokens(manager, 1, cq);
  const llmq_request_id_t second = submit_tokens(manager, 1, cq);
  const llmq_attempt_id_t first = nth_attempt(&held, 1);
  json = info_of(manager);
  CHECK_HAS("\"pending\":1,\"processing\":1", json);
  CHECK_HAS("\"blocked_by\":\"requests/1m\"", json);
  llmq_buf_free(json);
  llmq_wait_t wait;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  CHECK_OK(llmq_request_wait_estimate(manager, second, &wait));
  CHECK_INT(1, wait.position);
  CHECK_HAS("requests/1m", wait.blocked_by);
  CHECK(wait.p50_ns > 0 && wait.p90_ns >= wait.p50_ns);
  CHECK_OK(llmq_attempt_succeed(manager, first, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void every_number_of_a_limit_is_told(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[\"tokens=100/1h,share=1/2,charge=completion\","
      "\"requests=7/1s\",\"requests=70/1m\",\"requests=700/31d\"]}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_tokens(manager, 20, cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  char* json = info_of(manager);
  CHECK_HAS("{\"limit\":\"tokens/1h\",\"kind\":\"tokens\",\"amount\":50,\"effective\":50,", json);
  CHECK_HAS("\"used\":0,\"reserved\":20,\"projected\":0,\"available\":30,\"next_free_ms\":0", json);
  CHECK_HAS("\"limit\":\"requests/1s\"", json);
  CHECK_HAS("\"limit\":\"requests/1m\"", json);
  CHECK_HAS("\"limit\":\"requests/31d\"", json);
  CHECK_HAS("\"used\":1,\"reserved\":0,\"available\":69,\"next_free_ms\":0", json);
  CHECK_HAS("\"used\":1,\"reserved\":0,\"available\":699,\"next_free_ms\":0", json);
  llmq_buf_free(json);
  const llmq_usage_t usage = usage_of(60, 0); /* more than the limit: debt */
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, &usage));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  json = info_of(manager);
  CHECK_HAS("\"used\":60,\"reserved\":0,\"projected\":0,\"available\":-10,\"next_free_ms\":3",
            json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(a_limit_lowered_below_what_waits_is_named_with_both_numbers);
  RUN(a_tenant_s_cap_is_named);
  RUN(a_request_larger_than_everything_runs_alone_and_leaves_debt);
  RUN(reported_limits_lower_what_is_enforced);
  RUN(every_number_of_a_limit_is_told);
  return 0;
}
