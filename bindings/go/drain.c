/* drain.c - events with all that Go reads of them: one crossing of the border for a batch. */
#include "native.h"

#include <string.h>

/* Texts were just written by another core: what is asked for here, event by event, is there when Go
 * copies it. The last byte may lie a line further than whole lines from the first one reach. Always
 * inline: GCC takes a call of what only prefetches for one that does nothing, and drops it. */
static inline __attribute__((always_inline)) void fetch(const char* text, size_t len) {
  enum { line = 64, most = 512 };
  if (len == 0) return;
  if (len > most) len = most;
  for (size_t at = 0; at < len; at += line) __builtin_prefetch(text + at);
  __builtin_prefetch(text + len - 1);
}

static void find_plain(lq_detail_t* detail) {
  detail->plain =
      (detail->error_len | detail->request_key_len | detail->metadata_len | detail->deployment_len |
       detail->fallback_model_len | detail->provider_request_id_len | detail->history_len) == 0;
}

void lq_describe(llmq_response_t* response, lq_detail_t* detail) {
  llmq_usage_t usage = {.struct_size = sizeof usage};
  detail->response = response;
  detail->data = llmq_response_data(response, &detail->data_len);
  detail->error = llmq_response_error(response, &detail->error_len);
  detail->request_key = llmq_response_request_key(response, &detail->request_key_len);
  detail->metadata = llmq_response_metadata(response, &detail->metadata_len);
  detail->deployment = llmq_response_deployment(response, &detail->deployment_len);
  detail->fallback_model = llmq_response_fallback_model(response, &detail->fallback_model_len);
  detail->provider_request_id =
      llmq_response_provider_request_id(response, &detail->provider_request_id_len);
  detail->http_status = llmq_response_http_status(response);
  detail->usage_known = llmq_response_usage(response, &usage) == LLMQ_OK;
  detail->history = NULL;
  detail->history_len = 0;
  if (llmq_response_status(response) != LLMQ_OK || llmq_response_attempts(response) > 1)
    llmq_response_attempts_json(response, &detail->history, &detail->history_len);
  find_plain(detail);
}

/* A response is made only for what nothing else tells: the attempts of which one has failed. */
static int describe_outcome(llmq_event_t* event, lq_detail_t* detail) {
  llmq_outcome_t outcome;
  llmq_response_t* response = NULL;
  outcome.struct_size = sizeof outcome;
  if (llmq_event_outcome(event, &outcome) != LLMQ_OK) return 0;
  if (outcome.has_history && llmq_event_take(event, &response) == LLMQ_OK) {
    lq_describe(response, detail);
    return 1;
  }
  detail->response = NULL;
  detail->data = event->data;
  detail->data_len = event->data_len;
  detail->error = outcome.error;
  detail->error_len = outcome.error_len;
  detail->request_key = outcome.request_key;
  detail->request_key_len = outcome.request_key_len;
  detail->metadata = outcome.metadata;
  detail->metadata_len = outcome.metadata_len;
  detail->deployment = outcome.deployment;
  detail->deployment_len = outcome.deployment_len;
  detail->fallback_model = outcome.fallback_model;
  detail->fallback_model_len = outcome.fallback_model_len;
  detail->provider_request_id = outcome.provider_request_id;
  detail->provider_request_id_len = outcome.provider_request_id_len;
  fetch(outcome.provider_request_id, outcome.provider_request_id_len);
  detail->http_status = outcome.http_status;
  detail->usage_known = outcome.usage_known;
  detail->history = NULL;
  detail->history_len = 0;
  find_plain(detail);
  return 1;
}

/* An attempt that has ended meanwhile tells nothing: its model stays empty. */
static void describe_attempt(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                             lq_detail_t* detail) {
  const void* metadata = NULL;
  if (llmq_attempt_tenant(manager, attempt, &detail->tenant, &detail->tenant_len) != LLMQ_OK ||
      llmq_attempt_request_key(manager, attempt, &detail->request_key, &detail->request_key_len) !=
          LLMQ_OK ||
      llmq_attempt_metadata(manager, attempt, &metadata, &detail->metadata_len) != LLMQ_OK)
    return;
  detail->metadata = metadata;
  if (llmq_attempt_model(manager, attempt, &detail->model, &detail->model_len) != LLMQ_OK)
    detail->model_len = 0;
}

size_t lq_drain(llmq_manager_t* manager, llmq_cq_t* cq, llmq_event_t* events, lq_detail_t* details,
                size_t max) {
  events[0].stride = sizeof *events;
  const size_t n = llmq_cq_drain(cq, events, max);
  for (size_t i = 0; i < n; ++i) {
    fetch(events[i].data, events[i].data_len);
    if (events[i].type == LLMQ_EV_DONE && describe_outcome(&events[i], &details[i])) continue;
    memset(&details[i], 0, sizeof details[i]);
    details[i].data = events[i].data;
    details[i].data_len = events[i].data_len;
    if (events[i].type == LLMQ_EV_READY && manager != NULL)
      describe_attempt(manager, events[i].attempt_id, &details[i]);
  }
  return n;
}

void lq_release(llmq_event_t* events, lq_detail_t* details, size_t n) {
  llmq_events_release(events, sizeof *events, n);
  for (size_t i = 0; i < n; ++i) {
    if (details[i].response == NULL) continue;
    llmq_buf_free(details[i].history);
    llmq_response_free(details[i].response);
  }
}
