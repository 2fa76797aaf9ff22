/* llmq.h, section Configuration. Logging: log_test.c. */
#include "helpers.h"

static void expect_value(llmq_conf_t* conf, const char* key, const char* expected,
                         int expected_default) {
  char* value = NULL;
  int32_t is_default = -1;
  CHECK_OK(llmq_conf_get(conf, key, &value, &is_default));
  CHECK_TEXT(expected, value);
  CHECK_INT(expected_default, is_default);
  llmq_buf_free(value);
}

static void refuses_null_and_wrong_handles(void) {
  llmq_conf_t* conf = NULL;
  llmq_conf_t* copy = NULL;
  llmq_error_t* err = NULL;
  char* text = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_create(NULL));
  CHECK_OK(llmq_conf_create(&conf));
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_copy(wrong[i], &copy));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set(wrong[i], "max_pending", "1", &err));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_error_code(err));
    llmq_error_free(err);
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_json(wrong[i], "{}", 2, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_get(wrong[i], "max_pending", &text, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_validate(wrong[i], NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_models_json(wrong[i], &text));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_pools_json(wrong[i], &text));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_tenants_json(wrong[i], &text));
    llmq_conf_free(wrong[i]);
  }
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_copy(conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set(conf, NULL, "1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set(conf, "max_pending", NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_json(conf, NULL, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_get(conf, NULL, &text, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_get(conf, "max_pending", NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_models_json(conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_pools_json(conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_tenants_json(conf, NULL));
  llmq_conf_free(conf);
}

static void set_and_get(void) {
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  expect_value(conf, "max_pending", "10000000", 1);
  CHECK_OK(llmq_conf_set(conf, "max_pending", "12", NULL));
  expect_value(conf, "max_pending", "12", 0);
  expect_value(conf, "model.m.concurrency", "", 1);
  CHECK_OK(llmq_conf_set(conf, "model.m.concurrency", "5", NULL));
  expect_value(conf, "model.m.concurrency", "5", 0);
  CHECK_OK(llmq_conf_set(conf, "model.*.timeout_ms", "77", NULL));
  expect_value(conf, "model.m.timeout_ms", "77", 0);
  char* value = NULL;
  CHECK_OK(llmq_conf_get(conf, "max_pending", &value, NULL));
  llmq_buf_free(value);
  llmq_conf_free(conf);
}

static void unknown_key_and_bad_value_are_different_errors(void) {
  static const struct {
    const char* key;
    const char* value;
    llmq_status_t status;
  } kCases[] = {
      {"", "1", LLMQ_ERR_UNKNOWN_KEY},
      {"max_pendin", "1", LLMQ_ERR_UNKNOWN_KEY},
      {"model.m.rpx", "1", LLMQ_ERR_UNKNOWN_KEY},
      {"model.m", "1", LLMQ_ERR_UNKNOWN_KEY},
      {"max_pending", "", LLMQ_ERR_INVALID_VALUE},
      {"max_pending", "0", LLMQ_ERR_INVALID_VALUE},
      {"max_pending", "-1", LLMQ_ERR_INVALID_VALUE},
      {"max_pending", "many", LLMQ_ERR_INVALID_VALUE},
      {"max_pending", "99999999999999999999", LLMQ_ERR_INVALID_VALUE},
      {"log.level", "loud", LLMQ_ERR_INVALID_VALUE},
      {"model.m.rpm", "0", LLMQ_ERR_INVALID_VALUE},
      {"model.m.rpm", "-5", LLMQ_ERR_INVALID_VALUE},
      {"model.m.limits", "requests", LLMQ_ERR_INVALID_VALUE},
      {"model.m.limits", "requests=0/1m", LLMQ_ERR_INVALID_VALUE},
      {"model.m.limits", "requests=5/0s", LLMQ_ERR_INVALID_VALUE},
      {"model.m.provider", "nobody", LLMQ_ERR_INVALID_VALUE},
      {"model.m.base_url", "ftp://x", LLMQ_ERR_INVALID_VALUE},
      {"model.m.retry.max_attempts", "61", LLMQ_ERR_INVALID_VALUE},
  };
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    llmq_error_t* err = NULL;
    CHECK_STATUS(kCases[i].status, llmq_conf_set(conf, kCases[i].key, kCases[i].value, &err));
    CHECK_STATUS(kCases[i].status, llmq_error_code(err));
    CHECK_TEXT(kCases[i].key, llmq_error_key(err));
    llmq_error_free(err);
  }
  char* value = NULL;
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_conf_get(conf, "no.such", &value, NULL));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_conf_get(conf, "model.m.no", &value, NULL));
  CHECK(value == NULL);
  llmq_conf_free(conf);
}

