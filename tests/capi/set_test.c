/* Settings that change while a manager runs. */
#include "helpers.h"

static const char kTwoModels[] =
    "{\"pools\":[{\"name\":\"account\",\"limits\":[\"tokens=1000/1m\"]}],"
    " \"models\":[{\"name\":\"a\",\"pool\":\"account\",\"rpm\":100},"
    "             {\"name\":\"b\",\"pool\":\"account\"}]}";

/* The status of a change, whose error must name the key and contain `says`. */
static void expect_refused(llmq_manager_t* manager, llmq_status_t status, const char* key,
                           const char* value, const char* says) {
  llmq_error_t* err = NULL;
  CHECK_STATUS(status, llmq_manager_set(manager, key, value, &err));
  CHECK(err != NULL);
  CHECK_STATUS(status, llmq_error_code(err));
  CHECK_HAS(says, llmq_error_message(err));
  CHECK_HAS(key, llmq_error_message(err));
  llmq_error_free(err);
  CHECK_STATUS(status, llmq_manager_set(manager, key, value, NULL));
}

static llmq_status_t check_tokens(llmq_manager_t* manager, const char* model, int64_t input,
                                  llmq_error_t** err) {
  llmq_request_t request = request_to(model, "x");
  llmq_cq_t* cq = new_cq();
  request.cq = cq;
  request.est_input_tokens = input;
  request.est_output_tokens = -1;
  const llmq_status_t status = llmq_request_check(manager, &request, err);
  llmq_cq_unref(cq);
  return status;
}

static void limits_of_a_model_change_for_the_next_request(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  llmq_error_t* err = NULL;
  CHECK_OK(check_tokens(manager, "a", 500, NULL));
  CHECK_OK(llmq_manager_set(manager, "model.a.limits", "tokens=400/1m;requests=5/1s", NULL));
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, check_tokens(manager, "a", 500, &err));
  CHECK_HAS("needs 500 of limit tokens/1m of model a, which is 400", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_OK(check_tokens(manager, "b", 500, NULL));
  CHECK_OK(llmq_manager_set(manager, "model.a.limit", "tokens=600/1m", NULL));
  CHECK_OK(check_tokens(manager, "a", 500, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void limits_of_a_pool_change_for_all_its_models(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, check_tokens(manager, "b", 1500, &err));
  CHECK_HAS("of limit tokens/1m of pool account, which is 1000", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_OK(llmq_manager_set(manager, "pool.account.limits", "tokens=2000/1m", NULL));
  CHECK_OK(check_tokens(manager, "a", 1500, NULL));
  CHECK_OK(check_tokens(manager, "b", 1500, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void retries_and_time_outs_show_in_the_state(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  char* json = NULL;
  CHECK_OK(llmq_manager_set(manager, "model.a.retry.max_attempts", "3", NULL));
  CHECK_OK(llmq_manager_set(manager, "model.a.timeout_ms", "1234", NULL));
  CHECK_OK(llmq_manager_set(manager, "model.a.max_in_flight", "7", NULL));
  CHECK_OK(llmq_manager_info_json(manager, "a", 1, &json, NULL));
  CHECK_HAS("\"max_attempts\":3", json);
  CHECK_HAS("\"timeout_ms\":1234", json);
  CHECK_HAS("\"pool\":\"account\"", json);
  CHECK_HAS("\"shape\":\"sliding\"", json);
  CHECK_HAS("\"effective\":1000", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void the_bound_on_what_waits_changes(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "x");
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_set(manager, "max_pending", "1", NULL));
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_set(manager, "max_pending", "2", NULL));
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_set(manager, "max_pending", "9", NULL));
  CHECK_OK(llmq_manager_set(manager, "max_pending_bytes", "2", NULL));
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void prices_change_what_a_request_costs(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_usage_t usage = usage_of(0, 0);
  request.est_input_tokens = 1000;
  request.est_output_tokens = 500;
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(1000, usage.input_tokens);
  CHECK_INT(500, usage.output_tokens);
  CHECK_INT(0, usage.cost_micros);
  CHECK_OK(llmq_manager_set(manager, "model.m.price_input", "0.50", NULL));
  CHECK_OK(llmq_manager_set(manager, "model.m.price_output", "2", NULL));
  CHECK_OK(llmq_request_estimate(manager, &request, &usage, NULL));
  CHECK_INT(1500, usage.cost_micros); /* 1000 x 0.5 + 500 x 2, per million */
  CHECK_OK(llmq_manager_destroy(manager));
}

/* The price of what was used is in the terminal event. */
static void an_answer_tells_its_cost(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"price_input\":\"1\",\"price_output\":\"10\"}]}");
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m"); /* 7 tokens in, 3 out */
  submit_to_cq(manager, "m", "x", cq);
  llmq_event_t event = next_event(cq);
  CHECK_INT(37, event.cost_micros);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_is_wrong_is_named(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  expect_refused(manager, LLMQ_ERR_UNKNOWN_KEY, "model.a.rmp", "5", "not a key");
  expect_refused(manager, LLMQ_ERR_UNKNOWN_KEY, "nonsense", "5", "not a key");
  expect_refused(manager, LLMQ_ERR_UNKNOWN_KEY, "pool.other.limits", "requests=5/1m",
                 "no registered");
  expect_refused(manager, LLMQ_ERR_UNKNOWN_MODEL, "model.c.rpm", "5", "\"c\"");
  expect_refused(manager, LLMQ_ERR_UNKNOWN_MODEL, "model.*.rpm", "5", "name the model itself");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "model.a.rpm", "0", "1 .. 1000000000000000");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "model.a.limits", "requests=5/1m,shape=round",
                 "\"round\"");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "model.a.rpd", "x", "\"x\"");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "model.a.retry.cap_ms", "1", "retry.base_ms");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "pool.account.limits", "cost=5/1d",
                 "price_input");
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "max_pending", "0", "1 .. 16000000");
  expect_refused(manager, LLMQ_ERR_UNSUPPORTED, "model.a.provider", "mock",
                 "while the manager runs");
  expect_refused(manager, LLMQ_ERR_UNSUPPORTED, "model.a.pool", "account",
                 "while the manager runs");
  expect_refused(manager, LLMQ_ERR_UNSUPPORTED, "keep_max", "5", "while the manager runs");
  CHECK_OK(check_tokens(manager, "a", 900, NULL)); /* nothing has changed */
  CHECK_OK(llmq_manager_destroy(manager));
}

