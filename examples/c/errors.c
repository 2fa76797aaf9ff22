/* What may go wrong, and how it looks: a setting, a name, a size, a provider that fails, a
 * deadline. Each code has a paragraph in docs/troubleshooting.md. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

static const char* const kConfig =
    "{\"models\": ["
    " {\"name\": \"small\", \"provider\": \"mock\", \"tpm\": 1000},"
    " {\"name\": \"failing\", \"provider\": \"mock\", \"mock\": {\"latency_ms\": 0, "
    "\"fail_server\": 1},"
    "  \"retry\": {\"max_attempts\": 3, \"base_ms\": 1, \"cap_ms\": 1}},"
    " {\"name\": \"silent\", \"provider\": \"mock\", \"mock\": {\"fail_hang\": 1}}]}";

static llmq_request_t request_to(const char* model, const char* body) {
  llmq_request_t request;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = model;
  request.model_len = strlen(model);
  request.payload = body;
  request.payload_len = strlen(body);
  return request;
}

/* Refused at once: llmq_request_check tells in words why, where llmq_submit gives the code alone.
 * It wants to know where the answer would go, as llmq_submit does. */
static void show_refusal(llmq_manager_t* manager, const char* what, llmq_request_t request) {
  llmq_error_t* err = NULL;
  llmq_status_t status;
  request.flags = LLMQ_REQUEST_KEEP;
  status = llmq_request_check(manager, &request, &err);
  printf("%s: %s: %s\n", what, llmq_status_name(status), llmq_error_message(err));
  llmq_error_free(err);
}

/* Accepted, and ended with a failure: the response tells. */
static void show_failure(llmq_manager_t* manager, const char* what, llmq_request_t request) {
  llmq_response_t* response = NULL;
  if (llmq_submit_wait(manager, &request, -1, &response) != LLMQ_OK) return;
  printf("%s: %s after %u attempts: %s\n", what, llmq_status_name(llmq_response_status(response)),
         (unsigned)llmq_response_attempts(response), llmq_response_error(response, NULL));
  llmq_response_free(response);
}

int main(void) {
  const char* body =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Name a lake.\"}], \"max_tokens\": 5}";
  const char* large =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"A book.\"}], \"max_tokens\": 10000}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  llmq_status_t status;
  llmq_request_t request;

  llmq_conf_create(&conf);
  status = llmq_conf_set(conf, "model.small.rpm", "many", &err);
  printf("setting: %s: %s\n", llmq_status_name(status), llmq_error_message(err));
  llmq_error_free(err);

  if (llmq_conf_set_json(conf, kConfig, strlen(kConfig), NULL) != LLMQ_OK) return 1;
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  show_refusal(manager, "name", request_to("nobody", body));
  show_refusal(manager, "size", request_to("small", large));
  show_failure(manager, "provider", request_to("failing", body));
  request = request_to("silent", body);
  request.deadline_ns = llmq_now_ns() + 100000000; /* 0.1 s from now */
  show_failure(manager, "time", request);
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
