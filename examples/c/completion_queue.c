/* A program with a poll loop of its own: answers come through a file descriptor, none through
 * callbacks.
 *
 * The descriptor is readable exactly while the queue holds events, so it fits poll, epoll and the
 * event loops of other languages. One poll may stand for many events: drain until there are none.
 */
#include <llmq/llmq.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { kRequests = 20, kBatch = 8 };

static int submit_all(llmq_manager_t* manager, llmq_cq_t* cq) {
  const char* body =
      "{\"model\": \"gpt-4o-mini\","
      " \"messages\": [{\"role\": \"user\", \"content\": \"Name a lake.\"}]}";
  llmq_request_t request;
  uint64_t i;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "gpt-4o-mini";
  request.model_len = strlen(request.model);
  request.payload = body;
  request.payload_len = strlen(body);
  request.cq = cq;
  for (i = 0; i < kRequests; ++i) {
    request.user_data = i; /* comes back in the event */
    if (llmq_submit(manager, &request, NULL) != LLMQ_OK) return 1;
  }
  return 0;
}

/* Counts what has completed; releases the answers. */
static unsigned drain(llmq_cq_t* cq, unsigned* completed) {
  llmq_event_t events[kBatch];
  unsigned done = 0;
  size_t i, n;

  events[0].stride = sizeof events[0];
  while ((n = llmq_cq_drain(cq, events, kBatch)) > 0) {
    for (i = 0; i < n; ++i) {
      if (events[i].type != LLMQ_EV_DONE) continue;
      ++done;
      if (events[i].status == LLMQ_OK) ++*completed;
      printf("request %u: %s, %u bytes\n", (unsigned)events[i].user_data,
             llmq_status_name(events[i].status), (unsigned)events[i].data_len);
    }
    llmq_events_release(events, sizeof events[0], n);
  }
  return done;
}

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = NULL;
  struct pollfd readable;
  unsigned done = 0, completed = 0;

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.gpt-4o-mini.provider", "mock", NULL);
  llmq_conf_set(conf, "model.gpt-4o-mini.limits", "requests=600/1m;concurrency=4", NULL);
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  if (llmq_cq_create(&cq) != LLMQ_OK) return 1;
  if (llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &readable.fd) != LLMQ_OK) return 1;
  readable.events = POLLIN;
  if (submit_all(manager, cq) != 0) return 1;
  while (done < kRequests) {
    if (poll(&readable, 1, -1) < 0) continue; /* a signal */
    done += drain(cq, &completed);
  }
  printf("completed: %u of %u\n", completed, done);
  llmq_manager_destroy(manager);
  llmq_cq_unref(cq);
  return completed == done ? 0 : 1;
}
