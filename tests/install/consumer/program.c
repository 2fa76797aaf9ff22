#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_response_t* response = NULL;
  llmq_request_t request;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.payload = "{}";
  request.payload_len = 2;
  if (llmq_conf_create(&conf) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.m.provider", "mock", NULL) != LLMQ_OK) return 1;
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  if (llmq_submit_wait(manager, &request, -1, &response) != LLMQ_OK) return 1;
  printf("llmq %s: %s\n", llmq_version_string(), (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
  llmq_conf_free(conf);
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
