/* Tenants with weights, priorities, requests that share a call, a hook that watches, a limit that
 * is changed while calls run, and the manager's own account of it all. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

static const char* const kConfig =
    "{\"tenants\": [{\"name\": \"live\", \"weight\": 4}, {\"name\": \"nightly\", \"weight\": 1}],"
    " \"models\": [{\"name\": \"m\", \"provider\": \"mock\", \"limits\": [{\"concurrency\": 4}],"
    "   \"price_input\": 0.15, \"price_output\": 0.6}]}";

/* On the manager's thread; the counter is read when the manager has ended. */
static void watch(void* user, const llmq_hook_t* hook) {
  if (hook->type == LLMQ_HOOK_ATTEMPT_STARTED) ++*(unsigned*)user;
}

static void submit(llmq_manager_t* manager, const char* tenant, int32_t priority,
                   const char* dedup_key, llmq_cq_t* queue) {
  const char* body =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Name a sea.\"}], \"max_tokens\": 5}";
  llmq_request_t request;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.model = "m";
  request.model_len = 1;
  request.tenant = tenant;
  request.tenant_len = strlen(tenant);
  request.payload = body;
  request.payload_len = strlen(body);
  request.priority = priority;
  request.dedup_key = dedup_key;
  request.dedup_key_len = strlen(dedup_key);
  request.cq = queue;
  llmq_submit(manager, &request, NULL);
}

int main(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* queue = NULL;
  llmq_event_t event;
  char* json = NULL;
  unsigned calls = 0, done = 0, shared = 0;

  llmq_conf_create(&conf);
  if (llmq_conf_set_json(conf, kConfig, strlen(kConfig), NULL) != LLMQ_OK) return 1;
  if (llmq_manager_create(conf, &manager, NULL) != LLMQ_OK) return 1;
  llmq_conf_free(conf);
  if (llmq_cq_create(&queue) != LLMQ_OK) return 1;
  llmq_set_hook(manager, LLMQ_HOOK_ATTEMPT_STARTED, watch, &calls, NULL);

  submit(manager, "nightly", LLMQ_PRIORITY_BATCH, "", queue);
  submit(manager, "live", LLMQ_PRIORITY_URGENT, "",
         queue); /* passes the one above where they wait */
  submit(manager, "live", LLMQ_PRIORITY_DEFAULT, "a sea", queue);
  submit(manager, "live", LLMQ_PRIORITY_DEFAULT, "a sea", queue); /* the same question: one call */
  if (llmq_manager_set(manager, "model.m.limit", "concurrency=8", NULL) != LLMQ_OK) return 1;
  while (done < 4 && llmq_cq_wait(queue, -1) == LLMQ_OK) {
    event.stride = sizeof event;
    if (llmq_cq_drain(queue, &event, 1) == 0) continue;
    if (event.type == LLMQ_EV_DONE && event.status == LLMQ_OK) ++done;
    if ((event.flags & LLMQ_EVENT_SHARED) != 0) ++shared;
    llmq_events_release(&event, sizeof event, 1);
  }
  if (llmq_stats_json(manager, &json, NULL) == LLMQ_OK) puts(json); /* docs/STATISTICS.md */
  llmq_buf_free(json);
  llmq_manager_destroy(manager);
  llmq_cq_unref(queue);
  printf("%u requests answered by %u calls, %u shared one\n", done, calls, shared);
  return 0;
}
