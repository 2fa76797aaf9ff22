/* llmq.h, section Errors. */
#include "helpers.h"

static void an_error_has_code_message_and_key(void) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_conf_set(conf, "max_pendng", "1", &err));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_error_code(err));
  CHECK_TEXT("max_pendng", llmq_error_key(err));
  CHECK_HAS("max_pendng", llmq_error_message(err));
  llmq_error_free(err);

  err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_set(conf, "max_pending", "-1", &err));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_error_code(err));
  CHECK_TEXT("max_pending", llmq_error_key(err));
  CHECK_HAS("-1", llmq_error_message(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void an_error_outlives_what_it_is_about(void) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_conf_set(conf, "nothing.of.that.name", "1", &err));
  llmq_conf_free(conf);
  CHECK_HAS("nothing.of.that.name", llmq_error_message(err));
  llmq_error_free(err);
}

static void success_leaves_err_alone(void) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = (llmq_error_t*)JUNK;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_set(conf, "max_pending", "1", &err));
  CHECK(err == (llmq_error_t*)JUNK);
  llmq_conf_free(conf);
}

static void err_may_be_null(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_KEY, llmq_conf_set(conf, "x", "1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_set_json(conf, "{", 1, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_validate(NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_create(JUNK, &manager, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(NULL, NULL, NULL));
  llmq_conf_free(conf);
}

static void null_is_allowed(void) {
  CHECK_STATUS(LLMQ_OK, llmq_error_code(NULL));
  CHECK_TEXT("", llmq_error_message(NULL));
  CHECK_TEXT("", llmq_error_key(NULL));
  llmq_error_free(NULL);
  llmq_buf_free(NULL);
}

static void a_wrong_handle_is_no_error(void) {
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  void* wrong[] = {JUNK, conf};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_OK, llmq_error_code(wrong[i]));
    CHECK_TEXT("", llmq_error_message(wrong[i]));
    CHECK_TEXT("", llmq_error_key(wrong[i]));
    llmq_error_free(wrong[i]);
  }
  CHECK_OK(llmq_conf_set(conf, "max_pending", "1", NULL)); /* it is still there */
  llmq_conf_free(conf);
}

int main(void) {
  RUN(an_error_has_code_message_and_key);
  RUN(an_error_outlives_what_it_is_about);
  RUN(success_leaves_err_alone);
  RUN(err_may_be_null);
  RUN(null_is_allowed);
  RUN(a_wrong_handle_is_no_error);
  return 0;
}
