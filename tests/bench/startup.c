/* A program that makes one request, as most do first: prints how long it was from
 * llmq_manager_create to the response, in nanoseconds, and how much memory the process then holds,
 * in bytes. With an argument, the most that this may be: 1 if it is more. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
  static const char payload[] = "{\"messages\": []}";
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_response_t* response = NULL;
  llmq_request_t request;
  long pages_mapped, pages_resident;
  long long resident;
  int64_t start, end;
  FILE* statm;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.payload = payload;
  request.payload_len = sizeof payload - 1;
  if (llmq_conf_create(&conf) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.m.provider", "mock", NULL) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.m.mock.latency_ms", "0", NULL) != LLMQ_OK) return 1;
  if (llmq_conf_set(conf, "model.m.limits", "requests=100/1m", NULL) != LLMQ_OK) return 1;
  start = llmq_now_ns();
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  if (llmq_submit_wait(manager, &request, -1, &response) != LLMQ_OK) return 1;
  end = llmq_now_ns();
  llmq_response_free(response);
  llmq_conf_free(conf);
  statm = fopen("/proc/self/statm", "r");
  if (statm == NULL || fscanf(statm, "%ld %ld", &pages_mapped, &pages_resident) != 2) return 1;
  (void)fclose(statm);
  resident = (long long)pages_resident * sysconf(_SC_PAGESIZE);
  printf("%lld %lld\n", (long long)(end - start), resident);
  if (argc > 1 && resident > strtoll(argv[1], NULL, 10)) return 1;
  return llmq_manager_destroy(manager) == LLMQ_OK ? 0 : 1;
}
