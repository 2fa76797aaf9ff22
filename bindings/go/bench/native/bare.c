/* bare.c - what requests cost in C: submitted and drained in batches of 256. Prints the processor
 * time of the thread that does it, in ns. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { batch = 256 };

static int64_t processor_ns(void) {
  struct timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void must(llmq_status_t status) {
  if (status == LLMQ_OK) return;
  fprintf(stderr, "%s\n", llmq_status_name(status));
  exit(1);
}

int main(int argc, char** argv) {
  static const char payload[] =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Name a river.\"}],\"max_tokens\":20}";
  static llmq_event_t events[batch];
  static llmq_request_t requests[batch];
  const long total = argc > 1 ? atol(argv[1]) : 100000;
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = NULL;
  must(llmq_conf_create(&conf));
  must(llmq_conf_set(conf, "model.m.provider", "mock", NULL));
  must(llmq_conf_set(conf, "model.m.mock.latency_ms", "0", NULL));
  must(llmq_conf_set(conf, "model.m.max_in_flight", "1000000", NULL));
  must(llmq_manager_create(conf, &manager, NULL));
  must(llmq_cq_create(&cq));
  for (int i = 0; i < batch; ++i)
    requests[i] = (llmq_request_t){.struct_size = sizeof *requests,
                                   .model = "m",
                                   .model_len = 1,
                                   .payload = payload,
                                   .payload_len = sizeof payload - 1,
                                   .user_data = (uint64_t)i,
                                   .cq = cq};
  const int64_t began = processor_ns();
  for (long sent = 0, got = 0; got < total;) {
    if (sent < total) {
      const long n = total - sent < batch ? total - sent : batch;
      must(llmq_submit_batch(manager, requests, sizeof *requests, (size_t)n, NULL, NULL));
      sent += n;
    }
    while (got < sent - 1024 || (sent >= total && got < total)) {
      must(llmq_cq_wait(cq, -1));
      events[0].stride = sizeof *events;
      const size_t n = llmq_cq_drain(cq, events, batch);
      llmq_events_release(events, sizeof *events, n);
      got += (long)n;
    }
  }
  printf("%lld\n", (long long)(processor_ns() - began));
  llmq_manager_destroy(manager);
  llmq_cq_unref(cq);
  llmq_conf_free(conf);
  return 0;
}
