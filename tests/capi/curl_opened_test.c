/* libcurl is opened by the first model that is called over HTTP, and by nothing before. */
#include <stdbool.h>

#include "helpers.h"

static bool is_mapped(const char* file) {
  char line[1024];
  bool found = false;
  FILE* maps = fopen("/proc/self/maps", "r");
  CHECK(maps != NULL);
  while (fgets(line, sizeof line, maps) != NULL) found = found || strstr(line, file) != NULL;
  (void)fclose(maps);
  return found;
}

static void a_mock_does_without(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"provider\":\"mock\"}]}");
  llmq_request_t request = request_to("m", "{\"messages\":[]}");
  llmq_response_t* response = NULL;
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  CHECK_OK(llmq_response_status(response));
  llmq_response_free(response);
  CHECK(is_mapped("libllmq") && !is_mapped("libcurl"));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_provider_needs_it(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"p\",\"provider\":\"openai\",\"api_key_env\":\"LLMQ_TEST_KEY\"}]}");
  CHECK_INT(0, setenv("LLMQ_TEST_KEY", "sk-none", 1));
  CHECK(!is_mapped("libcurl"));
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  CHECK(is_mapped(LLMQ_CURL_SONAME));
  CHECK_HAS(" libcurl/", llmq_version_libraries());
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(a_mock_does_without);
  RUN(a_provider_needs_it);
  return 0;
}
