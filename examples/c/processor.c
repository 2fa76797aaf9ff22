/* A model that the program runs itself: llmq says when a call may start, a processor makes it.
 *
 * Here the "call" is to write the words backwards. The processor is called on the manager's loop
 * thread and must return quickly: a real one would hand the attempt id and the payload to a thread
 * or an HTTP client of its own, and report from there with the same llmq_attempt_succeed or
 * llmq_attempt_fail. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

static void backwards(void* user, const llmq_event_t* ready) {
  llmq_manager_t* manager = user;
  const char* text = ready->data;
  char answer[64];
  llmq_usage_t usage;
  size_t i, len = (size_t)ready->data_len;

  /* The first attempt is refused as a busy provider would: llmq waits and tries again. */
  if (ready->attempt == 1 && strncmp(text, "again", len) == 0) {
    llmq_attempt_fail(manager, ready->attempt_id, LLMQ_ERR_OVERLOADED, "busy", 4, 0);
    return;
  }
  if (len > sizeof answer) {
    llmq_attempt_fail(manager, ready->attempt_id, LLMQ_ERR_PROCESSING, "too long", 8, 0);
    return;
  }
  for (i = 0; i < len; ++i) answer[i] = text[len - 1 - i];
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  usage.input_tokens = usage.output_tokens = (int64_t)len; /* what the limits are charged with */
  llmq_attempt_succeed(manager, ready->attempt_id, answer, len, &usage);
}

static int ask(llmq_manager_t* manager, const char* text) {
  llmq_request_t request;
  llmq_response_t* response = NULL;
  llmq_status_t status;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_CUSTOM;
  request.model = "backwards";
  request.model_len = strlen(request.model);
  request.payload = text;
  request.payload_len = strlen(text);
  status = llmq_submit_wait(manager, &request, -1, &response);
  if (status != LLMQ_OK) {
    fprintf(stderr, "refused: %s\n", llmq_status_message(status));
    return 1;
  }
  status = llmq_response_status(response);
  printf("%s -> %s (attempts: %u)\n", text,
         status == LLMQ_OK ? (const char*)llmq_response_data(response, NULL)
                           : llmq_response_error(response, NULL),
         (unsigned)llmq_response_attempts(response));
  llmq_response_free(response);
  return status == LLMQ_OK ? 0 : 1;
}

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  int failed = 0;

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.backwards.limits", "requests=60/1m;tokens=10000/1m", NULL);
  llmq_conf_set(conf, "model.backwards.retry.base_ms", "20", NULL);
  if (llmq_manager_create(conf, &manager, &err) != LLMQ_OK) {
    fprintf(stderr, "%s: %s\n", llmq_error_key(err), llmq_error_message(err));
    llmq_error_free(err);
    return 1;
  }
  llmq_conf_free(conf);
  llmq_model_set_processor(manager, "backwards", strlen("backwards"), backwards, NULL, manager,
                           NULL);
  failed += ask(manager, "river");
  failed += ask(manager, "again");
  llmq_manager_destroy(manager);
  return failed == 0 ? 0 : 1;
}
