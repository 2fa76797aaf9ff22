/* llmq.h, section Submit: usage that becomes known after the end. */
#include "helpers.h"

static const char* kTokens =
    "{\"models\":[{\"name\":\"m\",\"limits\":[{\"tokens\":100,\"per\":\"1h\"}]}]}";

/* Finishes without usage: its estimate stays charged. */
static llmq_request_id_t finish_one(llmq_manager_t* manager, struct held* held, int nth,
                                    uint32_t flags, int64_t estimate, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.flags = flags;
  request.est_input_tokens = estimate;
  request.est_output_tokens = -1;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(held, nth), NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  return id;
}

static void refuses_what_it_cannot_use(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_usage_t usage = usage_of(1, 1);
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t plain = finish_one(manager, &held, 1, 0, 1, cq);
  const llmq_request_id_t late = finish_one(manager, &held, 2, LLMQ_REQUEST_LATE_USAGE, 1, cq);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(NULL, late, &usage));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(JUNK, late, &usage));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, 0, &usage));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, nth_attempt(&held, 2), &usage));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_usage_update(manager, late + 1, &usage));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_usage_update(manager, plain, &usage));
  usage.struct_size = 4;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage = usage_of(-1, 0);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage = usage_of(0, -1);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage = usage_of(0, 0);
  usage.cached_input_tokens = -1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage.cached_input_tokens = 0;
  usage.cost_micros = -1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage.cost_micros = 0;
  usage.reasoning_tokens = -1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &usage));
  usage = usage_of(1, 1);
  CHECK_OK(llmq_usage_update(manager, late, &usage));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_usage_update(manager, late, &usage));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void comes_too_early_while_the_request_lives(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  const llmq_usage_t usage = usage_of(1, 1);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_usage_update(manager, id, &usage));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void known_usage_is_not_changed(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  const llmq_usage_t usage = usage_of(1, 1);
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.cq = cq;
  request.flags = LLMQ_REQUEST_LATE_USAGE;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_usage_update(manager, id, &usage));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_smaller_usage_makes_room_where_it_was_charged(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_response_t* response = NULL;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t first = finish_one(manager, &held, 1, LLMQ_REQUEST_LATE_USAGE, 90, cq);
  CHECK_OK(llmq_response_peek(manager, first, &response));
  llmq_usage_t known = usage_of(0, 0);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_response_usage(response, &known));
  llmq_response_free(response);

  llmq_request_t request = request_to("m", "x"); /* 90 of 100 are charged for an hour: it waits */
  llmq_request_id_t second = 0;
  request.cq = cq;
  request.est_input_tokens = 50;
  request.est_output_tokens = -1;
  CHECK_OK(llmq_submit(manager, &request, &second));
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"used\":90", json);
  CHECK_HAS("\"pending\":1", json);
  llmq_buf_free(json);
  CHECK_INT(1, held_count(&held));
  const llmq_usage_t usage = usage_of(30, 5);
  CHECK_OK(llmq_usage_update(manager, first, &usage));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  expect_done(cq, second, LLMQ_OK, LLMQ_STATE_COMPLETED);

  CHECK_OK(llmq_response_peek(manager, first, &response));
  CHECK_OK(llmq_response_usage(response, &known));
  CHECK_INT(30, known.input_tokens);
  CHECK_INT(5, known.output_tokens);
  llmq_response_free(response);
  close_manager(manager);
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(30, stats.input_tokens);
  CHECK_INT(5, stats.output_tokens);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_kept_response_learns_of_it(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_response_t* response = NULL;
  llmq_usage_t known = usage_of(0, 0);
  const llmq_usage_t usage = usage_of(4, 2);
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = finish_one(manager, &held, 1, LLMQ_REQUEST_KEEP, 10, cq);
  CHECK_OK(llmq_usage_update(manager, id, &usage));
  CHECK_OK(llmq_response_get(manager, id, &response));
  CHECK_OK(llmq_response_usage(response, &known));
  CHECK_INT(4, known.input_tokens);
  CHECK_INT(2, known.output_tokens);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void is_refused_when_closed(void) {
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  struct held held;
  const llmq_usage_t usage = usage_of(4, 2);
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = finish_one(manager, &held, 1, LLMQ_REQUEST_KEEP, 10, cq);
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_usage_update(manager, id, &usage));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct updater {
  llmq_manager_t* manager;
  struct latch latch;
};

static void update_in_callback(void* user, const llmq_event_t* event) {
  struct updater* updater = user;
  const llmq_usage_t usage = usage_of(4, 2);
  CHECK_OK(llmq_usage_update(updater->manager, event->request_id, &usage));
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE,
               llmq_usage_update(updater->manager, event->request_id, &usage));
  latch_hit(&updater->latch);
}