static void a_document_is_taken_whole_or_not_at_all(void) {
  static const struct {
    const char* json;
    llmq_status_t status;
    const char* key;
  } kCases[] = {
      {"", LLMQ_ERR_INVALID_VALUE, ""},
      {"{\"max_pending\":5", LLMQ_ERR_INVALID_VALUE, ""},
      {"[1]", LLMQ_ERR_INVALID_VALUE, ""},
      {"{} x", LLMQ_ERR_INVALID_VALUE, ""},
      {"{\"max_pending\":5,\"\xff\":1}", LLMQ_ERR_INVALID_VALUE, ""},
      {"{\"max_pending\":5,\"no_such\":1}", LLMQ_ERR_UNKNOWN_KEY, "no_such"},
      {"{\"max_pending\":5,\"keep_max\":-1}", LLMQ_ERR_INVALID_VALUE, "keep_max"},
      {"{\"max_pending\":5,\"models\":{}}", LLMQ_ERR_INVALID_VALUE, "models"},
      {"{\"max_pending\":5,\"models\":[{}]}", LLMQ_ERR_INVALID_VALUE, "models[0].name"},
      {"{\"max_pending\":5,\"models\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", LLMQ_ERR_INVALID_VALUE,
       "models[1].name"},
      {"{\"max_pending\":5,\"models\":[{\"name\":\"a\",\"x\":1}]}", LLMQ_ERR_UNKNOWN_KEY,
       "models[0].x"},
      {"{\"max_pending\":5,\"models\":[{\"name\":\"a\",\"limits\":[{\"requests\":0,\"per\":\"1m\"}]"
       "}]}",
       LLMQ_ERR_INVALID_VALUE, "models[0].limits[0]"},
  };
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    llmq_error_t* err = NULL;
    CHECK_STATUS(kCases[i].status,
                 llmq_conf_set_json(conf, kCases[i].json, strlen(kCases[i].json), &err));
    CHECK_HAS(kCases[i].key, llmq_error_key(err));
    CHECK(strlen(llmq_error_message(err)) > 10);
    llmq_error_free(err);
    expect_value(conf, "max_pending", "10000000", 1);
  }
  const char* good =
      "{\"max_pending\":5,\"log\":{\"level\":\"off\"},\"models\":[{\"name\":\"a\",\"limits\":["
      "{\"requests\":500,\"per\":\"1m\"},{\"concurrency\":8}],\"retry\":{\"max_attempts\":3}}]}";
  CHECK_OK(llmq_conf_set_json(conf, good, strlen(good), NULL));
  expect_value(conf, "max_pending", "5", 0);
  expect_value(conf, "model.a.retry.max_attempts", "3", 0);
  llmq_conf_free(conf);
}

static void a_copy_is_independent(void) {
  llmq_conf_t* conf = conf_of("{\"max_pending\":5,\"models\":[{\"name\":\"a\",\"rpm\":9}]}");
  llmq_conf_t* copy = NULL;
  CHECK_OK(llmq_conf_copy(conf, &copy));
  CHECK_OK(llmq_conf_set(conf, "max_pending", "6", NULL));
  expect_value(copy, "max_pending", "5", 0);
  expect_value(copy, "model.a.rpm", "9", 0);
  llmq_conf_free(conf);
  expect_value(copy, "max_pending", "5", 0);
  llmq_conf_free(copy);
}

