/* llmq.h, section Run: permits, with which the caller makes its calls itself. */
#include "helpers.h"

static llmq_request_t permit_request(llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", "");
  request.payload = NULL;
  request.cq = cq;
  request.est_input_tokens = 100;
  request.est_output_tokens = -1;
  return request;
}

static llmq_request_id_t acquire(llmq_manager_t* manager, llmq_cq_t* cq) {
  const llmq_request_t request = permit_request(cq);
  llmq_request_id_t id = 0;
  CHECK_OK(llmq_acquire(manager, &request, &id));
  CHECK(id != 0);
  return id;
}

/* The next event is a permit of this request; it is released. */
static llmq_attempt_id_t expect_permit(llmq_cq_t* cq, llmq_request_id_t id) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_PERMIT, event.type);
  CHECK(event.request_id == id);
  CHECK_INT(1, event.attempt);
  CHECK_OK(event.status);
  const llmq_attempt_id_t attempt = event.attempt_id;
  CHECK(attempt != 0);
  llmq_events_release(&event, sizeof event, 1);
  return attempt;
}

static void expect_used(llmq_manager_t* manager, const char* used) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS(used, json);
  llmq_buf_free(json);
}

/* One permit at a time, and few tokens. */
static llmq_manager_t* narrow_manager(void) {
  return manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"concurrency\":1},"
      "{\"tokens\":1000,\"per\":\"1h\"}]}]}");
}

static llmq_stats_t stats_of(llmq_manager_t* manager) {
  llmq_stats_t stats;
  char* json = NULL; /* a round trip: what has happened is counted after it */
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  return stats;
}

