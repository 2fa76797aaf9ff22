/* Tenants: parts by weight, bounds of their own, priorities, and what each of them used. */
#include "helpers.h"

static llmq_request_id_t submit_for(llmq_manager_t* manager, const char* tenant, int32_t priority,
                                    uint64_t user_data, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.tenant = tenant;
  request.tenant_len = strlen(tenant);
  request.priority = priority;
  request.user_data = user_data;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

/* Everything waits before the first attempt may run; then one runs at a time. */
static void what_is_scarce_is_shared_by_weight(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=1000/1h\",\"concurrency=1\"]}],"
      " \"tenants\":[{\"name\":\"large\",\"weight\":3}]}");
  llmq_cq_t* cq = new_cq();
  int of_large = 0;
  int i;
  for (i = 0; i < 20; ++i) submit_for(manager, "small", 0, 1, cq);
  for (i = 0; i < 20; ++i) submit_for(manager, "large", 0, 2, cq);
  echo_attempts(manager, "m");
  for (i = 0; i < 16; ++i) {
    llmq_event_t event = next_event(cq);
    of_large += event.user_data == 2;
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK(of_large >= 11 && of_large <= 13);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void urgent_requests_pass(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"concurrency=1\"]}]}");
  llmq_cq_t* cq = new_cq();
  const int32_t order[] = {LLMQ_PRIORITY_URGENT, LLMQ_PRIORITY_HIGH, LLMQ_PRIORITY_NORMAL,
                           LLMQ_PRIORITY_BATCH};
  uint64_t i;
  for (i = 4; i > 0; --i) submit_for(manager, "", order[i - 1], i, cq);
  echo_attempts(manager, "m");
  for (i = 1; i <= 4; ++i) {
    llmq_event_t event = next_event(cq);
    CHECK_INT(i, event.user_data);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_tenant_is_bounded_alone(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\"}],\"tenants\":[{\"name\":\"a\",\"max_pending\":1}]}");
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t first = submit_for(manager, "a", 0, 0, cq);
  const llmq_request_id_t second = submit_for(manager, "a", 0, 0, cq);
  const llmq_request_id_t other = submit_for(manager, "b", 0, 0, cq);
  expect_done(cq, second, LLMQ_ERR_QUEUE_FULL, LLMQ_STATE_FAILED);
  echo_attempts(manager, "m");
  expect_done(cq, first, LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_done(cq, other, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* One whose own limits are used up waits alone. */
static void a_tenant_with_limits_of_its_own_holds_up_nobody(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=1/1h,per_tenant\"]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_wait_t wait;
  llmq_request_id_t ids[3];
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  ids[0] = submit_for(manager, "a", 0, 0, cq);
  ids[1] = submit_for(manager, "a", 0, 0, cq);
  ids[2] = submit_for(manager, "b", 0, 0, cq);
  echo_attempts(manager, "m");
  expect_done(cq, ids[0], LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_done(cq, ids[2], LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_request_wait_estimate(manager, ids[1], &wait));
  CHECK_HAS("requests/1h of tenant a", wait.blocked_by);
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS(
      "\"tenant_limits\":[{\"limit\":\"requests/1h\",\"kind\":\"requests\",\"amount\":1,"
      "\"tenants\":2,\"waiting\":1}]",
      json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void statistics_tell_what_each_used(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  char* json = NULL;
  int i;
  for (i = 0; i < 3; ++i) submit_for(manager, "a \"quoted\" name", 0, 0, cq);
  submit_for(manager, "b", 0, 0, cq);
  echo_attempts(manager, "m");
  for (i = 0; i < 4; ++i) {
    llmq_event_t event = next_event(cq);
    llmq_events_release(&event, sizeof event, 1);
  }
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS("\"tenants\":{\"a \\\"quoted\\\" name\":{\"submitted\":3,\"completed\":3", json);
  CHECK_HAS("\"input_tokens\":21,\"output_tokens\":9", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(what_is_scarce_is_shared_by_weight);
  RUN(urgent_requests_pass);
  RUN(a_tenant_is_bounded_alone);
  RUN(a_tenant_with_limits_of_its_own_holds_up_nobody);
  RUN(statistics_tell_what_each_used);
  return 0;
}