static void keys_are_listed(void) {
  size_t n = 0;
  int has_max_pending = 0;
  int has_model_limits = 0;
  const char* key = NULL;
  const char* type = NULL;
  const char* def = NULL;
  const char* doc = NULL;
  for (; llmq_conf_key_at(n, &key, &type, &def, &doc) == LLMQ_OK; ++n) {
    CHECK(strlen(key) > 0 && strlen(type) > 0 && def != NULL && strlen(doc) > 0);
    if (strcmp(key, "max_pending") == 0) has_max_pending = 1;
    if (strcmp(key, "model.*.limits") == 0) has_model_limits = 1;
    CHECK_OK(llmq_conf_key_at(n, NULL, NULL, NULL, NULL));
  }
  CHECK(n > 20 && has_max_pending && has_model_limits);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_key_at(n, &key, NULL, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_key_at(SIZE_MAX, &key, NULL, NULL, NULL));
}

/* What is listed is what the key takes, and what its defaults then are. */
static void providers_are_listed(void) {
  size_t n = 0;
  const char* name = NULL;
  const char* url = NULL;
  const char* variable = NULL;
  const char* charge = NULL;
  const char* version = NULL;
  for (; llmq_conf_provider_at(n, &name, &url, &variable, &charge, &version) == LLMQ_OK; ++n) {
    llmq_conf_t* conf = NULL;
    char* value = NULL;
    CHECK_OK(llmq_conf_create(&conf));
    CHECK_OK(llmq_conf_set(conf, "model.m.provider", name, NULL));
    CHECK_OK(llmq_conf_get(conf, "model.m.base_url", &value, NULL));
    CHECK_TEXT(url, value);
    llmq_buf_free(value);
    CHECK_OK(llmq_conf_get(conf, "model.m.api_key_env", &value, NULL));
    CHECK_TEXT(variable, value);
    llmq_buf_free(value);
    CHECK_OK(llmq_conf_get(conf, "model.m.charge", &value, NULL));
    CHECK_TEXT(charge, value);
    llmq_buf_free(value);
    CHECK_OK(llmq_conf_get(conf, "model.m.api_version", &value, NULL));
    CHECK_TEXT(version, value);
    llmq_buf_free(value);
    llmq_conf_free(conf);
    CHECK_OK(llmq_conf_provider_at(n, NULL, NULL, NULL, NULL, NULL));
  }
  CHECK(n >= 17);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_provider_at(n, &name, NULL, NULL, NULL, NULL));
}