static void calls_refuse(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = permit_request(cq);
  llmq_attempt_id_t permit = 1;
  llmq_usage_t usage = usage_of(-1, 0);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(NULL, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(JUNK, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_try_acquire(manager, &request, &permit, NULL));
  CHECK_INT(0, permit);
  request.flags = LLMQ_REQUEST_KEEP;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, &request, NULL));
  request.flags = LLMQ_REQUEST_STREAM;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, &request, NULL));
  request.flags = 0;
  request.dedup_key = "x";
  request.dedup_key_len = 1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, &request, NULL));
  request = permit_request(cq);
  request.model = "x";
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_acquire(manager, &request, NULL));
  request = permit_request(NULL);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_try_acquire(NULL, &request, &permit, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_try_acquire(manager, NULL, &permit, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_try_acquire(manager, &request, NULL, NULL));
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_permit_release(NULL, permit, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_permit_release(manager, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_permit_release(manager, permit, &usage));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_attempt_chunk(manager, permit, "x", 1));
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, permit, NULL));
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_try_acquire(manager, &request, &permit, NULL));
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_acquire(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_permit_waits_for_the_one_before(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_usage_t usage = usage_of(30, 10);
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_request_id_t second = acquire(manager, cq);
  const llmq_attempt_id_t one = expect_permit(cq, first);
  int32_t state = 0;
  expect_used(manager, "\"used\":100");
  check_no_event(cq);
  CHECK_OK(llmq_request_state(manager, first, &state));
  CHECK_INT(LLMQ_STATE_PROCESSING, state);
  CHECK_OK(llmq_attempt_heartbeat(manager, one));
  CHECK_OK(llmq_permit_release(manager, one, &usage));
  const llmq_attempt_id_t two = expect_permit(cq, second);
  expect_used(manager, "\"used\":140"); /* 40 that were used, 100 that may be */
  CHECK_OK(llmq_permit_release(manager, two, NULL));
  const llmq_stats_t stats = stats_of(manager);
  CHECK_INT(2, stats.submitted);
  CHECK_INT(2, stats.completed);
  CHECK_INT(40, stats.input_tokens + stats.output_tokens);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_permit_knows_its_request_and_deployment(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"deployments\":["
      "{\"name\":\"east\",\"provider\":\"mock\",\"limits\":[{\"concurrency\":1}]},"
      "{\"name\":\"west\",\"provider\":\"mock\",\"limits\":[{\"concurrency\":1}]}]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = permit_request(cq);
  int seen[2] = {0, 0};
  llmq_attempt_id_t permits[2];
  const char* text = NULL;
  size_t len = 0;
  request.tenant = "tenant";
  request.tenant_len = 6;
  request.user_data = 5;
  for (int i = 0; i < 2; ++i) CHECK_OK(llmq_acquire(manager, &request, NULL));
  for (int i = 0; i < 2; ++i) {
    llmq_event_t event = next_event(cq);
    CHECK_INT(LLMQ_EV_PERMIT, event.type);
    CHECK_INT(5, event.user_data);
    CHECK_INT(4, event.data_len);
    ++seen[memcmp(event.data, "west", 4) == 0];
    permits[i] = event.attempt_id;
    CHECK_OK(llmq_attempt_deployment(manager, permits[i], &text, &len));
    CHECK_INT(4, len);
    CHECK_INT(0, memcmp(text, event.data, 4));
    CHECK_OK(llmq_attempt_model(manager, permits[i], &text, &len));
    CHECK(len == 1 && *text == 'm');
    CHECK_OK(llmq_attempt_tenant(manager, permits[i], &text, &len));
    CHECK_INT(6, len);
    llmq_events_release(&event, sizeof event, 1);
    CHECK(event.data == NULL);
  }
  CHECK(seen[0] == 1 && seen[1] == 1);
  for (int i = 0; i < 2; ++i) CHECK_OK(llmq_permit_release(manager, permits[i], NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_deployment(manager, permits[0], &text, &len));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void note_west(void* user, const llmq_hook_t* hook) {
  struct latch* latch = user;
  CHECK_INT(4, hook->deployment_len);
  CHECK_INT(0, memcmp("west", hook->deployment, 4));
  CHECK_INT(100, hook->old_value);
  CHECK_INT(7, hook->new_value);
  latch_hit(latch);
}

static void headers_teach_the_deployment_that_was_called(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"deployments\":["
      "{\"name\":\"east\",\"provider\":\"mock\",\"limits\":[\"requests=100/"
      "1m\",{\"concurrency\":1}]},"
      "{\"name\":\"west\",\"provider\":\"mock\",\"limits\":[\"requests=100/"
      "1m\",{\"concurrency\":1}]}]}]}");
  const char* const names[] = {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"};
  const char* const values[] = {"7", "6"};
  const llmq_request_t request = permit_request(NULL);
  struct latch told;
  latch_init(&told);
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_LIMIT_CHANGED, note_west, &told, NULL));
  llmq_attempt_id_t west = 0;
  for (int i = 0; i < 2; ++i) {
    llmq_attempt_id_t permit = 0;
    const char* text = NULL;
    size_t len = 0;
    CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
    CHECK_OK(llmq_attempt_deployment(manager, permit, &text, &len));
    if (memcmp(text, "west", 4) == 0) west = permit;
  }
  CHECK_OK(llmq_attempt_report_limits(manager, west, names, NULL, values, NULL, 2));
  latch_wait(&told, 1);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_attempt_report_limits(manager, west, NULL, NULL, values, NULL, 2));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_attempt_report_limits(NULL, west, names, NULL, values, NULL, 2));
  CHECK_OK(llmq_permit_release(manager, west, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE,
               llmq_attempt_report_limits(manager, west, names, NULL, values, NULL, 2));
  CHECK_OK(llmq_manager_destroy(manager));
}

/* The release is still on its way then. */
static void usage_may_follow_the_release_at_once(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\",\"tpm\":1000000000}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = permit_request(cq);
  const llmq_usage_t usage = usage_of(11, 5);
  request.flags = LLMQ_REQUEST_LATE_USAGE;
  for (int i = 0; i < 500; ++i) {
    llmq_request_id_t id = 0;
    CHECK_OK(llmq_acquire(manager, &request, &id));
    llmq_event_t event = next_event(cq);
    CHECK_OK(llmq_permit_release(manager, event.attempt_id, NULL));
    CHECK_OK(llmq_usage_update(manager, id, &usage));
    llmq_events_release(&event, sizeof event, 1);
  }
  llmq_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(llmq_stats(manager, "m", 1, &stats));
  CHECK_INT(500 * 16, stats.input_tokens + stats.output_tokens);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_permit_is_tried_for_once(void) {
  llmq_manager_t* manager = narrow_manager();
  const llmq_request_t request = permit_request(NULL);
  llmq_request_t large = request;
  llmq_request_t late = request;
  llmq_attempt_id_t permit = 0;
  llmq_attempt_id_t other = 7;
  int64_t wait = -1;
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, &wait));
  CHECK(permit != 0);
  CHECK_INT(0, wait);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_try_acquire(manager, &request, &other, &wait));
  CHECK_INT(0, other);
  CHECK(wait >= 0);
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  large.est_input_tokens = 900; /* of 1,000, 200 are used: it would wait most of an hour */
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_try_acquire(manager, &large, &other, &wait));
  CHECK(wait > 60 * SECOND);
  large.est_input_tokens = 2000;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_try_acquire(manager, &large, &other, &wait));
  late.deadline_ns = 1;
  CHECK_STATUS(LLMQ_ERR_DEADLINE, llmq_try_acquire(manager, &late, &other, NULL));
  CHECK_INT(0, other);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* A 429 closes the model until its Retry-After is over, and nothing is tried again by itself. */
