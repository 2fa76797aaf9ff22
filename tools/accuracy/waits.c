/* waits URL: submits 900 requests of four priorities at once, under limits that bind, and prints
 * how long each waited for its call: "PRIORITY SECONDS" per line, in the order of the answers.
 */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

enum { kRequests = 900, kClasses = 4 };

static const char* const kNames[kClasses] = {"urgent", "high", "normal", "batch"};
static const int32_t kPriorities[kClasses] = {LLMQ_PRIORITY_URGENT, LLMQ_PRIORITY_HIGH,
                                              LLMQ_PRIORITY_NORMAL, LLMQ_PRIORITY_BATCH};

static int fail(const char* what, llmq_error_t* error) {
  fprintf(stderr, "waits: %s: %s\n", what, error == NULL ? "failed" : llmq_error_message(error));
  llmq_error_free(error);
  return 1;
}

static int create_manager(const char* url, llmq_manager_t** manager) {
  const char* const settings[][2] = {{"model.m.provider", "openai"},
                                     {"model.m.base_url", url},
                                     {"model.m.limits", "requests=300/6s;concurrency=200"}};
  llmq_conf_t* conf = NULL;
  llmq_error_t* error = NULL;
  size_t i;

  if (llmq_conf_create(&conf) != LLMQ_OK) return fail("configuration", NULL);
  for (i = 0; i < sizeof settings / sizeof settings[0]; ++i) {
    if (llmq_conf_set(conf, settings[i][0], settings[i][1], &error) != LLMQ_OK) {
      llmq_conf_free(conf);
      return fail(settings[i][0], error);
    }
  }
  if (llmq_manager_create(conf, manager, &error) != LLMQ_OK) {
    llmq_conf_free(conf);
    return fail("manager", error);
  }
  llmq_conf_free(conf);
  return 0;
}

static int submit_all(llmq_manager_t* manager, llmq_cq_t* cq) {
  static const char kBody[] =
      "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"Name a lake.\"}], "
      "\"max_tokens\": 16}";
  llmq_request_t request;
  uint64_t i;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.payload = kBody;
  request.payload_len = sizeof kBody - 1;
  request.cq = cq;
  for (i = 0; i < kRequests; ++i) {
    request.user_data = i % kClasses; /* comes back in the event */
    request.priority = kPriorities[i % kClasses];
    if (llmq_submit(manager, &request, NULL) != LLMQ_OK) return fail("submit", NULL);
  }
  return 0;
}

/* Prints the wait of every answer; returns how many requests failed. */
static unsigned print_all(llmq_cq_t* cq) {
  unsigned done = 0, failed = 0;

  while (done < kRequests) {
    llmq_event_t event;
    event.stride = sizeof event;
    if (llmq_cq_wait(cq, -1) != LLMQ_OK) return kRequests - done;
    if (llmq_cq_drain(cq, &event, 1) == 0) continue;
    if (event.type == LLMQ_EV_DONE) {
      ++done;
      if (event.status != LLMQ_OK) ++failed;
      printf("%s %.6f\n", kNames[event.user_data], (double)event.queued_ns / 1e9);
    }
    llmq_events_release(&event, sizeof event, 1);
  }
  return failed;
}

int main(int argc, char** argv) {
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = NULL;
  unsigned failed;

  if (argc != 2) {
    fprintf(stderr, "usage: waits URL\n");
    return 1;
  }
  if (create_manager(argv[1], &manager) != 0) return 1;
  if (llmq_cq_create(&cq) != LLMQ_OK) return fail("queue", NULL);
  if (submit_all(manager, cq) != 0) return 1;
  failed = print_all(cq);
  llmq_manager_destroy(manager);
  llmq_cq_unref(cq);
  if (failed > 0) fprintf(stderr, "waits: %u requests failed\n", failed);
  return failed == 0 ? 0 : 1;
}