static void presets_are_listed(void) {
  char* json = NULL;
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_presets_json(NULL));
  CHECK_OK(llmq_conf_presets_json(&json));
  CHECK_HAS("\"openai/tier-1\"", json);
  CHECK_HAS("\"source\"", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_set(conf, "model.gpt-4o.preset", "openai/tier-1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE,
               llmq_conf_set(conf, "model.gpt-4o.preset", "openai/tier-9", &err));
  CHECK_HAS("llmq presets", llmq_error_message(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void every_listed_key_has_a_value(void) {
  llmq_conf_t* conf = NULL;
  const char* key = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  for (size_t n = 0; llmq_conf_key_at(n, &key, NULL, NULL, NULL) == LLMQ_OK; ++n) {
    char* value = NULL;
    int32_t is_default = 0;
    CHECK_OK(llmq_conf_get(conf, key, &value, &is_default));
    CHECK_INT(1, is_default);
    llmq_buf_free(value);
  }
  llmq_conf_free(conf);
}

static void validate_finds_contradictions(void) {
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"a\",\"rpm\":9}]}");
  llmq_error_t* err = NULL;
  CHECK_OK(llmq_conf_validate(conf, &err));
  CHECK_OK(llmq_conf_set(conf, "model.a.retry.base_ms", "2000", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.a.retry.cap_ms", "1000", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
  CHECK_HAS("model.a.retry", llmq_error_key(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void validate_finds_models_that_nobody_can_fall_back_to(void) {
  static const char* const kWrong[] = {"b", "a"};
  static const char* const kWhy[] = {"no model \"b\" is registered", "it names the model itself"};
  for (int i = 0; i < 2; ++i) {
    llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"a\"},{\"name\":\"c\"}]}");
    llmq_manager_t* manager = NULL;
    llmq_error_t* err = NULL;
    llmq_error_t* same = NULL;
    CHECK_OK(llmq_conf_set(conf, "model.a.fallback.models", "c", NULL));
    CHECK_OK(llmq_conf_validate(conf, NULL));
    CHECK_OK(llmq_conf_set(conf, "model.a.fallback.models", kWrong[i], NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
    CHECK_TEXT("model.a.fallback.models", llmq_error_key(err));
    CHECK_HAS(kWhy[i], llmq_error_message(err));
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, &same));
    CHECK_TEXT(llmq_error_message(err), llmq_error_message(same));
    llmq_error_free(same);
    llmq_error_free(err);
    llmq_conf_free(conf);
  }
}

/* Also where no limit follows a calendar yet. */
static void validate_finds_time_zones_that_nobody_knows(void) {
  static const char* const kDocuments[][2] = {
      {"{\"models\":[{\"name\":\"m\",\"time_zone\":\"Mars/Olympus\"}]}", "model.m.time_zone"},
      {"{\"models\":[{\"name\":\"m\",\"time_zone\":\"Mars/Olympus\","
       "\"limits\":[\"requests=1,calendar=day\"]}]}",
       "model.m.time_zone"},
      {"{\"pools\":[{\"name\":\"p\",\"time_zone\":\"Mars/Olympus\",\"limits\":[\"requests=5/"
       "1m\"]}],"
       "\"models\":[{\"name\":\"m\",\"pool\":\"p\"}]}",
       "pool.p.time_zone"},
  };
  size_t i;
  if ((llmq_features() & LLMQ_FEATURE_CALENDAR) == 0) return;
  for (i = 0; i < sizeof kDocuments / sizeof kDocuments[0]; ++i) {
    llmq_conf_t* conf = conf_of(kDocuments[i][0]);
    llmq_error_t* err = NULL;
    llmq_manager_t* manager = NULL;
    llmq_plan_t* plan = NULL;
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
    CHECK_HAS(kDocuments[i][1], llmq_error_message(err));
    CHECK_HAS("\"Mars/Olympus\"", llmq_error_message(err));
    CHECK_HAS(kDocuments[i][1], llmq_error_key(err));
    llmq_error_free(err);
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_plan_create(conf, &plan, NULL));
    llmq_conf_free(conf);
  }
}

static void validate_finds_missing_keys_and_unreadable_files(void) {
  if ((llmq_features() & LLMQ_FEATURE_HTTP) == 0) return;
  (void)unsetenv("LLMQ_TEST_NO_SUCH_VARIABLE");
  llmq_error_t* err = NULL;
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"a\",\"deployments\":[{\"provider\":\"openai\","
      "\"api_key_env\":\"LLMQ_TEST_NO_SUCH_VARIABLE\"}]}]}");
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
  CHECK_HAS("LLMQ_TEST_NO_SUCH_VARIABLE", llmq_error_message(err));
  CHECK_HAS("api_key_env", llmq_error_key(err));
  llmq_error_free(err);
  llmq_manager_t* manager = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, NULL));
  CHECK(manager == NULL);
  CHECK_OK(llmq_conf_set(conf, "model.a.api_key_file", "/nonexistent/key", NULL));
  err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
  CHECK_HAS("/nonexistent/key", llmq_error_message(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void models_are_listed_in_their_order(void) {
  llmq_conf_t* conf = NULL;
  char* json = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_models_json(conf, &json));
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_conf_set(conf, "model.zeta.rpm", "1", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.*.rpm", "1", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.alpha.rpm", "1", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.zeta.tpm", "1", NULL));
  CHECK_OK(llmq_conf_models_json(conf, &json));
  CHECK_TEXT("[\"zeta\",\"alpha\"]", json);
  llmq_buf_free(json);
  llmq_conf_free(conf);
}

static void pools_and_tenants_are_listed_in_their_order(void) {
  llmq_conf_t* conf = NULL;
  char* json = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_pools_json(conf, &json));
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_conf_tenants_json(conf, &json));
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_conf_set(conf, "pool.paid.limits", "requests=1/1m", NULL));
  CHECK_OK(llmq_conf_set(conf, "pool.free.limits", "requests=1/1m", NULL));
  CHECK_OK(llmq_conf_set(conf, "tenant.*.weight", "2", NULL));
  CHECK_OK(llmq_conf_set(conf, "tenant.zoe.weight", "3", NULL));
  CHECK_OK(llmq_conf_set(conf, "tenant.ann.weight", "4", NULL));
  CHECK_OK(llmq_conf_pools_json(conf, &json));
  CHECK_TEXT("[\"paid\",\"free\"]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_conf_tenants_json(conf, &json));
  CHECK_TEXT("[\"zoe\",\"ann\"]", json);
  llmq_buf_free(json);
  llmq_conf_free(conf);
}

static int64_t give_key(void* user, const char* model, size_t model_len, char* out, size_t cap) {
  CHECK(cap > 3);
  CHECK(model_len == 1 && memcmp(model, "a", 1) == 0);
  memcpy(out, "key", 3);
  latch_hit(user);
  return 3;
}

static int64_t give_deployment_key(void* user, const char* model, size_t model_len,
                                   const char* deployment, size_t deployment_len, char* out,
                                   size_t cap) {
  CHECK(deployment_len == 0 && deployment[0] == '\0');
  return give_key(user, model, model_len, out, cap);
}

static int64_t give_no_key(void* user, const char* model, size_t model_len, char* out, size_t cap) {
  (void)model, (void)model_len, (void)out, (void)cap;
  latch_hit(user);
  return -1;
}

static void user_free_of_the_key_function_runs_once(void) {
  int freed = 0;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_api_key_fn(NULL, give_key, &freed, count_call));
  CHECK_INT(1, freed);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_api_key_fn(JUNK, give_key, &freed, count_call));
  CHECK_INT(2, freed);

  llmq_conf_t* conf = NULL;
  llmq_conf_t* copy = NULL;
  freed = 0;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_set_api_key_fn(conf, give_key, &freed, count_call));
  CHECK_OK(llmq_conf_copy(conf, &copy));
  CHECK_OK(llmq_conf_set_api_key_fn(conf, NULL, NULL, NULL));
  CHECK_INT(0, freed); /* the copy still has it */
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(copy, &manager, NULL));
  llmq_conf_free(copy);
  CHECK_INT(0, calls_of(&freed)); /* and the manager */
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&freed));
}

