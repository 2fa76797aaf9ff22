/* Hand over and go on. Nobody waits for an answer; a callback counts what came, and the shutdown at
 * the end waits until every request has had its end. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

struct counts {
  unsigned completed, failed;
};

/* On the manager's thread, one after the other: the counts need no lock. */
static void count(void* user, const llmq_event_t* event) {
  struct counts* counts = user;
  if (event->type != LLMQ_EV_DONE) return;
  ++*(event->status == LLMQ_OK ? &counts->completed : &counts->failed);
}

int main(void) {
  const char* body =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Name a lake.\"}], \"max_tokens\": 5}";
  struct counts counts = {0, 0};
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* closed = NULL;
  llmq_request_t request;
  int i;

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.m.provider", "mock", NULL);
  llmq_conf_set(conf, "model.m.concurrency", "4", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.payload = body;
  request.payload_len = strlen(body);
  request.done_fn = count;
  request.done_user = &counts;
  for (i = 0; i < 20; ++i) {
    if (llmq_submit(manager, &request, NULL) != LLMQ_OK) return 1;
  }
  puts("all handed over");

  if (llmq_cq_create(&closed) != LLMQ_OK) return 1;
  llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, closed, 0);
  llmq_cq_wait(closed, -1); /* LLMQ_EV_CLOSED comes after all other events */
  printf("completed: %u, failed: %u\n", counts.completed, counts.failed);
  llmq_cq_unref(closed);
  llmq_manager_destroy(manager);
  return counts.completed == 20 ? 0 : 1;
}
