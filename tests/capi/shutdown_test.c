/* llmq.h, section Manager: shutdown. Each accepted request has one terminal event, and
 * LLMQ_EV_CLOSED is last. */
#include "helpers.h"

/* One request runs, one waits behind it. */
struct scene {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct held held;
  llmq_request_id_t runs;
  llmq_request_id_t waits;
  llmq_attempt_id_t attempt;
};

static void scene_init(struct scene* scene) {
  scene->manager = manager_of("{\"models\":[{\"name\":\"m\",\"concurrency\":1}]}");
  scene->cq = new_cq();
  hold_attempts(scene->manager, "m", &scene->held);
  scene->runs = submit_to_cq(scene->manager, "m", "runs", scene->cq);
  scene->attempt = nth_attempt(&scene->held, 1);
  scene->waits = submit_to_cq(scene->manager, "m", "waits", scene->cq);
}

static void scene_end(struct scene* scene) {
  check_no_event(scene->cq);
  CHECK_STATUS(LLMQ_ERR_CLOSED,
               llmq_manager_shutdown(scene->manager, LLMQ_SHUTDOWN_ABORT, 0, scene->cq, 0));
  llmq_request_t request = request_to("m", "late");
  request.cq = scene->cq;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_submit(scene->manager, &request, NULL));
  CHECK_INT(1, calls_of(&scene->held.freed));
  CHECK_OK(llmq_manager_destroy(scene->manager));
  check_no_event(scene->cq);
  llmq_cq_unref(scene->cq);
}

static void expect_closing(struct scene* scene) {
  llmq_request_t request = request_to("m", "late");
  request.cq = scene->cq;
  CHECK_STATUS(LLMQ_ERR_CLOSING, llmq_submit(scene->manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_CLOSING, llmq_request_check(scene->manager, &request, NULL));
}

static void refuses_bad_arguments(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(NULL, 0, 0, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(JUNK, 0, 0, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(scene.manager, -1, 0, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(scene.manager, 3, 0, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(scene.manager, 0, -2, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shutdown(scene.manager, 0, 0, JUNK, 0));
  llmq_request_t request = request_to("m", "x"); /* none of that began a shutdown */
  request.cq = scene.cq;
  CHECK_OK(llmq_request_check(scene.manager, &request, NULL));
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_ABORT, 0, scene.cq, 1));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  CHECK_STATUS(LLMQ_ERR_STALE,
               llmq_attempt_fail(scene.manager, scene.attempt, LLMQ_ERR_CANCELLED, NULL, 0, 0));
  expect_closed(scene.cq, 1);
  scene_end(&scene);
}

static void drain_runs_everything(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, -1, scene.cq, 42));
  expect_closing(&scene);
  CHECK_OK(llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  expect_done(scene.cq, scene.runs, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_attempt_succeed(scene.manager, nth_attempt(&scene.held, 2), NULL, 0, NULL));
  expect_done(scene.cq, scene.waits, LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_closed(scene.cq, 42);
  scene_end(&scene);
}

static void cancel_ends_what_waits_and_lets_the_rest_run(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_CANCEL, 0, scene.cq, 43));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closing(&scene);
  check_no_event(scene.cq);
  CHECK_OK(llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  expect_done(scene.cq, scene.runs, LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_closed(scene.cq, 43);
  scene_end(&scene);
}

static void cancel_does_not_retry(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_CANCEL, 0, scene.cq, 43));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_attempt_fail(scene.manager, scene.attempt, LLMQ_ERR_SERVER, NULL, 0, 0));
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 43);
  scene_end(&scene);
}

static void abort_ends_everything(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_ABORT, 0, scene.cq, 44));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 44);
  CHECK(nth_cancelled(&scene.held, 1) == scene.attempt);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

static void a_deadline_turns_drain_into_abort(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, llmq_now_ns() + 5 * MS,
                                 scene.cq, 45));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 45);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

