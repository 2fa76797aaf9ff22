/* OpenAI over HTTP. The key is in OPENAI_API_KEY; with LLMQ_MOCK, the address of `llmq mock`, that
 * is asked instead and no key is needed.
 *
 * No limits are set: they are learnt from the headers of the answers. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const char* body =
      "{\"model\": \"gpt-4o-mini\", \"max_tokens\": 20,"
      " \"messages\": [{\"role\": \"user\", \"content\": \"Name a river.\"}]}";
  const char* mock = getenv("LLMQ_MOCK");
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_response_t* response = NULL;
  llmq_error_t* err = NULL;
  llmq_request_t request;
  llmq_usage_t usage;
  int failed = 1;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "gpt-4o-mini";
  request.model_len = strlen(request.model);
  request.payload = body;
  request.payload_len = strlen(body);

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.gpt-4o-mini.provider", "openai", NULL);
  if (mock != NULL) llmq_conf_set(conf, "model.gpt-4o-mini.base_url", mock, NULL);
  if (llmq_manager_create(conf, &manager, &err) != LLMQ_OK) {
    fprintf(stderr, "%s: %s\n", llmq_error_key(err), llmq_error_message(err));
    llmq_error_free(err);
  } else if (llmq_submit_wait(manager, &request, -1, &response) == LLMQ_OK) {
    failed = llmq_response_status(response) != LLMQ_OK;
    puts(failed ? llmq_response_error(response, NULL) : llmq_response_data(response, NULL));
    memset(&usage, 0, sizeof usage);
    usage.struct_size = sizeof usage;
    if (llmq_response_usage(response, &usage) == LLMQ_OK) {
      printf("HTTP %d, %d + %d tokens\n", (int)llmq_response_http_status(response),
             (int)usage.input_tokens, (int)usage.output_tokens);
    }
  }
  llmq_response_free(response);
  llmq_manager_destroy(manager);
  llmq_conf_free(conf);
  return failed;
}
