/* cost MANY: what a request costs the thread that submits and drains in C, MANY at a time, handed
 * over and drained by 256, as the addon does it: CPU time in ns per request. */
#include <llmq/llmq.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, REQUESTS = 200000 };

static double cpu_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void round_trip(llmq_manager_t* manager, llmq_cq_t* cq, llmq_request_t* requests,
                       size_t many) {
  static llmq_event_t events[BATCH];
  struct pollfd readable = {0, POLLIN, 0};
  size_t begun = 0, done = 0;
  llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &readable.fd);
  while (begun < many) {
    const size_t n = many - begun < BATCH ? many - begun : BATCH;
    llmq_submit_batch(manager, requests, sizeof *requests, n, NULL, NULL);
    begun += n;
  }
  while (done < many) {
    size_t n, i;
    poll(&readable, 1, -1);
    events[0].stride = sizeof *events;
    n = llmq_cq_drain(cq, events, BATCH);
    for (i = 0; i < n; ++i) {
      llmq_outcome_t outcome;
      outcome.struct_size = sizeof outcome;
      llmq_event_outcome(&events[i], &outcome);
    }
    llmq_events_release(events, sizeof *events, n);
    done += n;
  }
}

int main(int argc, char** argv) {
  static llmq_request_t requests[BATCH];
  const char* body =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Name a river.\"}],\"max_tokens\":1}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = NULL;
  const size_t many = argc > 1 ? (size_t)atoi(argv[1]) : 0;
  double begin;
  size_t done;
  int i;
  if (many == 0) return 1;
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
  for (done = 0; done < REQUESTS / 8; done += many) round_trip(manager, cq, requests, many);
  begin = cpu_ns();
  for (done = 0; done < REQUESTS; done += many) round_trip(manager, cq, requests, many);
  printf("%.0f\n", (cpu_ns() - begin) / (double)done);
  llmq_conf_free(conf);
  llmq_manager_destroy(manager);
  llmq_cq_unref(cq);
  return 0;
}