static void a_second_call_may_sharpen_the_mode(void) {
  struct scene scene;
  scene_init(&scene);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, 0, scene.cq, 1));
  check_no_event(scene.cq);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_CANCEL, 0, NULL, 0));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, 0, NULL, 0)); /* no way back */
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_ABORT, 0, NULL, 0));
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 1);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

static void a_second_call_may_not_put_the_deadline_off(void) {
  struct scene scene;
  scene_init(&scene);
  const int64_t soon = llmq_now_ns() + 50 * MS;
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, soon, scene.cq, 1));
  CHECK_OK(
      llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, soon + 10 * PATIENCE, NULL, 0));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 1);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

static void a_second_call_may_bring_the_deadline_forward(void) {
  struct scene scene;
  scene_init(&scene);
  const int64_t late = llmq_now_ns() + 10 * PATIENCE;
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, late, scene.cq, 1));
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, 1, NULL, 0));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 1);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

static void each_call_with_a_queue_has_its_closed_event(void) {
  struct scene scene;
  scene_init(&scene);
  llmq_cq_t* other = new_cq();
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, 0, scene.cq, 1));
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_ABORT, 0, other, 2));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 1);
  expect_closed(other, 2);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  llmq_cq_unref(other);
  scene_end(&scene);
}

struct in_callback {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
};

static void shut_down_in_callback(void* user, const llmq_event_t* event) {
  struct in_callback* call = user;
  llmq_request_t request = request_to("m", "x");
  request.cq = call->cq;
  CHECK_INT(LLMQ_EV_DONE, event->type);
  CHECK_OK(llmq_manager_shutdown(call->manager, LLMQ_SHUTDOWN_DRAIN, 0, call->cq, 9));
  CHECK_STATUS(LLMQ_ERR_CLOSING, llmq_submit(call->manager, &request, NULL));
}

static void shutdown_works_inside_a_callback(void) {
  struct in_callback call;
  call.manager = plain_manager();
  call.cq = new_cq();
  echo_attempts(call.manager, "m");
  llmq_request_t request = request_to("m", "x");
  request.done_fn = shut_down_in_callback;
  request.done_user = &call;
  CHECK_OK(llmq_submit(call.manager, &request, NULL));
  expect_closed(call.cq, 9);
  CHECK_OK(llmq_manager_destroy(call.manager));
  llmq_cq_unref(call.cq);
}

static void an_idle_manager_closes_at_once(void) {
  llmq_manager_t* manager = NULL;
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_manager_create(NULL, &manager, NULL));
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 7));
  expect_closed(cq, 7);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_queue_may_go_before_its_closed_event(void) {
  struct scene scene;
  scene_init(&scene);
  llmq_cq_t* other = new_cq();
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_DRAIN, 0, other, 2));
  llmq_cq_unref(other);
  CHECK_OK(llmq_manager_shutdown(scene.manager, LLMQ_SHUTDOWN_ABORT, 0, scene.cq, 3));
  expect_done(scene.cq, scene.waits, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_done(scene.cq, scene.runs, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  expect_closed(scene.cq, 3);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_succeed(scene.manager, scene.attempt, NULL, 0, NULL));
  scene_end(&scene);
}

int main(void) {
  RUN(refuses_bad_arguments);
  RUN(drain_runs_everything);
  RUN(cancel_ends_what_waits_and_lets_the_rest_run);
  RUN(cancel_does_not_retry);
  RUN(abort_ends_everything);
  RUN(a_deadline_turns_drain_into_abort);
  RUN(a_second_call_may_sharpen_the_mode);
  RUN(a_second_call_may_not_put_the_deadline_off);
  RUN(a_second_call_may_bring_the_deadline_forward);
  RUN(each_call_with_a_queue_has_its_closed_event);
  RUN(shutdown_works_inside_a_callback);
  RUN(an_idle_manager_closes_at_once);
  RUN(the_queue_may_go_before_its_closed_event);
  return 0;
}
