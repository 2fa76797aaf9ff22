/* llmq.h, section Manager: creation, references, destruction. Models: model_test.c; shutdown:
 * shutdown_test.c. */
#include "helpers.h"

static void create_refuses_bad_arguments(void) {
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_create(NULL, NULL, &err));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_error_code(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_create(JUNK, &manager, NULL));
  CHECK(manager == NULL);
}

static void create_reports_settings_that_contradict_each_other(void) {
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"good\"},{\"name\":\"bad\",\"retry\":{\"base_ms\":9,\"cap_ms\":1}}]"
      "}");
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, &err));
  CHECK_HAS("model.bad.retry", llmq_error_key(err));
  CHECK(manager == NULL);
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void no_configuration_means_no_models(void) {
  llmq_manager_t* manager = NULL;
  char* json = NULL;
  CHECK_OK(llmq_manager_create(NULL, &manager, NULL));
  CHECK_OK(llmq_manager_models_json(manager, &json, NULL));
  CHECK_TEXT("[]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_manager_does_not_need_its_configuration_any_more(void) {
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  CHECK_OK(llmq_conf_set(conf, "model.other.rpm", "1", NULL));
  llmq_conf_free(conf);
  char* json = NULL;
  size_t len = 0;
  CHECK_OK(llmq_manager_models_json(manager, &json, &len));
  CHECK_TEXT("[\"m\"]", json);
  CHECK_INT(strlen(json), len);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void references_of_nothing(void) {
  CHECK(llmq_manager_ref(NULL) == NULL);
  CHECK(llmq_manager_ref(JUNK) == NULL);
  llmq_manager_unref(NULL);
  llmq_manager_unref(JUNK);
  CHECK_OK(llmq_manager_destroy(NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_destroy(JUNK));
}

static void a_wrong_kind_of_handle_is_refused(void) {
  llmq_cq_t* cq = new_cq();
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK(llmq_manager_ref((llmq_manager_t*)cq) == NULL);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_destroy((llmq_manager_t*)conf));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_validate((llmq_conf_t*)cq, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_wait((llmq_cq_t*)conf, 0));
  llmq_cq_unref((llmq_cq_t*)conf);
  llmq_conf_free((llmq_conf_t*)cq);
  llmq_conf_free(conf);
  llmq_cq_unref(cq);
}

static void a_destroyed_manager_answers_closed_to_its_other_owners(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  CHECK(llmq_manager_ref(manager) == manager);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_manager_destroy(manager));
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  llmq_request_t request = request_to("m", "x");
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_cancel(manager, id));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 0));
  int32_t state = 0;
  CHECK_OK(llmq_request_state(manager, id, &state)); /* what is history stays readable */
  CHECK_INT(LLMQ_STATE_CANCELLED, state);
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void the_last_unref_aborts_in_the_background(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t a = submit_to_cq(manager, "m", "a", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  CHECK(llmq_manager_ref(manager) == manager);
  llmq_manager_unref(manager);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, "r", 1, NULL)); /* there was one more */
  expect_done(cq, a, LLMQ_OK, LLMQ_STATE_COMPLETED);

  CHECK_OK(llmq_model_set_processor(manager, "m", 1, echo, NULL, manager, NULL));
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"waits\"}]}");
  CHECK_OK(llmq_manager_register_models(manager, conf, 0, NULL));
  llmq_conf_free(conf);
  const llmq_request_id_t b = submit_to_cq(manager, "waits", "b", cq);
  llmq_manager_unref(manager);
  expect_done(cq, b, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  llmq_cq_unref(cq);
}

struct from_callback {
  llmq_manager_t* manager;
  struct latch latch;
  llmq_status_t destroy;
  llmq_status_t wait;
  llmq_status_t submit_wait;
  llmq_cq_t* cq;
};

static void block_in_callback(void* user, const llmq_event_t* event) {
  struct from_callback* call = user;
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  CHECK_INT(LLMQ_EV_DONE, event->type);
  call->destroy = llmq_manager_destroy(call->manager);
  call->wait = llmq_cq_wait(call->cq, 0);
  call->submit_wait = llmq_submit_wait(call->manager, &request, 0, &response);
  latch_hit(&call->latch);
}

