/* Concurrency bounds how many calls run at a time, a limit per period how many start in it, and
 * several hold together. Each call lasts 100 ms here. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

enum { kCalls = 10 };

static const char* const kConfig =
    "{\"models\": ["
    " {\"name\": \"*\", \"provider\": \"mock\", \"mock\": {\"latency_ms\": 100}},"
    " {\"name\": \"two at a time\", \"limits\": [{\"concurrency\": 2}]},"
    " {\"name\": \"five per second\", \"limits\": [{\"requests\": 5, \"per\": \"1s\"}]},"
    " {\"name\": \"both, and tokens\", \"limits\": [{\"concurrency\": 2},"
    "   {\"requests\": 5, \"per\": \"1s\"}, {\"tokens\": 100000, \"per\": \"1m\"}]}]}";

static int run(llmq_manager_t* manager, const char* model) {
  const char* body =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Name a lake.\"}], \"max_tokens\": 5}";
  const int64_t begin = llmq_now_ns();
  llmq_cq_t* queue = NULL;
  llmq_event_t events[kCalls];
  llmq_request_t request;
  size_t done = 0, n;
  int i;

  if (llmq_cq_create(&queue) != LLMQ_OK) return 1;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = model;
  request.model_len = strlen(model);
  request.payload = body;
  request.payload_len = strlen(body);
  request.cq = queue;
  for (i = 0; i < kCalls; ++i) {
    if (llmq_submit(manager, &request, NULL) != LLMQ_OK) return 1;
  }
  while (done < kCalls && llmq_cq_wait(queue, -1) == LLMQ_OK) {
    events[0].stride = sizeof events[0];
    n = llmq_cq_drain(queue, events, kCalls);
    llmq_events_release(events, sizeof events[0], n);
    done += n;
  }
  printf("%s: %d calls in %.1f s\n", model, kCalls, (double)(llmq_now_ns() - begin) / 1e9);
  llmq_cq_unref(queue);
  return 0;
}

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  int failed = 0;

  llmq_conf_create(&conf);
  if (llmq_conf_set_json(conf, kConfig, strlen(kConfig), &err) != LLMQ_OK ||
      llmq_manager_create(conf, &manager, &err) != LLMQ_OK) {
    fprintf(stderr, "%s: %s\n", llmq_error_key(err), llmq_error_message(err));
    return 1;
  }
  llmq_conf_free(conf);
  failed += run(manager, "two at a time");
  failed += run(manager, "five per second");
  failed += run(manager, "both, and tokens");
  llmq_manager_destroy(manager);
  return failed;
}
