/* Many requests at once: handed over in one call, answered through a queue in the order in which
 * they end. user_data tells which is which. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

enum { kRequests = 100, kBatch = 32 };

int main(void) {
  static llmq_request_t requests[kRequests];
  static char bodies[kRequests][128];
  llmq_event_t events[kBatch];
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* queue = NULL;
  size_t accepted = 0, done = 0, completed = 0, tokens = 0, i, n;

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.m.provider", "mock", NULL);
  llmq_conf_set(conf, "model.m.limits", "requests=6000/1m;concurrency=32", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  if (llmq_cq_create(&queue) != LLMQ_OK) return 1;

  for (i = 0; i < kRequests; ++i) {
    snprintf(bodies[i], sizeof bodies[i],
             "{\"messages\": [{\"role\": \"user\", \"content\": \"Name river number %u.\"}],"
             " \"max_tokens\": 8}",
             (unsigned)i);
    requests[i].struct_size = sizeof requests[i];
    requests[i].model = "m";
    requests[i].model_len = 1;
    requests[i].payload = bodies[i];
    requests[i].payload_len = strlen(bodies[i]);
    requests[i].priority = LLMQ_PRIORITY_BATCH; /* lets urgent work pass */
    requests[i].cq = queue;
    requests[i].user_data = i;
  }
  llmq_submit_batch(manager, requests, sizeof requests[0], kRequests, NULL, &accepted);

  while (done < accepted && llmq_cq_wait(queue, -1) == LLMQ_OK) {
    events[0].stride = sizeof events[0];
    n = llmq_cq_drain(queue, events, kBatch);
    for (i = 0; i < n; ++i) {
      if (events[i].type != LLMQ_EV_DONE) continue;
      ++done;
      tokens += (size_t)events[i].output_tokens;
      if (events[i].status == LLMQ_OK) ++completed;
    }
    llmq_events_release(events, sizeof events[0], n);
  }
  printf("accepted %u, completed %u, %s\n", (unsigned)accepted, (unsigned)completed,
         tokens > 0 ? "tokens counted" : "no tokens");
  llmq_manager_destroy(manager);
  llmq_cq_unref(queue);
  return completed == kRequests ? 0 : 1;
}
