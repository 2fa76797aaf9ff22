/* Probing: one call to a provider as it is configured. */
#include "helpers.h"

static void nothing_but_a_model_of_a_provider_is_probed(void) {
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_error_t* err = NULL;
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_probe_json(NULL, "m", 1, 0, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_probe_json(JUNK, "m", 1, 0, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_probe_json(conf, NULL, 1, 0, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_probe_json(conf, "m", 1, 4, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_probe_json(conf, "m", 1, 0, NULL, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_probe_json(conf, "x", 1, 0, &json, NULL, &err));
  CHECK_HAS("\"x\"", llmq_error_message(err));
  llmq_error_free(err);
  err = NULL;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_probe_json(conf, "m", 1, 0, &json, NULL, &err));
  CHECK_TEXT("model.m.provider", llmq_error_key(err));
  llmq_error_free(err);
  CHECK(json == NULL);
  llmq_conf_free(conf);
}

static void what_is_found_on_the_way_is_no_error(void) {
  /* Port 1 is one where nobody listens. */
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"openai\",\"base_url\":\"http://127.0.0.1:1/v1\","
      "\"api_key_env\":\"LLMQ_TEST_NO_SUCH_KEY\"}]}");
  char* json = NULL;
  size_t len = 0;
  if ((llmq_features() & LLMQ_FEATURE_HTTP) == 0) {
    CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_probe_json(conf, "m", 1, 0, &json, NULL, NULL));
    llmq_conf_free(conf);
    return;
  }
  CHECK_OK(llmq_probe_json(conf, "m", 1, LLMQ_PROBE_EMBEDDINGS, &json, &len, NULL));
  CHECK_INT(strlen(json), len);
  CHECK_HAS("\"url\":\"http://127.0.0.1:1/v1/embeddings\"", json);
  CHECK_HAS("\"key\":{\"source\":\"none\"", json);
  CHECK_HAS("\"proxy\":null", json);
  CHECK_HAS("\"failed_at\":\"connect\"", json);
  CHECK_HAS("\"status\":\"LLMQ_ERR_TRANSPORT\"", json);
  CHECK_HAS("cannot connect to 127.0.0.1:1", json);
  llmq_buf_free(json);
  llmq_conf_free(conf);
}

static int64_t give_key(void* user, const char* model, size_t model_len, char* out, size_t room) {
  (void)user;
  CHECK_INT(1, model_len);
  CHECK(model[0] == 'm' && room >= 9);
  memcpy(out, "sk-secret", 9);
  return 9;
}

static void the_key_is_not_in_it(void) {
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"openai\",\"base_url\":\"http://"
      "127.0.0.1:1\"}]}");
  char* json = NULL;
  if ((llmq_features() & LLMQ_FEATURE_HTTP) != 0) {
    CHECK_OK(llmq_conf_set_api_key_fn(conf, give_key, NULL, NULL));
    CHECK_OK(llmq_probe_json(conf, "m", 1, LLMQ_PROBE_CONNECT_ONLY, &json, NULL, NULL));
    CHECK_HAS("\"key\":{\"source\":\"function\"", json);
    CHECK(strstr(json, "secret") == NULL);
    llmq_buf_free(json);
  }
  llmq_conf_free(conf);
}

int main(void) {
  RUN(nothing_but_a_model_of_a_provider_is_probed);
  RUN(what_is_found_on_the_way_is_no_error);
  RUN(the_key_is_not_in_it);
  return 0;
}