static void calls_that_block_are_refused_in_a_callback(void) {
  llmq_manager_t* manager = plain_manager();
  struct from_callback call;
  memset(&call, 0, sizeof call);
  latch_init(&call.latch);
  call.manager = manager;
  call.cq = new_cq();
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "x");
  request.done_fn = block_in_callback;
  request.done_user = &call;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  latch_wait(&call.latch, 1);
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, call.destroy);
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, call.wait);
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, call.submit_wait);
  submit_to_cq(manager, "m", "still works", call.cq);
  const llmq_event_t event = next_event(call.cq);
  CHECK_OK(event.status);
  llmq_events_release((llmq_event_t*)&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(call.cq);
}

static void two_managers_at_once(void) {
  llmq_manager_t* a = plain_manager();
  llmq_manager_t* b = manager_of("{\"models\":[{\"name\":\"n\"}]}");
  llmq_cq_t* cq = new_cq();
  echo_attempts(a, "m");
  echo_attempts(b, "n");
  llmq_request_t request = request_to("n", "x");
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_submit(a, &request, NULL));
  const llmq_request_id_t in_b = submit_to_cq(b, "n", "b", cq);
  expect_done(cq, in_b, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(b));
  const llmq_request_id_t in_a = submit_to_cq(a, "m", "a", cq);
  expect_done(cq, in_a, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(a));
  llmq_cq_unref(cq);
}

static void a_queue_and_its_events_outlive_the_manager(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  submit_to_cq(manager, "m", "payload", cq);
  llmq_event_t first = next_event(cq);
  submit_to_cq(manager, "m", "left", cq);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(7, first.data_len);
  CHECK_INT(0, memcmp(first.data, "payload", 7));
  llmq_event_t second = next_event(cq);
  CHECK_INT(0, memcmp(second.data, "left", 4));
  llmq_cq_unref(cq);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&second, &response));
  llmq_events_release(&first, sizeof first, 1);
  CHECK_INT(0, memcmp(llmq_response_data(response, NULL), "left", 5));
  llmq_response_free(response);
}

struct other_manager {
  llmq_manager_t* other;
  llmq_request_id_t finished;
  struct latch latch;
};

static void block_on_another_manager(void* user, const llmq_event_t* event) {
  struct other_manager* call = user;
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  const llmq_usage_t usage = usage_of(1, 1);
  char* json = NULL;
  const llmq_status_t kWrong = LLMQ_ERR_WRONG_THREAD;
  CHECK_OK(event->status);
  CHECK_STATUS(kWrong, llmq_submit_wait(call->other, &request, -1, &response));
  CHECK_STATUS(kWrong, llmq_manager_info_json(call->other, NULL, 0, &json, NULL));
  CHECK_STATUS(kWrong, llmq_usage_update(call->other, call->finished, &usage));
  CHECK_STATUS(kWrong, llmq_manager_destroy(call->other));
  CHECK(json == NULL && response == NULL);
  request.flags = LLMQ_REQUEST_KEEP; /* what does not block, works */
  CHECK_OK(llmq_submit(call->other, &request, NULL));
  latch_hit(&call->latch);
}

/* Two loops that wait for each other would wait for ever. */
static void a_callback_may_not_block_on_another_manager_either(void) {
  llmq_manager_t* manager = plain_manager();
  struct other_manager call;
  llmq_cq_t* cq = new_cq();
  latch_init(&call.latch);
  call.other = plain_manager();
  echo_attempts(call.other, "m");
  call.finished = submit_to_cq(call.other, "m", "x", cq);
  expect_done(cq, call.finished, LLMQ_OK, LLMQ_STATE_COMPLETED);
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "x");
  request.done_fn = block_on_another_manager;
  request.done_user = &call;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  latch_wait(&call.latch, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_OK(llmq_manager_destroy(call.other));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(create_refuses_bad_arguments);
  RUN(create_reports_settings_that_contradict_each_other);
  RUN(no_configuration_means_no_models);
  RUN(a_manager_does_not_need_its_configuration_any_more);
  RUN(references_of_nothing);
  RUN(a_wrong_kind_of_handle_is_refused);
  RUN(a_destroyed_manager_answers_closed_to_its_other_owners);
  RUN(the_last_unref_aborts_in_the_background);
  RUN(calls_that_block_are_refused_in_a_callback);
  RUN(two_managers_at_once);
  RUN(a_queue_and_its_events_outlive_the_manager);
  RUN(a_callback_may_not_block_on_another_manager_either);
  return 0;
}
