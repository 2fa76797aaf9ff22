/* What a request will take: llmq_request_estimate and llmq_request_wait_estimate. */
#include "helpers.h"

static void an_estimate_is_what_submit_would_reserve(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"est_output_tokens\":40,"
      "\"price_output\":\"1\"}]}");
  llmq_request_t request = request_to("m", "{\"messages\":[],\"max_tokens\":9}");
  llmq_usage_t usage = usage_of(0, 0);
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(9, usage.output_tokens);
  CHECK_INT(9, usage.cost_micros);
  request.payload = "{\"messages\":[]}";
  request.payload_len = strlen(request.payload);
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(40, usage.output_tokens);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void an_estimate_says_what_is_wrong(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_usage_t usage = usage_of(0, 0);
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_estimate(NULL, &request, &usage, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_estimate(manager, NULL, &usage, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_estimate(manager, &request, NULL, &err));
  CHECK_HAS("usage", llmq_error_message(err));
  llmq_error_free(err);
  usage.struct_size = 3;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_estimate(manager, &request, &usage, NULL));
  usage.struct_size = sizeof usage;
  request.model = "n";
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_request_estimate(manager, &request, &usage, &err));
  CHECK_HAS("\"n\"", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_wait_estimate_checks_its_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_wait_t wait;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_wait_estimate(NULL, id, &wait));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_wait_estimate(manager, id, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_wait_estimate(manager, 0, &wait));
  wait.struct_size = 8;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_wait_estimate(manager, id, &wait));
  wait.struct_size = sizeof wait;
  echo_attempts(manager, "m");
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_request_wait_estimate(manager, id, &wait));
  close_manager(manager);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* Two an hour may start, so three wait. */
static void a_wait_estimate_names_the_place_and_the_limit(void) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"requests=2/1h\"]}],"
      " \"models\":[{\"name\":\"m\",\"pool\":\"account\",\"provider\":\"mock\"}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t ids[5];
  llmq_wait_t wait;
  int i;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  for (i = 0; i < 5; ++i) ids[i] = submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  CHECK_OK(llmq_request_wait_estimate(manager, ids[3], &wait));
  CHECK_INT(2, wait.position);
  CHECK_HAS("requests/1h of pool account", wait.blocked_by);
  CHECK(wait.p50_ns > INT64_C(1800000000000));
  CHECK(wait.p90_ns >= wait.p50_ns);
  CHECK_OK(llmq_request_wait_estimate(manager, ids[4], &wait));
  CHECK_INT(3, wait.position);
  CHECK_OK(llmq_cancel(manager, ids[2]));
  CHECK_OK(llmq_request_wait_estimate(manager, ids[4], &wait));
  CHECK_INT(2, wait.position);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct asker {
  llmq_manager_t* manager;
  llmq_status_t status;
  int asked;
};

static void ask_of_submitted(void* user, const llmq_hook_t* hook) {
  struct asker* asker = user;
  llmq_wait_t wait;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  asker->status = llmq_request_wait_estimate(asker->manager, hook->request_id, &wait);
  ++asker->asked;
}

/* Its end is decided, and not told yet. */
static void a_wait_estimate_of_one_that_has_just_ended_is_stale(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct asker asker = {manager, LLMQ_OK, 0};
  llmq_request_t request = request_to("m", "x");
  int i;
  request.cq = cq;
  request.deadline_ns = 1;
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_REQUEST_SUBMITTED, ask_of_submitted, &asker, NULL));
  for (i = 1; i <= 2; ++i) {
    llmq_request_id_t id = 0;
    CHECK_OK(llmq_submit(manager, &request, &id));
    expect_done(cq, id, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
    CHECK_INT(i, asker.asked);
    CHECK_STATUS(LLMQ_ERR_STALE, asker.status);
    request.dedup_key = "k"; /* and one that shared a call */
    request.dedup_key_len = 1;
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(an_estimate_is_what_submit_would_reserve);
  RUN(an_estimate_says_what_is_wrong);
  RUN(a_wait_estimate_checks_its_arguments);
  RUN(a_wait_estimate_names_the_place_and_the_limit);
  RUN(a_wait_estimate_of_one_that_has_just_ended_is_stale);
  return 0;
}
