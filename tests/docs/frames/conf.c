#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Snippets leave out what every program does: to look at what is returned. */
static llmq_status_t must(llmq_status_t status, llmq_error_t* err) {
  if (status == LLMQ_OK) return status;
  printf("%s: %s: %s\n", llmq_status_name(status), llmq_error_key(err), llmq_error_message(err));
  exit(1);
}
static llmq_status_t must_set(llmq_conf_t* conf, const char* key, const char* value) {
  llmq_error_t* err = NULL;
  const llmq_status_t status = llmq_conf_set(conf, key, value, &err);
  return must(status, err);
}
#define llmq_conf_set(conf, key, value, err) must_set(conf, key, value)

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_error_t* err = NULL;
  llmq_manager_t* manager = NULL;
  if (llmq_conf_create(&conf) != LLMQ_OK) return 1;
  /* @SNIPPET@ */
  const llmq_status_t status = llmq_manager_create(conf, &manager, &err);
  must(status, err);
  llmq_conf_free(conf);
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