/* A change that would contradict another setting changes nothing. */
static void too_many_limits_together_are_refused(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  char limits[512] = "";
  int i;
  for (i = 1; i <= 16; ++i) {
    (void)snprintf(limits + strlen(limits), sizeof limits - strlen(limits), "%srequests=9/%ds",
                   i == 1 ? "" : ";", i);
  }
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_set(manager, "model.b.limits", limits, &err));
  CHECK_HAS("model.b.pool: 17 limits", llmq_error_message(err));
  llmq_error_free(err);
  expect_refused(manager, LLMQ_ERR_INVALID_VALUE, "pool.account.limits", limits, "17 limits");
  CHECK_OK(check_tokens(manager, "b", 900, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void bad_arguments_are_refused(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_set(NULL, "max_pending", "1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_set(JUNK, "max_pending", "1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_set(manager, NULL, "1", &err));
  CHECK_HAS("NULL", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_set(manager, "max_pending", NULL, NULL));
  CHECK(llmq_manager_ref(manager) == manager);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_set(manager, "max_pending", "1", NULL));
  llmq_manager_unref(manager);
}

/* A pool is what it was when it was first registered, until llmq_manager_set changes it. */
static void a_second_registration_must_agree_on_a_pool(void) {
  llmq_manager_t* manager = manager_of(kTwoModels);
  llmq_error_t* err = NULL;
  llmq_conf_t* same = conf_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"tokens=1000/1m\"]}],"
      "\"models\":[{\"name\":\"c\",\"pool\":[\"account\"]}]}");
  llmq_conf_t* other = conf_of(
      "{\"pools\":[{\"name\":\"account\",\"limits\":[\"tokens=7/1m\"]}],"
      "\"models\":[{\"name\":\"d\",\"pool\":[\"account\"]}]}");
  CHECK_OK(llmq_manager_register_models(manager, same, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, check_tokens(manager, "c", 1001, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_register_models(manager, other, 0, &err));
  CHECK_HAS("registered with other limits", llmq_error_message(err));
  llmq_error_free(err);
  llmq_conf_free(same);
  llmq_conf_free(other);
  CHECK_OK(llmq_manager_destroy(manager));
}

struct asking {
  llmq_manager_t* manager;
  int stop;
  int asked;
};

/* 50 tokens fit before and after each change. */
static void* ask_again_and_again(void* user) {
  struct asking* asking = user;
  while (!__atomic_load_n(&asking->stop, __ATOMIC_SEQ_CST)) {
    CHECK_OK(check_tokens(asking->manager, "a", 50, NULL));
    __atomic_fetch_add(&asking->asked, 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static void settings_change_under_threads_that_read_them(void) {
  struct asking asking = {manager_of(kTwoModels), 0, 0};
  pthread_t thread;
  int i;
  CHECK_INT(0, pthread_create(&thread, NULL, ask_again_and_again, &asking));
  for (i = 0; i < 300 || !__atomic_load_n(&asking.asked, __ATOMIC_SEQ_CST); ++i) {
    const char* limits = i % 2 == 0 ? "tokens=60/1m" : "tokens=70/1m;requests=9/1s;cost=5/1d";
    CHECK_OK(llmq_manager_set(asking.manager, "model.a.price_input", "1", NULL));
    CHECK_OK(llmq_manager_set(asking.manager, "model.a.limits", limits, NULL));
    CHECK_OK(llmq_manager_set(asking.manager, "pool.account.limits", limits, NULL));
    if (i == 0) CHECK_OK(llmq_manager_set(asking.manager, "model.b.price_input", "1", NULL));
  }
  __atomic_store_n(&asking.stop, 1, __ATOMIC_SEQ_CST);
  CHECK_INT(0, pthread_join(thread, NULL));
  CHECK_OK(llmq_manager_destroy(asking.manager));
}

static void set_from_a_callback(void* user, const llmq_event_t* event) {
  (void)event;
  CHECK_OK(llmq_manager_set(user, "model.m.rpm", "50", NULL));
}

static void a_callback_may_change_settings(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  request.done_fn = set_from_a_callback;
  request.done_user = manager;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  request.done_fn = NULL;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Running attempts name limits by their place, and places are counted. */
static void limits_come_and_go_within_bounds(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"limits\":[\"requests=99/1s\"]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_error_t* err = NULL;
  struct held held;
  char text[32];
  int i;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  for (i = 2; i <= 16; ++i) {
    snprintf(text, sizeof text, "requests=99/%ds", i);
    CHECK_OK(llmq_manager_set(manager, "model.m.limits", text, NULL));
  }
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE,
               llmq_manager_set(manager, "model.m.limits", "requests=99/17s", &err));
  CHECK_HAS("17 limits", llmq_error_message(err));
  CHECK_HAS("16 are allowed", llmq_error_message(err));
  llmq_error_free(err);
  CHECK_OK(llmq_manager_set(manager, "model.m.limits", "requests=99/1s", NULL));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(limits_of_a_model_change_for_the_next_request);
  RUN(limits_of_a_pool_change_for_all_its_models);
  RUN(retries_and_time_outs_show_in_the_state);
  RUN(the_bound_on_what_waits_changes);
  RUN(prices_change_what_a_request_costs);
  RUN(an_answer_tells_its_cost);
  RUN(what_is_wrong_is_named);
  RUN(too_many_limits_together_are_refused);
  RUN(bad_arguments_are_refused);
  RUN(a_second_registration_must_agree_on_a_pool);
  RUN(a_callback_may_change_settings);
  RUN(settings_change_under_threads_that_read_them);
  RUN(limits_come_and_go_within_bounds);
  return 0;
}
