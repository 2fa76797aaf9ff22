/* Plans: what requests will take and cost, without sending them. */
#include "helpers.h"

static llmq_plan_t* plan_of(const char* json) {
  llmq_conf_t* conf = conf_of(json);
  llmq_plan_t* plan = NULL;
  llmq_error_t* err = NULL;
  if (llmq_plan_create(conf, &plan, &err) != LLMQ_OK) {
    (void)fprintf(stderr, "%s: %s\n", json, llmq_error_message(err));
    abort();
  }
  llmq_conf_free(conf);
  return plan;
}

static void add(llmq_plan_t* plan, const char* model, int64_t input, int64_t output, int count) {
  llmq_request_t request = request_to(model, "x");
  int i;
  request.est_input_tokens = input;
  request.est_output_tokens = output;
  for (i = 0; i < count; ++i) CHECK_OK(llmq_plan_add(plan, &request, NULL));
}

static char* run(llmq_plan_t* plan) {
  char* json = NULL;
  size_t len = 0;
  CHECK_OK(llmq_plan_run(plan, &json, &len));
  CHECK_INT(strlen(json), len);
  return json;
}

static void the_limit_that_binds_decides_the_time(void) {
  /* 10 a minute without jitter: the 35th starts after three minutes, and lasts 1 s + 60/60 s. */
  llmq_plan_t* plan = plan_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=10/1m,jitter=0s\","
      "\"tokens=100000/1m\"],\"price_input\":2,\"price_output\":\"8.5\"}]}");
  add(plan, "m", 1000, 60, 35);
  char* json = run(plan);
  CHECK_HAS(
      "{\"requests\":35,\"oversize\":0,\"expired\":0,\"unfinished\":0,\"input_tokens\":35000,"
      "\"output_tokens\":2100,\"cost\":0.08785,\"duration_ms\":182000,"
      "\"bound_by\":\"requests/1m\",\"models\":[{\"model\":\"m\",\"requests\":35,",
      json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void without_limits_the_number_in_flight_binds(void) {
  llmq_plan_t* plan = plan_of(
      "{\"models\":[{\"name\":\"m\",\"max_in_flight\":2,"
      "\"plan\":{\"latency_ms\":100,\"tokens_per_s\":10}}]}");
  add(plan, "m", -1, 4, 6); /* 500 ms each, two at a time */
  char* json = run(plan);
  CHECK_HAS("\"duration_ms\":1500,\"bound_by\":\"max_in_flight\"", json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void a_pool_binds_its_models_together(void) {
  llmq_plan_t* plan = plan_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"concurrency=4\","
      "\"tokens=1000/1m,jitter=0s\"]}],"
      "\"models\":[{\"name\":\"a\",\"pool\":\"account\"},{\"name\":\"b\",\"pool\":\"account\"}]}");
  add(plan, "a", 400, -1, 2);
  add(plan, "b", 400, -1, 2);
  char* json = run(plan);
  CHECK_HAS("\"duration_ms\":61000,\"bound_by\":\"tokens/1m of pool account\"", json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void each_tenant_has_its_totals(void) {
  llmq_plan_t* plan = plan_of(
      "{\"tenants\":[{\"name\":\"*\",\"max_pending\":1}],\"models\":[{\"name\":\"m\","
      "\"limits\":[\"requests=1/1m,jitter=0s,per_tenant\"]}]}");
  llmq_request_t request = request_to("m", "x");
  request.est_input_tokens = 7;
  request.est_output_tokens = -1;
  request.tenant = "a";
  request.tenant_len = 1;
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  request.tenant = "b";
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  char* json = run(plan);
  CHECK_HAS("\"duration_ms\":61000,\"bound_by\":\"requests/1m of each tenant\"", json);
  CHECK_HAS(
      "\"tenants\":[{\"tenant\":\"a\",\"requests\":2,\"oversize\":0,\"expired\":0,"
      "\"unfinished\":0,\"input_tokens\":14,\"output_tokens\":0,\"cost\":0,"
      "\"duration_ms\":61000},{\"tenant\":\"b\",\"requests\":1,",
      json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void what_cannot_run_is_counted_or_refused(void) {
  llmq_plan_t* plan = plan_of("{\"models\":[{\"name\":\"m\",\"tpm\":100}]}");
  llmq_request_t request = request_to("m", "x");
  llmq_error_t* err = NULL;
  request.est_input_tokens = 101;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_plan_add(plan, &request, &err));
  CHECK_HAS("needs 101 of limit tokens/1m of model m, which is 100", llmq_error_message(err));
  llmq_error_free(err);
  request.model = "n";
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_plan_add(plan, &request, &err));
  CHECK_HAS("\"n\"", llmq_error_message(err));
  llmq_error_free(err);
  request.struct_size = 1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add(plan, &request, NULL));
  char* json = run(plan);
  CHECK_HAS("{\"requests\":0,\"oversize\":1,", json);
  CHECK_HAS("\"duration_ms\":0,\"bound_by\":null", json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void a_deadline_that_cannot_be_met_ends_a_request(void) {
  llmq_plan_t* plan = plan_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=1/1h\"]}]}");
  llmq_request_t request = request_to("m", "x");
  request.deadline_ns = llmq_now_ns() + 600 * SECOND;
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  char* json = run(plan);
  CHECK_HAS("\"expired\":1", json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void what_would_take_longer_than_a_century_is_left(void) {
  llmq_plan_t* plan = plan_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=1/31d\"]}]}");
  add(plan, "m", -1, -1, 2000);
  char* json = run(plan);
  CHECK(strstr(json, "\"unfinished\":0") == NULL);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void a_plan_is_run_once(void) {
  llmq_plan_t* plan = plan_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"n\"}]}");
  llmq_request_t request = request_to("m", "x");
  char* json = NULL;
  CHECK_OK(llmq_plan_add_models(plan, conf, NULL));
  add(plan, "n", 1, 1, 1);
  llmq_buf_free(run(plan));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_plan_run(plan, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_plan_add(plan, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_plan_add_models(plan, conf, NULL));
  llmq_conf_free(conf);
  llmq_plan_free(plan);
}

/* No key is asked for: nothing is sent. */
static void a_provider_needs_no_key_here(void) {
  llmq_plan_t* plan = plan_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"openai\",\"api_key_env\":\"LLMQ_TEST_NO_SUCH\"}]"
      "}");
  llmq_request_t request = request_to("m", "{\"messages\":[],\"max_tokens\":50}");
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_plan_add(plan, &request, NULL));
  request.payload_len = 3;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_plan_add(plan, &request, NULL));
  char* json = run(plan);
  CHECK_HAS("\"output_tokens\":50", json);
  llmq_buf_free(json);
  llmq_plan_free(plan);
}

static void bad_arguments_are_refused(void) {
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_plan_t* plan = NULL;
  llmq_error_t* err = NULL;
  llmq_request_t request = request_to("m", "x");
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_create(NULL, &plan, &err));
  CHECK_HAS("conf", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_create(conf, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_create(JUNK, &plan, NULL));
  CHECK(plan == NULL);
  CHECK_OK(llmq_plan_create(conf, &plan, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add(NULL, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add(plan, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add(JUNK, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add_models(plan, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_add_models(NULL, conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_run(plan, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_plan_run(NULL, &json, NULL));
  llmq_plan_free(NULL);
  llmq_plan_free(JUNK);
  llmq_plan_free(plan);
  CHECK_OK(llmq_conf_set(conf, "model.m.limits", "cost=5/1d", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_plan_create(conf, &plan, &err));
  CHECK_HAS("price_input", llmq_error_message(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

int main(void) {
  RUN(the_limit_that_binds_decides_the_time);
  RUN(without_limits_the_number_in_flight_binds);
  RUN(a_pool_binds_its_models_together);
  RUN(each_tenant_has_its_totals);
  RUN(what_cannot_run_is_counted_or_refused);
  RUN(a_deadline_that_cannot_be_met_ends_a_request);
  RUN(what_would_take_longer_than_a_century_is_left);
  RUN(a_plan_is_run_once);
  RUN(a_provider_needs_no_key_here);
  RUN(bad_arguments_are_refused);
  return 0;
}
