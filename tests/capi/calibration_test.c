/* llmq.h, section Run: estimates that learn from the usage of answers. */
#include "helpers.h"

#define ANSWERS 24

static llmq_usage_t estimate_of(llmq_manager_t* manager, const llmq_request_t* request) {
  llmq_usage_t usage = usage_of(0, 0);
  CHECK_OK(llmq_request_estimate(manager, request, &usage, NULL));
  return usage;
}

static void check_stats(llmq_manager_t* manager, const char* expected) {
  char* json = NULL;
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS(expected, json);
  llmq_buf_free(json);
}

/* Answers to texts of 40, 80, 120, ... bytes: a token for every two bytes and 30 for each text, and
 * 7 tokens of output. */
static void teach(llmq_manager_t* manager, struct held* held, llmq_cq_t* cq) {
  char text[40 * ANSWERS + 1] = {0};
  memset(text, 'x', sizeof text - 1);
  for (int n = 1; n <= ANSWERS; ++n) {
    const llmq_usage_t usage = usage_of(20 * n + 30, 7);
    llmq_request_t request = request_to("m", text);
    request.payload_len = (size_t)(40 * n);
    request.cq = cq;
    CHECK_OK(llmq_submit(manager, &request, NULL));
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(held, n), NULL, 0, &usage));
    llmq_event_t event = next_event(cq);
    CHECK_OK(event.status);
    llmq_events_release(&event, sizeof event, 1);
  }
}

static void estimates_follow_what_answers_used(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"est_output_tokens\":500}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  char text[601] = {0};
  memset(text, 'x', sizeof text - 1);
  llmq_request_t request = request_to("m", text);
  request.payload_len = sizeof text - 1;
  hold_attempts(manager, "m", &held);
  CHECK_INT(150, estimate_of(manager, &request).input_tokens);
  CHECK_INT(500, estimate_of(manager, &request).output_tokens);
  teach(manager, &held, cq);
  const int64_t input = estimate_of(manager, &request).input_tokens;
  CHECK(input >= 310 && input <= 350); /* 330 */
  CHECK_INT(7, estimate_of(manager, &request).output_tokens);
  request.priority = LLMQ_PRIORITY_BATCH; /* of which nothing is known */
  CHECK_INT(500, estimate_of(manager, &request).output_tokens);
  request.est_input_tokens = 9;
  request.est_output_tokens = 8;
  CHECK_INT(9, estimate_of(manager, &request).input_tokens);
  CHECK_INT(8, estimate_of(manager, &request).output_tokens);
  check_stats(manager, "\"estimates\":{\"input\":{\"answers\":24,\"per_byte\":0.");
  check_stats(manager, "\"output\":{\"p95\":{\"normal\":7},\"judged\":4,\"over_p95\":0}");
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_is_charged_on_arrival_stays_what_the_provider_counts(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"est_output_tokens\":500,\"limits\":\"tokens=100000/1h,charge="
      "arrival\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  char text[601] = {0};
  char* json = NULL;
  memset(text, 'x', sizeof text - 1);
  llmq_request_t request = request_to("m", text);
  request.payload_len = sizeof text - 1;
  request.cq = cq;
  hold_attempts(manager, "m", &held);
  teach(manager, &held, cq);
  CHECK(estimate_of(manager, &request).input_tokens >= 310);
  CHECK_INT(500, estimate_of(manager, &request).output_tokens);
  /* 24 texts of 40 to 960 bytes, a token for every four, and 500 each; then this one. */
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"used\":15000", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_submit(manager, &request, NULL));
  const llmq_attempt_id_t attempt = nth_attempt(&held, ANSWERS + 1);
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"used\":15650", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(estimates_follow_what_answers_used);
  RUN(what_is_charged_on_arrival_stays_what_the_provider_counts);
  return 0;
}