/* A model of an address where nobody listens: what matters is who was asked for the key. */
static const char* kUnreachable =
    "{\"models\":[{\"name\":\"a\",\"retry\":{\"max_attempts\":1},\"deployments\":["
    "{\"provider\":\"openai\",\"base_url\":\"http://127.0.0.1:9/v1\"}]}]}";

static llmq_status_t chat_once(llmq_manager_t* manager) {
  llmq_request_t request = request_to("a", "{\"model\":\"a\",\"messages\":[]}");
  llmq_response_t* response = NULL;
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  const llmq_status_t status = llmq_response_status(response);
  llmq_response_free(response);
  return status;
}

static void the_key_function_is_asked_before_each_attempt(void) {
  if ((llmq_features() & LLMQ_FEATURE_HTTP) == 0) return;
  struct latch asked;
  latch_init(&asked);
  llmq_conf_t* conf = conf_of(kUnreachable);
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_conf_set_api_key_fn(conf, give_key, &asked, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  CHECK_STATUS(LLMQ_ERR_TRANSPORT, chat_once(manager));
  CHECK_STATUS(LLMQ_ERR_TRANSPORT, chat_once(manager));
  latch_wait(&asked, 2);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_OK(llmq_conf_set_api_key_fn(conf, give_no_key, &asked, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  CHECK_STATUS(LLMQ_ERR_AUTH, chat_once(manager));
  latch_wait(&asked, 3);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_OK(llmq_conf_set_deployment_key_fn(conf, give_deployment_key, &asked, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  CHECK_STATUS(LLMQ_ERR_TRANSPORT, chat_once(manager));
  latch_wait(&asked, 4);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_conf_free(conf);
}

static void the_key_function_of_a_later_registration_is_asked_too(void) {
  if ((llmq_features() & LLMQ_FEATURE_HTTP) == 0) return;
  struct latch asked;
  latch_init(&asked);
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(NULL, &manager, NULL));
  llmq_conf_t* conf = conf_of(kUnreachable);
  CHECK_OK(llmq_conf_set_api_key_fn(conf, give_no_key, &asked, NULL));
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  llmq_conf_free(conf);
  CHECK_STATUS(LLMQ_ERR_AUTH, chat_once(manager));
  latch_wait(&asked, 1);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_nul_does_not_hide_what_follows_a_document(void) {
  static const char text[] = "{\"max_pending\":5}\0{\"nope\":1}";
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_set_json(conf, text, sizeof text - 1, NULL));
  expect_value(conf, "max_pending", "10000000", 1);
  CHECK_OK(llmq_conf_set_json(conf, text, strlen(text), NULL));
  llmq_conf_free(conf);
}

static void validate_looks_at_the_log_as_create_does(void) {
  llmq_error_t* err = NULL;
  llmq_conf_t* conf = conf_of("{\"log\":{\"level\":\"info\",\"file\":\"/dev/null/log\"}}");
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
  CHECK_TEXT("log.file", llmq_error_key(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
  conf = conf_of("{}");
  CHECK_INT(0, setenv("LLMQ_LOG", "loud", 1));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_validate(conf, &err));
  CHECK_INT(0, unsetenv("LLMQ_LOG"));
  CHECK_TEXT("LLMQ_LOG", llmq_error_key(err));
  llmq_error_free(err);
  CHECK_OK(llmq_conf_validate(conf, NULL));
  llmq_conf_free(conf);
}

int main(void) {
  RUN(refuses_null_and_wrong_handles);
  RUN(set_and_get);
  RUN(unknown_key_and_bad_value_are_different_errors);
  RUN(a_document_is_taken_whole_or_not_at_all);
  RUN(a_copy_is_independent);
  RUN(keys_are_listed);
  RUN(providers_are_listed);
  RUN(presets_are_listed);
  RUN(every_listed_key_has_a_value);
  RUN(validate_finds_contradictions);
  RUN(validate_finds_models_that_nobody_can_fall_back_to);
  RUN(validate_finds_time_zones_that_nobody_knows);
  RUN(validate_finds_missing_keys_and_unreadable_files);
  RUN(models_are_listed_in_their_order);
  RUN(pools_and_tenants_are_listed_in_their_order);
  RUN(user_free_of_the_key_function_runs_once);
  RUN(the_key_function_is_asked_before_each_attempt);
  RUN(the_key_function_of_a_later_registration_is_asked_too);
  RUN(a_nul_does_not_hide_what_follows_a_document);
  RUN(validate_looks_at_the_log_as_create_does);
  return 0;
}
