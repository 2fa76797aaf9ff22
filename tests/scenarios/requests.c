/* Steps that hand over requests, of a case's members. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"

struct request* find(struct scenario* run, const cJSON* step) {
  const char* ref = text_of(step, "ref", "");
  for (size_t i = 0; i < run->count; ++i) {
    if (strcmp(run->requests[i].ref, ref) == 0) return &run->requests[i];
  }
  fail("\"%s\" was not submitted", ref);
}

static struct request* new_request(struct scenario* run, const cJSON* step, int64_t number) {
  struct request* request = &run->requests[run->count++];
  const char* ref = text_of(step, "ref", "");
  if (number < 0) {
    (void)snprintf(request->ref, sizeof request->ref, "%s", ref);
  } else {
    (void)snprintf(request->ref, sizeof request->ref, "%s%lld", ref, (long long)number);
  }
  request->step = step;
  request->chunks = cJSON_CreateArray();
  return request;
}

static char* payload_of(const struct request* request, const char* model) {
  const cJSON* payload = cJSON_GetObjectItem(request->step, "payload");
  const int64_t bytes = number_of(request->step, "payload_bytes", 0);
  char* text = NULL;
  if (cJSON_IsString(payload)) return strdup(payload->valuestring);
  if (payload != NULL) return cJSON_PrintUnformatted(payload);
  if (bytes > 0) {
    text = malloc((size_t)bytes + 1);
    if (text == NULL) fail("out of memory");
    memset(text, 'x', (size_t)bytes);
    text[bytes] = '\0';
    return text;
  }
  if (strcmp(text_of(request->step, "operation", "custom"), "chat") != 0)
    return strdup(request->ref);
  text = malloc(256);
  if (text == NULL) fail("out of memory");
  (void)snprintf(text, 256,
                 "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", model,
                 request->ref);
  return text;
}

int64_t time_of(const cJSON* step, const char* name, int64_t base) {
  const int64_t ms = number_of(step, name, 0);
  return ms == 0 ? 0 : base + ms * MS;
}

/* The struct that llmq_submit takes. */
static llmq_request_t filled(struct scenario* run, struct request* request) {
  static const char* const kOperations[] = {"chat",      "embeddings", "messages",
                                            "responses", "custom",     NULL};
  static const char* const kPriorities[] = {"default", "urgent", "high", "normal", "batch", NULL};
  const cJSON* step = request->step;
  llmq_request_t out;
  known_members(step,
                "do error accepted count ref model payload payload_bytes operation priority tenant "
                "dedup_key metadata deadline_ms timeout_ms est_input_tokens est_output_tokens "
                "max_attempts stream restart keep late_usage attempts on_done",
                "request");
  memset(&out, 0, sizeof out);
  out.struct_size = sizeof out;
  out.model = text_of(step, "model", "m");
  out.model_len = strlen(out.model);
  request->payload = payload_of(request, out.model);
  out.payload = request->payload;
  out.payload_len = strlen(request->payload);
  out.operation = word_of(text_of(step, "operation", "custom"), kOperations);
  out.priority = word_of(text_of(step, "priority", "default"), kPriorities);
  out.tenant = text_of(step, "tenant", "");
  out.tenant_len = strlen(out.tenant);
  out.request_key = request->ref;
  out.request_key_len = strlen(request->ref);
  out.dedup_key = text_of(step, "dedup_key", "");
  out.dedup_key_len = strlen(out.dedup_key);
  out.metadata = text_of(step, "metadata", "");
  out.metadata_len = strlen(out.metadata);
  out.deadline_ns = time_of(step, "deadline_ms", llmq_now_ns());
  out.timeout_ns = time_of(step, "timeout_ms", 0);
  out.est_input_tokens = number_of(step, "est_input_tokens", 0);
  out.est_output_tokens = number_of(step, "est_output_tokens", 0);
  out.max_attempts = (uint32_t)number_of(step, "max_attempts", 0);
  out.flags = (number_of(step, "stream", 0) ? (uint32_t)LLMQ_REQUEST_STREAM : 0u) |
              (number_of(step, "restart", 0) ? (uint32_t)LLMQ_REQUEST_RESTART : 0u) |
              (number_of(step, "keep", 0) ? (uint32_t)LLMQ_REQUEST_KEEP : 0u) |
              (number_of(step, "late_usage", 0) ? (uint32_t)LLMQ_REQUEST_LATE_USAGE : 0u);
  out.user_data = (uint64_t)(request - run->requests);
  if (cJSON_HasObjectItem(step, "on_done")) { /* the callback form; C has nothing to throw */
    out.done_fn = done_callback;
    out.done_user = run;
  } else {
    out.cq = run->cq;
  }
  return out;
}

