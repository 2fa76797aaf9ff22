/* llmq.h, section Run: what a caller's own SDK saw of the limits. */
#include "helpers.h"

static const char* const kNames[] = {"content-type", "x-ratelimit-limit-requests",
                                     "x-ratelimit-remaining-requests"};
static const char* const kValues[] = {"application/json", "60", "59"};

static llmq_status_t report(llmq_manager_t* manager, const char* model, size_t count) {
  return llmq_report_limits(manager, model, strlen(model), kNames, NULL, kValues, NULL, count);
}

static void takes_all_headers(void) {
  llmq_manager_t* manager = plain_manager();
  static const char* const kOdd[] = {"", "x-ratelimit-limit-requests", "x-ratelimit-reset-tokens"};
  static const char* const kNonsense[] = {"", "99999999999999999999", "-5 fortnights"};
  CHECK_OK(report(manager, "m", 3));
  CHECK_OK(report(manager, "m", 1)); /* nothing of limits */
  CHECK_OK(llmq_report_limits(manager, "m", 1, kOdd, NULL, kNonsense, NULL, 3));
  CHECK_OK(llmq_report_limits(manager, "m", 1, NULL, NULL, NULL, NULL, 0));
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Texts with lengths need not end with NUL: what lies behind them is not read. */
static void takes_lengths(void) {
  llmq_manager_t* manager = plain_manager();
  char* name = malloc(26);
  char* value = malloc(2);
  const size_t name_len = 26;
  const size_t value_len = 2;
  CHECK(name != NULL && value != NULL);
  memcpy(name, "x-ratelimit-limit-requests", 26);
  memcpy(value, "60", 2);
  CHECK_OK(llmq_report_limits(manager, "m", 1, (const char* const*)&name, &name_len,
                              (const char* const*)&value, &value_len, 1));
  free(name);
  free(value);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void refuses_what_it_cannot_use(void) {
  llmq_manager_t* manager = plain_manager();
  static const char* const kHole[] = {"x-ratelimit-limit-requests", NULL, "x"};
  const llmq_status_t kInvalid = LLMQ_ERR_INVALID_ARG;
  CHECK_STATUS(kInvalid, report(NULL, "m", 3));
  CHECK_STATUS(kInvalid, report(JUNK, "m", 3));
  CHECK_STATUS(kInvalid, llmq_report_limits(manager, NULL, 1, kNames, NULL, kValues, NULL, 3));
  CHECK_STATUS(kInvalid, llmq_report_limits(manager, "m", 1, NULL, NULL, kValues, NULL, 3));
  CHECK_STATUS(kInvalid, llmq_report_limits(manager, "m", 1, kNames, NULL, NULL, NULL, 3));
  CHECK_STATUS(kInvalid, llmq_report_limits(manager, "m", 1, kHole, NULL, kValues, NULL, 3));
  CHECK_STATUS(kInvalid, llmq_report_limits(manager, "m", 1, kNames, NULL, kHole, NULL, 3));
  CHECK_STATUS(kInvalid, report(manager, "m", 4097));
  CHECK_STATUS(kInvalid, report(manager, "m", (size_t)-1));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, report(manager, "n", 3));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, report(manager, "n", 0));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, report(manager, "", 3));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void is_refused_when_the_model_or_the_manager_is_gone(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_event_t event;
  memset(&event, 0, sizeof event);
  event.stride = sizeof event;
  CHECK(llmq_manager_ref(manager) == manager);
  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_ABORT));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, report(manager, "m", 3));
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, cq, 0));
  const llmq_status_t status = report(manager, "m", 3);
  CHECK(status == LLMQ_ERR_CLOSING || status == LLMQ_ERR_CLOSED);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_STATUS(LLMQ_ERR_CLOSED, report(manager, "m", 3));
  llmq_manager_unref(manager);
  llmq_cq_unref(cq);
}

struct inside {
  llmq_manager_t* manager;
  llmq_status_t told;
};

static void report_inside(void* user, const llmq_event_t* event) {
  struct inside* inside = user;
  inside->told = report(inside->manager, "m", 3);
  CHECK_OK(llmq_attempt_succeed(inside->manager, event->attempt_id, NULL, 0, NULL));
}

static void works_inside_a_callback(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct inside inside = {manager, LLMQ_ERR_UNKNOWN};
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, report_inside, NULL, &inside, NULL));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(inside.told);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(takes_all_headers);
  RUN(takes_lengths);
  RUN(refuses_what_it_cannot_use);
  RUN(is_refused_when_the_model_or_the_manager_is_gone);
  RUN(works_inside_a_callback);
  return 0;
}
