/* Requests that share a call: what their tests have in common. */
#ifndef LLMQ_TESTS_CAPI_FLIGHT_H_
#define LLMQ_TESTS_CAPI_FLIGHT_H_

#include "helpers.h"

static inline llmq_request_t keyed(const char* key, const char* payload, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", payload);
  request.dedup_key = key;
  request.dedup_key_len = strlen(key);
  request.cq = cq;
  return request;
}

static inline llmq_request_id_t submit(llmq_manager_t* manager, const llmq_request_t* request) {
  llmq_request_id_t id = 0;
  CHECK_OK(llmq_submit(manager, request, &id));
  return id;
}

/* Whatever was posted before has been seen by the loop. */
static inline void settle(llmq_manager_t* manager) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
}

static inline void expect_stats(llmq_manager_t* manager, const char* part) {
  char* json = NULL;
  settle(manager);
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS(part, json);
  llmq_buf_free(json);
}

static inline void succeed(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char* text) {
  const llmq_usage_t usage = usage_of(7, 3);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, text, strlen(text), &usage));
}

/* Who runs an attempt that has ended for llmq still says so: only then its record goes. */
static inline void let_go(llmq_manager_t* manager, llmq_attempt_id_t attempt) {
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
}

#endif /* LLMQ_TESTS_CAPI_FLIGHT_H_ */