void submit(struct scenario* run, const cJSON* step) {
  struct request* request = new_request(run, step, -1);
  const llmq_request_t filled_in = filled(run, request);
  const llmq_status_t status = llmq_submit(run->manager, &filled_in, &request->id);
  check_status(step, status, request->ref);
  request->accepted = status == LLMQ_OK;
}

/* Of `n` requests that new_request has just made. */
static void submit_last(struct scenario* run, const cJSON* step, size_t n) {
  struct request* first = &run->requests[run->count - n];
  llmq_request_t* batch = calloc(n, sizeof *batch);
  llmq_request_id_t* ids = calloc(n, sizeof *ids);
  size_t accepted = 0;
  if (batch == NULL || ids == NULL) fail("out of memory");
  for (size_t i = 0; i < n; ++i) batch[i] = filled(run, &first[i]);
  check_status(step, llmq_submit_batch(run->manager, batch, sizeof *batch, n, ids, &accepted),
               "the batch");
  if ((int64_t)accepted != number_of(step, "accepted", (int64_t)n)) {
    fail("%lld of the batch are accepted, expected %lld", (long long)accepted,
         (long long)number_of(step, "accepted", (int64_t)n));
  }
  for (size_t i = 0; i < accepted; ++i) {
    first[i].accepted = 1;
    first[i].id = ids[i];
  }
  free(batch);
  free(ids);
}

void submit_batch(struct scenario* run, const cJSON* step) {
  const cJSON* members = NULL;
  const cJSON* requests = cJSON_GetObjectItem(step, "requests");
  known_members(step, "do requests accepted error", "submit_batch");
  cJSON_ArrayForEach(members, requests)(void) new_request(run, members, -1);
  submit_last(run, step, (size_t)cJSON_GetArraySize(requests));
}

void submit_many(struct scenario* run, const cJSON* step) {
  const int64_t count = number_of(step, "count", 0);
  for (int64_t i = 0; i < count; ++i) (void)new_request(run, step, i);
  submit_last(run, step, (size_t)count);
}

void acquire(struct scenario* run, const cJSON* step) {
  struct request* request = new_request(run, step, -1);
  const llmq_request_t filled_in = filled(run, request);
  const llmq_status_t status = llmq_acquire(run->manager, &filled_in, &request->id);
  check_status(step, status, request->ref);
  request->accepted = status == LLMQ_OK;
}

/* Ends a permit, well or, with `fail`, with that status. */
void release(struct scenario* run, const cJSON* step) {
  const struct request* request = find(run, step);
  const cJSON* usage = cJSON_GetObjectItem(step, "usage");
  const llmq_usage_t used = usage_of(usage);
  const char* failure = text_of(step, "fail", NULL);
  known_members(step, "do ref usage fail retry_after_ms error", "release");
  if (request->permit == 0) fail("%s: there is no permit", request->ref);
  check_status(
      step,
      failure == NULL
          ? llmq_permit_release(run->manager, request->permit, usage == NULL ? NULL : &used)
          : llmq_attempt_fail(run->manager, request->permit, status_of(failure), NULL, 0,
                              time_of(step, "retry_after_ms", 0)),
      "release");
}
