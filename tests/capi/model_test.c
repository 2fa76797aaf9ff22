/* llmq.h, section Manager: models are registered, listed, explained and removed. */
#include "helpers.h"

static void expect_models(llmq_manager_t* manager, const char* expected) {
  char* json = NULL;
  CHECK_OK(llmq_manager_models_json(manager, &json, NULL));
  CHECK_TEXT(expected, json);
  llmq_buf_free(json);
}

static void registers_one_or_many(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"z\"},{\"name\":\"a\"}]}");
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  expect_models(manager, "[\"m\",\"z\",\"a\"]");
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_known_model_fails_all_or_is_skipped(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"new\"},{\"name\":\"m\"}]}");
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_MODEL_EXISTS, llmq_manager_register_models(manager, conf, 0, &err));
  CHECK_TEXT("model.m", llmq_error_key(err));
  llmq_error_free(err);
  expect_models(manager, "[\"m\"]");
  CHECK_OK(llmq_manager_register_models(manager, conf, LLMQ_REGISTER_SKIP_EXISTING, NULL));
  expect_models(manager, "[\"m\",\"new\"]");
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void register_refuses_bad_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"new\"}]}");
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_register_models(NULL, conf, 0, &err));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_error_code(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_register_models(JUNK, conf, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_register_models(manager, NULL, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_register_models(manager, JUNK, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_register_models(manager, conf, 2, NULL));
  CHECK_OK(llmq_conf_set(conf, "model.new.retry.base_ms", "9", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.new.retry.cap_ms", "1", NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_register_models(manager, conf, 0, NULL));
  expect_models(manager, "[\"m\"]");
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void register_is_refused_when_closing_and_closed(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"new\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 5));
  CHECK_STATUS(LLMQ_ERR_CLOSING, llmq_manager_register_models(manager, conf, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_CLOSING,
               llmq_model_set_processor(manager, "m", 1, echo, NULL, manager, NULL));
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  llmq_event_t event = next_event(cq);
  llmq_events_release(&event, sizeof event, 1);
  expect_closed(cq, 5);
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_register_models(manager, conf, 0, &err));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_error_code(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_CLOSED,
               llmq_model_set_processor(manager, "m", 1, echo, NULL, manager, NULL));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_DRAIN));
  char* json = NULL;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  CHECK(json == NULL);
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void remove_refuses_bad_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_remove_model(NULL, "m", 1, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_remove_model(JUNK, "m", 1, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_remove_model(manager, NULL, 0, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_remove_model(manager, "m", 1, -1));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_remove_model(manager, "m", 1, 3));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_manager_remove_model(manager, "n", 1, 0));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_manager_remove_model(manager, "", 0, 0));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_manager_remove_model(manager, "mm", 2, 0));
  expect_models(manager, "[\"m\"]");
  CHECK_OK(llmq_manager_destroy(manager));
}

/* One request runs, one waits behind it; then the model goes. */
static void remove_with(int32_t mode) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"concurrency\":1}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t runs = submit_to_cq(manager, "m", "runs", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_request_id_t waits = submit_to_cq(manager, "m", "waits", cq);
  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, mode));

  expect_models(manager, "[]");
  llmq_request_t request = request_to("m", "late");
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_manager_remove_model(manager, "m", 1, mode));
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_stats(manager, "m", 1, &stats));

  if (mode != LLMQ_SHUTDOWN_DRAIN) {
    expect_done(cq, waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  }
  if (mode == LLMQ_SHUTDOWN_ABORT) {
    expect_done(cq, runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
    CHECK(nth_cancelled(&held, 1) == attempt);
    CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  } else {
    CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
    expect_done(cq, runs, LLMQ_OK, LLMQ_STATE_COMPLETED);
  }
  if (mode == LLMQ_SHUTDOWN_DRAIN) {
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
    expect_done(cq, waits, LLMQ_OK, LLMQ_STATE_COMPLETED);
  }

  /* The name is free again. */
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  llmq_conf_free(conf);
  echo_attempts(manager, "m");
  expect_done(cq, submit_to_cq(manager, "m", "again", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_INT(1, calls_of(&held.freed));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&held.freed));
  llmq_cq_unref(cq);
}

static void remove_drains(void) { remove_with(LLMQ_SHUTDOWN_DRAIN); }
static void remove_cancels(void) { remove_with(LLMQ_SHUTDOWN_CANCEL); }
static void remove_aborts(void) { remove_with(LLMQ_SHUTDOWN_ABORT); }

static void a_name_may_serve_again_while_the_old_model_drains(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t old = submit_to_cq(manager, "m", "old", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_DRAIN));
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  llmq_conf_free(conf);
  echo_attempts(manager, "m");
  expect_done(cq, submit_to_cq(manager, "m", "new", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  expect_done(cq, old, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void info_explains_limits_and_what_blocks(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":1},{\"requests\":9,\"per\":\"1m\"}"
      "]},"
      "{\"name\":\"n\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  char* json = NULL;
  size_t len = 0;
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "runs", cq);
  submit_to_cq(manager, "m", "waits", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, &len));
  CHECK_INT(strlen(json), len);
  CHECK_HAS("\"model\":\"m\"", json);
  CHECK_HAS("\"pending\":1", json);
  CHECK_HAS("\"processing\":1", json);
  CHECK_HAS("\"blocked_by\":\"concurrency", json);
  CHECK_HAS("\"available\"", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  CHECK_HAS("\"model\":\"m\"", json);
  CHECK_HAS("\"model\":\"n\"", json);
  llmq_buf_free(json);
  json = NULL;
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_manager_info_json(manager, "x", 1, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_info_json(manager, "m", 1, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_info_json(NULL, "m", 1, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_info_json(JUNK, "m", 1, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_models_json(manager, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_models_json(NULL, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_models_json(JUNK, &json, NULL));
  CHECK(json == NULL);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, NULL, 0, NULL));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct inline_info {
  llmq_manager_t* manager;
  struct latch latch;
};

static void ask_in_callback(void* user, const llmq_event_t* event) {
  struct inline_info* info = user;
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(info->manager, "m", 1, &json, NULL));
  CHECK_HAS("\"processing\":1", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_attempt_succeed(info->manager, event->attempt_id, NULL, 0, NULL));
  latch_hit(&info->latch);
}

static void info_works_inside_a_callback(void) {
  struct inline_info info;
  info.manager = plain_manager();
  latch_init(&info.latch);
  CHECK_OK(llmq_model_set_processor(info.manager, "m", 1, ask_in_callback, NULL, &info, NULL));
  llmq_cq_t* cq = new_cq();
  submit_to_cq(info.manager, "m", "x", cq);
  latch_wait(&info.latch, 1);
  CHECK_OK(llmq_manager_destroy(info.manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(registers_one_or_many);
  RUN(a_known_model_fails_all_or_is_skipped);
  RUN(register_refuses_bad_arguments);
  RUN(register_is_refused_when_closing_and_closed);
  RUN(remove_refuses_bad_arguments);
  RUN(remove_drains);
  RUN(remove_cancels);
  RUN(remove_aborts);
  RUN(a_name_may_serve_again_while_the_old_model_drains);
  RUN(info_explains_limits_and_what_blocks);
  RUN(info_works_inside_a_callback);
  return 0;
}
