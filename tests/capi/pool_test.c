/* Limits that several models share. */
#include "helpers.h"

static void a_pool_bounds_its_models_together(void) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"concurrency=1\"]}],"
      " \"models\":[{\"name\":\"a\",\"pool\":\"account\"},{\"name\":\"b\",\"pool\":\"account\"}]}");
  struct held held_a;
  struct held held_b;
  llmq_cq_t* cq = new_cq();
  char* json = NULL;
  hold_attempts(manager, "a", &held_a);
  hold_attempts(manager, "b", &held_b);
  const llmq_request_id_t first = submit_to_cq(manager, "a", "x", cq);
  const llmq_attempt_id_t running = nth_attempt(&held_a, 1);
  const llmq_request_id_t second = submit_to_cq(manager, "b", "x", cq);
  CHECK_OK(llmq_manager_info_json(manager, "b", 1, &json, NULL));
  CHECK_HAS("\"blocked_by\":\"concurrency of pool account\"", json);
  CHECK_HAS("\"limit\":\"concurrency\",\"kind\":\"concurrency\",\"pool\":\"account\",\"amount\":1,",
            json);
  llmq_buf_free(json);
  CHECK_INT(0, held_count(&held_b));
  CHECK_OK(llmq_attempt_succeed(manager, running, NULL, 0, NULL));
  expect_done(cq, first, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held_b, 1), NULL, 0, NULL));
  expect_done(cq, second, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_request_must_fit_the_limits_of_the_pool(void) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"tokens=100/1m\",\"cost=0.001/1d\"]}],"
      " \"models\":[{\"name\":\"a\",\"pool\":\"account\",\"price_output\":100,\"price_input\":0}]"
      "}");
  llmq_request_t request = request_to("a", "x");
  llmq_error_t* err = NULL;
  llmq_usage_t usage = usage_of(0, 0);
  request.est_input_tokens = 101;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_request_estimate(manager, &request, &usage, &err));
  CHECK_HAS("needs 101 of limit tokens/1m of pool account, which is 100", llmq_error_message(err));
  llmq_error_free(err);
  request.est_input_tokens = 1;
  request.est_output_tokens = 11;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_request_estimate(manager, &request, &usage, &err));
  CHECK_HAS("needs 0.0011 of limit cost/1d of pool account, which is 0.001",
            llmq_error_message(err));
  llmq_error_free(err);
  /* A default estimate never makes a request oversize. */
  request = request_to("a", "x");
  CHECK_OK(llmq_manager_set(manager, "model.a.est_output_tokens", "500", NULL));
  CHECK_OK(llmq_manager_set(manager, "pool.account.limits", "tokens=100/1m", NULL));
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(100, usage.input_tokens + usage.output_tokens);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* What is larger than the limit may be allowed to run alone. */
static void an_oversize_request_may_be_allowed(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"tokens=100/1m,oversize=alone\"]}]}");
  llmq_request_t request = request_to("m", "x");
  llmq_usage_t usage = usage_of(0, 0);
  request.est_input_tokens = 101;
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(101, usage.input_tokens);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(a_pool_bounds_its_models_together);
  RUN(a_request_must_fit_the_limits_of_the_pool);
  RUN(an_oversize_request_may_be_allowed);
  return 0;
}