static void works_inside_a_callback(void) {
  struct updater updater;
  struct held held;
  llmq_request_t request = request_to("m", "x");
  updater.manager = manager_of(kTokens);
  latch_init(&updater.latch);
  hold_attempts(updater.manager, "m", &held);
  request.done_fn = update_in_callback;
  request.done_user = &updater;
  request.flags = LLMQ_REQUEST_LATE_USAGE;
  CHECK_OK(llmq_submit(updater.manager, &request, NULL));
  CHECK_OK(llmq_attempt_succeed(updater.manager, nth_attempt(&held, 1), NULL, 0, NULL));
  latch_wait(&updater.latch, 1);
  CHECK_OK(llmq_manager_destroy(updater.manager));
}

static void refuses_reserved_and_later_members(void) {
  struct {
    llmq_usage_t usage;
    uint64_t later;
  } wide;
  llmq_manager_t* manager = manager_of(kTokens);
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t late = finish_one(manager, &held, 1, LLMQ_REQUEST_LATE_USAGE, 1, cq);
  const llmq_request_id_t runs = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 2);
  memset(&wide, 0, sizeof wide);
  for (int wrong = 0; wrong < 3; ++wrong) {
    wide.usage = usage_of(1, 1);
    wide.usage.struct_size = wrong == 2 ? UINT32_MAX : sizeof wide;
    wide.usage.reserved = wrong == 0;
    wide.later = wrong == 1;
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, late, &wide.usage));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
                 llmq_attempt_succeed(manager, attempt, NULL, 0, &wide.usage));
  }
  wide.usage.struct_size = sizeof wide;
  CHECK_OK(llmq_usage_update(manager, late, &wide.usage));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, &wide.usage));
  expect_done(cq, runs, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* The charge lies in its window for an hour; the history remembers one request, or none. */
static void the_charge_outlives_the_history(void) {
  const char* kSettings[] = {
      "{\"history_max\":1,\"models\":[{\"name\":\"other\"},{\"name\":\"m\",\"limits\":"
      "[{\"tokens\":100,\"per\":\"1h\"}]}]}",
      "{\"history_max\":0,\"models\":[{\"name\":\"other\"},{\"name\":\"m\",\"limits\":"
      "[{\"tokens\":100,\"per\":\"1h\"}]}]}"};
  for (int i = 0; i < 2; ++i) {
    llmq_manager_t* manager = manager_of(kSettings[i]);
    llmq_cq_t* cq = new_cq();
    struct held held;
    int32_t state = 0;
    char* json = NULL;
    const llmq_usage_t usage = usage_of(3, 2);
    hold_attempts(manager, "m", &held);
    const llmq_request_id_t late = finish_one(manager, &held, 1, LLMQ_REQUEST_LATE_USAGE, 40, cq);
    finish_one(manager, &held, 2, 0, 1, cq);
    CHECK_STATUS(LLMQ_ERR_STALE, llmq_request_state(manager, late, &state));
    CHECK_OK(llmq_usage_update(manager, late, &usage));
    CHECK_STATUS(LLMQ_ERR_STALE, llmq_usage_update(manager, late, &usage));
    CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
    CHECK_HAS("\"used\":6", json);
    llmq_buf_free(json);
    CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL)); /* a turn later */
    llmq_buf_free(json);
    llmq_stats_t stats;
    stats.struct_size = sizeof stats;
    CHECK_OK(llmq_stats(manager, "m", 1, &stats));
    CHECK_INT(3, stats.input_tokens);
    CHECK_OK(llmq_manager_destroy(manager));
    llmq_cq_unref(cq);
  }
}

static void a_request_whose_event_nobody_drained_has_finished_all_the_same(void) {
  llmq_manager_t* manager = manager_of(
      "{\"history_max\":0,\"models\":[{\"name\":\"m\",\"limits\":"
      "[{\"tokens\":100,\"per\":\"1h\"}]}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  const llmq_usage_t usage = usage_of(3, 2);
  hold_attempts(manager, "m", &held);
  request.cq = cq;
  request.flags = LLMQ_REQUEST_LATE_USAGE;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), NULL, 0, NULL));
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_OK(llmq_usage_update(manager, id, &usage));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(refuses_what_it_cannot_use);
  RUN(comes_too_early_while_the_request_lives);
  RUN(known_usage_is_not_changed);
  RUN(a_smaller_usage_makes_room_where_it_was_charged);
  RUN(a_kept_response_learns_of_it);
  RUN(is_refused_when_closed);
  RUN(works_inside_a_callback);
  RUN(refuses_reserved_and_later_members);
  RUN(the_charge_outlives_the_history);
  RUN(a_request_whose_event_nobody_drained_has_finished_all_the_same);
  return 0;
}
