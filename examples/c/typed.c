/* Structs in and out, JSON nowhere in sight. A payload is bytes: what a processor of the same
 * program runs may be a struct, copied as it is. (In C++, llmq::model does this with types.) */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

struct question {
  int left, right;
};
struct answer {
  int sum;
};

static void add(void* user, const llmq_event_t* ready) {
  llmq_manager_t* manager = user;
  struct question question;
  struct answer answer;

  if (ready->data_len != sizeof question) {
    llmq_attempt_fail(manager, ready->attempt_id, LLMQ_ERR_BAD_REQUEST, "no question", 11, 0);
    return;
  }
  memcpy(&question, ready->data, sizeof question); /* data need not be aligned */
  answer.sum = question.left + question.right;
  llmq_attempt_succeed(manager, ready->attempt_id, &answer, sizeof answer, NULL);
}

/* 0, or a negative status. */
static llmq_status_t ask(llmq_manager_t* manager, struct question question, struct answer* answer) {
  llmq_request_t request;
  llmq_response_t* response = NULL;
  llmq_status_t status;
  size_t len = 0;
  const void* data;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_CUSTOM;
  request.model = "sums";
  request.model_len = strlen(request.model);
  request.payload = &question;
  request.payload_len = sizeof question;
  status = llmq_submit_wait(manager, &request, -1, &response);
  if (status != LLMQ_OK) return status;
  status = llmq_response_status(response);
  data = llmq_response_data(response, &len);
  if (status == LLMQ_OK && len == sizeof *answer) memcpy(answer, data, len);
  llmq_response_free(response);
  return status;
}

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  struct question question = {0, 0};
  struct answer answer = {0};

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.sums.limits", "requests=600/1m;concurrency=2", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  llmq_model_set_processor(manager, "sums", strlen("sums"), add, NULL, manager, NULL);
  for (question.left = 1; question.left <= 3; ++question.left) {
    question.right = question.left * 10;
    if (ask(manager, question, &answer) != LLMQ_OK) return 1;
    printf("%d + %d = %d\n", question.left, question.right, answer.sum);
  }
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
