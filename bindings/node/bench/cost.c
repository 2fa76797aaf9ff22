/* What a request costs the thread that submits and drains in C, batches of 256, as bench.mjs does
 * it: CPU time in ns per request. */
#include <llmq/llmq.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, ROUNDS = 800 };

static double cpu_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void round_trip(llmq_manager_t* manager, llmq_cq_t* cq, llmq_request_t* requests) {
  static llmq_event_t events[BATCH];
  struct pollfd readable = {0, POLLIN, 0};
  size_t done = 0;
  llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &readable.fd);
  llmq_submit_batch(manager, requests, sizeof *requests, BATCH, NULL, NULL);
  while (done < BATCH) {
    size_t n, i;
    poll(&readable, 1, -1);
    events[0].stride = sizeof *events;
    n = llmq_cq_drain(cq, events, BATCH);
    for (i = 0; i < n; ++i) {
      llmq_response_t* response = NULL;
      if (llmq_event_take(&events[i], &response) == LLMQ_OK) llmq_response_free(response);
    }
    done += n;
  }
}

int main(void) {
  static llmq_request_t requests[BATCH];
  const char* body =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Name a river.\"}],\"max_tokens\":1}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = NULL;
  double begin;
  int i;
  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.m.provider", "mock", NULL);
  llmq_conf_set(conf, "model.m.mock.latency_ms", "0", NULL);
  llmq_conf_set(conf, "model.m.max_in_flight", "100000", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK || llmq_cq_create(&cq) != LLMQ_OK)
    return 1;
  for (i = 0; i < BATCH; ++i) {
    requests[i].struct_size = sizeof *requests;
    requests[i].model = "m", requests[i].model_len = 1;
    requests[i].payload = body, requests[i].payload_len = strlen(body);
    requests[i].cq = cq;
  }
  for (i = 0; i < ROUNDS / 8; ++i) round_trip(manager, cq, requests);
  begin = cpu_ns();
  for (i = 0; i < ROUNDS; ++i) round_trip(manager, cq, requests);
  printf("%.0f\n", (cpu_ns() - begin) / (ROUNDS * (double)BATCH));
  llmq_conf_free(conf);
  llmq_manager_destroy(manager);
  llmq_cq_unref(cq);
  return 0;
}