static void a_failure_teaches_and_ends_the_permit(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_t request = permit_request(NULL);
  llmq_attempt_id_t other = 0;
  int64_t wait = 0;
  const llmq_request_id_t id = acquire(manager, cq);
  const llmq_attempt_id_t permit = expect_permit(cq, id);
  CHECK_OK(llmq_attempt_fail(manager, permit, LLMQ_ERR_RATE_LIMITED, "slow", 4, 1000 * SECOND));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, permit, NULL));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_try_acquire(manager, &request, &other, &wait));
  CHECK(wait > 900 * SECOND);
  const llmq_stats_t stats = stats_of(manager);
  CHECK_INT(1, stats.failed);
  CHECK_INT(1, stats.rate_limited);
  CHECK_INT(1, stats.attempts);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* Another deployment would be tried, were it a call of llmq's own. */
static void a_failure_that_is_forgiven_ends_the_permit_too(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"deployments\":[{\"name\":\"a\",\"provider\":\"mock\"},"
      "{\"name\":\"b\",\"provider\":\"mock\"}]}]}");
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = acquire(manager, cq);
  const llmq_attempt_id_t permit = expect_permit(cq, id);
  CHECK_OK(llmq_attempt_fail(manager, permit, LLMQ_ERR_AUTH, NULL, 0, 0));
  const llmq_stats_t stats = stats_of(manager);
  CHECK_INT(1, stats.attempts);
  CHECK_INT(0, stats.pending + stats.processing);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_lease_that_lapses_loses_the_permit(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = permit_request(cq);
  llmq_request_id_t first = 0;
  llmq_response_t* response = NULL;
  request.timeout_ns = 1 * MS;
  CHECK_OK(llmq_acquire(manager, &request, &first));
  const llmq_request_id_t second = acquire(manager, cq);
  const llmq_attempt_id_t lost = expect_permit(cq, first);
  const llmq_attempt_id_t kept = expect_permit(cq, second); /* when the first one is lost */
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, lost, NULL));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_attempt_heartbeat(manager, lost));
  CHECK_OK(llmq_response_peek(manager, first, &response));
  CHECK_STATUS(LLMQ_ERR_ABANDONED, llmq_response_status(response));
  llmq_response_free(response);
  expect_used(manager, "\"used\":200");
  CHECK_OK(llmq_permit_release(manager, kept, NULL));
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancel_ends_the_wait_and_takes_a_permit_back(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_request_id_t second = acquire(manager, cq);
  const llmq_attempt_id_t permit = expect_permit(cq, first);
  CHECK_OK(llmq_cancel(manager, second));
  expect_done(cq, second, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_cancel(manager, first));
  const llmq_request_id_t third = acquire(manager, cq);
  const llmq_attempt_id_t next = expect_permit(cq, third);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, permit, NULL));
  CHECK_OK(llmq_permit_release(manager, next, NULL));
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_deadline_bounds_the_wait(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = permit_request(cq);
  llmq_request_id_t second = 0;
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_attempt_id_t permit = expect_permit(cq, first);
  request.deadline_ns = llmq_now_ns() + 20 * MS;
  CHECK_OK(llmq_acquire(manager, &request, &second));
  expect_done(cq, second, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void permits_that_nobody_can_take_are_lost(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* other = new_cq();
  (void)acquire(manager, cq);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  llmq_cq_unref(cq);
  const llmq_request_id_t id = acquire(manager, other);
  const llmq_attempt_id_t permit = expect_permit(other, id);
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(other);
}

/* ---- Shutdown ---- */

static void a_drain_waits_for_permits(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_request_id_t second = acquire(manager, cq);
  const llmq_attempt_id_t one = expect_permit(cq, first);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 9));
  CHECK_OK(llmq_permit_release(manager, one, NULL));
  CHECK_OK(llmq_permit_release(manager, expect_permit(cq, second), NULL));
  expect_closed(cq, 9);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_drain_waits_until_its_deadline(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_attempt_id_t one = expect_permit(cq, acquire(manager, cq));
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, llmq_now_ns() + 20 * MS, cq, 9));
  expect_closed(cq, 9);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, one, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void cancel_refuses_who_waits_and_abort_takes_all(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_attempt_id_t one = expect_permit(cq, first);
  const llmq_request_id_t second = acquire(manager, cq);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_CANCEL, 0, cq, 9));
  expect_done(cq, second, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_attempt_heartbeat(manager, one));
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, NULL, 0));
  expect_closed(cq, 9);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_permit_release(manager, one, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* ---- Beside processors, and in callbacks ---- */

static void permits_and_a_processor_share_the_limits(void) {
  llmq_manager_t* manager = narrow_manager();
  llmq_cq_t* cq = new_cq();
  struct held held;
  const llmq_request_id_t first = acquire(manager, cq);
  const llmq_attempt_id_t permit = expect_permit(cq, first);
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t called = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), NULL, 0, NULL));
  expect_done(cq, called, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_model_of_permits_alone_runs_no_requests(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t waiting = submit_to_cq(manager, "m", "x", cq);
  const llmq_attempt_id_t permit = expect_permit(cq, acquire(manager, cq));
  expect_done(cq, waiting, LLMQ_ERR_UNSUPPORTED, LLMQ_STATE_FAILED);
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  const llmq_request_id_t refused = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, refused, LLMQ_ERR_UNSUPPORTED, LLMQ_STATE_FAILED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct user {
  llmq_manager_t* manager;
  struct latch latch;
};

static void take_and_release(void* data, const llmq_event_t* event) {
  struct user* user = data;
  llmq_request_t request = permit_request(NULL);
  llmq_attempt_id_t other = 0;
  CHECK_INT(LLMQ_EV_PERMIT, event->type);
  CHECK(event->handle == NULL);
  CHECK_INT(0, event->data_len);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_try_acquire(user->manager, &request, &other, NULL));
  CHECK_OK(llmq_permit_release(user->manager, event->attempt_id, NULL));
  latch_hit(&user->latch);
}

static void a_callback_may_take_and_release(void) {
  struct user user;
  llmq_request_t request = permit_request(NULL);
  user.manager = narrow_manager();
  latch_init(&user.latch);
  request.done_fn = take_and_release;
  request.done_user = &user;
  for (int i = 0; i < 3; ++i) CHECK_OK(llmq_acquire(user.manager, &request, NULL));
  latch_wait(&user.latch, 3);
  CHECK_OK(llmq_manager_destroy(user.manager));
}

static void try_it(void* data, const llmq_event_t* event) {
  struct user* user = data;
  llmq_request_t request = permit_request(NULL);
  llmq_attempt_id_t permit = 0;
  CHECK_OK(event->status);
  CHECK_OK(llmq_try_acquire(user->manager, &request, &permit, NULL));
  CHECK_OK(llmq_attempt_heartbeat(user->manager, permit));
  CHECK_OK(llmq_permit_release(user->manager, permit, NULL));
  latch_hit(&user->latch);
}

static void a_callback_may_try(void) {
  struct user user;
  llmq_request_t request = request_to("m", "x");
  user.manager = narrow_manager();
  latch_init(&user.latch);
  echo_attempts(user.manager, "m");
  request.done_fn = try_it;
  request.done_user = &user;
  CHECK_OK(llmq_submit(user.manager, &request, NULL));
  latch_wait(&user.latch, 1);
  CHECK_OK(llmq_manager_destroy(user.manager));
}

/* What a body says of its tokens counts, where the caller says nothing. */
static void a_payload_is_looked_at(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"est_output_tokens\":5,"
      "\"limits\":[{\"output_tokens\":1000,\"per\":\"1h\"}]}]}");
  llmq_request_t request =
      request_to("m", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_tokens\":77}");
  llmq_attempt_id_t permit = 0;
  request.operation = LLMQ_OP_CHAT;
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
  expect_used(manager, "\"used\":77");
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  request.payload = "no json";
  request.payload_len = 7;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_try_acquire(manager, &request, &permit, NULL));
  request.payload_len = 0;
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
  expect_used(manager, "\"used\":82");
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(calls_refuse);
  RUN(a_permit_waits_for_the_one_before);
  RUN(a_permit_knows_its_request_and_deployment);
  RUN(headers_teach_the_deployment_that_was_called);
  RUN(usage_may_follow_the_release_at_once);
  RUN(a_permit_is_tried_for_once);
  RUN(a_failure_teaches_and_ends_the_permit);
  RUN(a_failure_that_is_forgiven_ends_the_permit_too);
  RUN(a_lease_that_lapses_loses_the_permit);
  RUN(cancel_ends_the_wait_and_takes_a_permit_back);
  RUN(the_deadline_bounds_the_wait);
  RUN(permits_that_nobody_can_take_are_lost);
  RUN(a_drain_waits_for_permits);
  RUN(a_drain_waits_until_its_deadline);
  RUN(cancel_refuses_who_waits_and_abort_takes_all);
  RUN(permits_and_a_processor_share_the_limits);
  RUN(a_model_of_permits_alone_runs_no_requests);
  RUN(a_callback_may_take_and_release);
  RUN(a_callback_may_try);
  RUN(a_payload_is_looked_at);
  return 0;
}
