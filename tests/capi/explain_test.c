/* Explaining: what llmq makes of a recorded answer. */
#include "helpers.h"

static char* explain(const char* provider, const char* record) {
  char* json = NULL;
  size_t len = 0;
  CHECK_OK(
      llmq_explain_json(provider, strlen(provider), record, strlen(record), &json, &len, NULL));
  CHECK_INT(strlen(json), len);
  return json;
}

static void an_answer_is_explained(void) {
  char* json = explain("openai",
                       "{\"status\":429,\"headers\":{\"Retry-After\":[\"2\",\"3\"]},\"body\":"
                       "{\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}}");
  CHECK_HAS(
      "{\"retryable\":true,\"retry_after_ms\":3000,\"hint_source\":\"header\",\"limits\":{"
      "\"requests\":null,\"tokens\":null,\"input_tokens\":null,\"output_tokens\":null},"
      "\"usage\":null,\"error_class\":\"rate_limit\",",
      json);
  llmq_buf_free(json);
}

static void the_record_may_name_its_provider(void) {
  char* json = explain("",
                       "{\"provider\":\"ollama\",\"status\":200,\"body\":"
                       "\"{\\\"done\\\":true,\\\"eval_count\\\":12}\"}");
  CHECK_HAS("\"usage\":{\"input_tokens\":0,\"output_tokens\":12,\"cached_input_tokens\":0}", json);
  llmq_buf_free(json);
}

static void a_bad_record_is_named(void) {
  static const char* const kBad[][3] = {
      {"openai", "x", "line"},
      {"openai", "[]", "line"},
      {"openai", "{} {}", "line"},
      {"", "{\"status\":200}", "provider"},
      {"nobody", "{\"status\":200}", "provider"},
      {"openai", "{}", "status"},
      {"openai", "{\"status\":\"200\"}", "status"},
      {"openai", "{\"status\":99}", "status"},
      {"openai", "{\"status\":200.5}", "status"},
      {"openai", "{\"status\":200,\"headers\":[]}", "headers"},
      {"openai", "{\"status\":200,\"headers\":{\"a\":[1]}}", "headers"},
      {"openai", "{\"status\":200,\"now_unix_ms\":\"x\"}", "now_unix_ms"},
  };
  size_t i;
  for (i = 0; i < sizeof kBad / sizeof kBad[0]; ++i) {
    char* json = NULL;
    llmq_error_t* err = NULL;
    CHECK_STATUS(LLMQ_ERR_INVALID_VALUE,
                 llmq_explain_json(kBad[i][0], strlen(kBad[i][0]), kBad[i][1], strlen(kBad[i][1]),
                                   &json, NULL, &err));
    CHECK(json == NULL);
    CHECK_TEXT(kBad[i][2], llmq_error_key(err));
    llmq_error_free(err);
  }
}

static void bad_arguments_are_refused(void) {
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_explain_json(NULL, 1, "{}", 2, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_explain_json("openai", 6, NULL, 0, &json, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_explain_json("openai", 6, "{}", 2, NULL, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_explain_json(NULL, 0, "{}", 2, &json, NULL, NULL));
}

int main(void) {
  RUN(an_answer_is_explained);
  RUN(the_record_may_name_its_provider);
  RUN(a_bad_record_is_named);
  RUN(bad_arguments_are_refused);
  return 0;
}
