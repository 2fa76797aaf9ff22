#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  const char* body =
      "{\"model\": \"gpt-4o-mini\","
      " \"messages\": [{\"role\": \"user\", \"content\": \"Name a river.\"}]}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_request_t request = {.struct_size = sizeof request, .model = "gpt-4o-mini"};
  request.model_len = strlen(request.model), request.payload = body;
  request.payload_len = strlen(body);
  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.gpt-4o-mini.provider", "mock", NULL); /* or openai: OPENAI_API_KEY */
  llmq_conf_set(conf, "model.gpt-4o-mini.rpm", "500", NULL);
  llmq_conf_set(conf, "model.gpt-4o-mini.concurrency", "8", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  for (int i = 0; i < 3; ++i) { /* submit_wait waits; llmq_submit with a callback does not */
    llmq_response_t* response = NULL;
    if (llmq_submit_wait(manager, &request, -1, &response) != LLMQ_OK) return 1;
    printf("%s\n", (const char*)llmq_response_data(response, NULL));
    llmq_response_free(response);
  }
  llmq_conf_free(conf);
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
