/* curl_missing_test WHY: run where the libcurl that the dynamic linker finds cannot be used. */
#include "helpers.h"

#define PROVIDER \
  "{\"models\":[{\"name\":\"p\",\"provider\":\"openai\",\"base_url\":\"http://127.0.0.1:1\"}]}"

static const char* why;

static void check_error(llmq_error_t* err) {
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_error_code(err));
  CHECK_TEXT("model.p.provider", llmq_error_key(err));
  CHECK_HAS("model.p.provider: " LLMQ_CURL_SONAME ", which calls over HTTP need, cannot be used: ",
            llmq_error_message(err));
  CHECK_HAS(why, llmq_error_message(err));
  llmq_error_free(err);
}

static void a_model_of_a_provider_is_refused(void) {
  llmq_conf_t* conf = conf_of(PROVIDER);
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_manager_create(conf, &manager, &err));
  CHECK(manager == NULL);
  check_error(err);
  err = NULL;
  manager = plain_manager();
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_manager_register_models(manager, conf, 0, &err));
  check_error(err);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_conf_free(conf);
}

static void checks_and_probes_tell(void) {
  llmq_conf_t* conf = conf_of(PROVIDER);
  llmq_error_t* err = NULL;
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_conf_validate(conf, &err));
  check_error(err);
  err = NULL;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_probe_json(conf, "p", 1, 0, &json, NULL, &err));
  check_error(err);
  llmq_conf_free(conf);
  CHECK_HAS(" libcurl/missing", llmq_version_libraries());
}

static void all_else_works(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"provider\":\"mock\"},{\"name\":\"processed\"}]}");
  llmq_request_t request = request_to("m", "{\"messages\":[]}");
  llmq_response_t* response = NULL;
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  CHECK_OK(llmq_response_status(response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(int argc, char** argv) {
  CHECK_INT(2, argc);
  why = argv[1];
  RUN(a_model_of_a_provider_is_refused);
  RUN(checks_and_probes_tell);
  RUN(all_else_works);
  return 0;
}
