#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

/* A manager with one model, answered inside the library, and a request for it. */
int main(void) {
  const char* body =
      "{\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"Name a "
      "river.\"}], \"max_tokens\": 8}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_request_t request = {.struct_size = sizeof request, .model = "gpt-4o-mini", .payload = body};
  request.model_len = strlen(request.model);
  request.payload_len = strlen(body);
  if (llmq_conf_create(&conf) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.gpt-4o-mini.provider", "mock", NULL) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.gpt-4o-mini.rpm", "500", NULL) != LLMQ_OK) return 1;
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  (void)request; /* not every snippet submits */
  {              /* @SNIPPET@ */
  }
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
