/* llmq.h, section Completion queue. */
#include <poll.h>

#include "helpers.h"

static void refuses_null_and_wrong_handles(void) {
  llmq_event_t event;
  llmq_response_t* response = NULL;
  int32_t fd = -1;
  memset(&event, 0, sizeof event);
  event.stride = sizeof event;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_create(NULL));
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK(llmq_cq_ref(wrong[i]) == NULL);
    llmq_cq_unref(wrong[i]);
    CHECK_INT(0, llmq_cq_drain(wrong[i], &event, 1));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_wait(wrong[i], 0));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_wake(wrong[i]));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_fd(wrong[i], 0, &fd));
  }
  llmq_cq_t* cq = new_cq();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_fd(cq, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_fd(cq, -1, &fd));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cq_fd(cq, 2, &fd));
  CHECK_INT(-1, fd);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(NULL, &response));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(&event, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(&event, &response));
  llmq_events_release(NULL, sizeof event, 1);
  llmq_events_release(&event, 1, 1);
  llmq_events_release(&event, sizeof event, 1);
  llmq_cq_unref(cq);
}

static void drain_wants_storage_and_a_stride(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_event_t event;
  echo_attempts(manager, "m");
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  memset(&event, 0, sizeof event);
  CHECK_INT(0, llmq_cq_drain(cq, &event, 1));                 /* stride 0 */
  event.stride = offsetof(llmq_event_t, first_output_ns) - 8; /* less than the first header's */
  CHECK_INT(0, llmq_cq_drain(cq, &event, 1));
  event.stride = sizeof event;
  CHECK_INT(0, llmq_cq_drain(cq, &event, 0));
  CHECK_INT(0, llmq_cq_drain(cq, NULL, 1));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED); /* nothing was lost */
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void events_come_in_batches_at_the_caller_s_stride(void) {
  struct {
    llmq_event_t event;
    uint64_t later; /* a member of a later header */
  } wide[4];
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t ids[10];
  for (int i = 0; i < 10; ++i) ids[i] = submit_to_cq(manager, "m", "x", cq);
  echo_attempts(manager, "m");
  memset(wide, 0xff, sizeof wide);
  int seen = 0;
  while (seen < 10) {
    CHECK_OK(llmq_cq_wait(cq, PATIENCE));
    wide[0].event.stride = sizeof wide[0];
    const size_t n = llmq_cq_drain(cq, &wide[0].event, 4);
    CHECK(n >= 1 && n <= 4);
    for (size_t i = 0; i < n; ++i) {
      CHECK_INT(sizeof wide[0], wide[i].event.stride);
      CHECK(wide[i].event.request_id == ids[seen++]);
      CHECK_INT(0, wide[i].later);
    }
    llmq_events_release(&wide[0].event, sizeof wide[0], n);
    for (size_t i = 0; i < n; ++i) CHECK(wide[i].event.handle == NULL);
    llmq_events_release(&wide[0].event, sizeof wide[0], n); /* again: nothing happens */
  }
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void wait_times_out(void) {
  llmq_cq_t* cq = new_cq();
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 0));
  const int64_t begin = llmq_now_ns();
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 5 * MS));
  CHECK(llmq_now_ns() - begin >= 5 * MS);
  llmq_cq_unref(cq);
}

static void* wait_for_ever(void* user) {
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_cq_wait(user, -1));
  return NULL;
}

static void wake_ends_one_wait(void) {
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_cq_wake(cq));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_cq_wait(cq, -1)); /* the next one, too */
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 0));
  pthread_t thread;
  CHECK_INT(0, pthread_create(&thread, NULL, wait_for_ever, cq));
  CHECK_OK(llmq_cq_wake(cq));
  CHECK_INT(0, pthread_join(thread, NULL));
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(cq, 0));
  llmq_cq_unref(cq);
}

static int readable(int fd, int timeout_ms) {
  struct pollfd poll_fd;
  poll_fd.fd = fd;
  poll_fd.events = POLLIN;
  poll_fd.revents = 0;
  const int n = poll(&poll_fd, 1, timeout_ms);
  CHECK(n >= 0);
  return n == 1 && (poll_fd.revents & POLLIN) != 0;
}

static void check_descriptor(int32_t kind) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_event_t events[2];
  int32_t fd = -1;
  int32_t again = -1;
  memset(events, 0, sizeof events);
  CHECK_OK(llmq_cq_fd(cq, kind, &fd));
  CHECK(fd >= 0);
  CHECK_OK(llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &again)); /* the first call decides */
  CHECK_INT(fd, again);
  CHECK(!readable(fd, 0));
  submit_to_cq(manager, "m", "a", cq);
  submit_to_cq(manager, "m", "b", cq);
  CHECK(!readable(fd, 0));
  echo_attempts(manager, "m");
  const int patience_ms = (int)(PATIENCE / MS);
  for (int left = 2; left > 0; --left) {
    CHECK(readable(fd, patience_ms));
    CHECK_OK(llmq_cq_wait(cq, 0));
    CHECK(readable(fd, 0)); /* only drain resets it */
    events[0].stride = sizeof *events;
    CHECK_INT(1, llmq_cq_drain(cq, events, 1));
    llmq_events_release(events, sizeof *events, 1);
  }
  CHECK(!readable(fd, 0));
  CHECK_OK(llmq_cq_wake(cq));
  CHECK(readable(fd, patience_ms));
  events[0].stride = sizeof *events;
  CHECK_INT(0, llmq_cq_drain(cq, events, 2));
  CHECK(!readable(fd, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_eventfd_is_readable_while_there_are_events(void) {
  check_descriptor(LLMQ_CQ_FD_EVENTFD);
}
static void the_pipe_is_readable_while_there_are_events(void) { check_descriptor(LLMQ_CQ_FD_PIPE); }

static void a_descriptor_made_late_knows_what_is_there(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  int32_t fd = -1;
  echo_attempts(manager, "m");
  const llmq_request_id_t id = submit_to_cq(manager, "m", "a", cq);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  CHECK_OK(llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &fd));
  CHECK(readable(fd, 0));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK(!readable(fd, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void taking_an_event_makes_it_a_response(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  llmq_response_t* none = NULL;
  echo_attempts(manager, "m");
  submit_to_cq(manager, "m", "payload", cq);
  llmq_event_t event = next_event(cq);
  CHECK(event.handle != NULL);
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK(event.handle == NULL && event.data == NULL && event.data_len == 0);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(&event, &none));
  CHECK(none == NULL);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  CHECK_TEXT("payload", (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
}

static void a_closed_event_has_no_response(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 3));
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_CLOSED, event.type);
  CHECK(event.handle == NULL);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(&event, &response));
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct taker {
  struct latch latch;
  llmq_response_t* response;
};

static void take_in_callback(void* user, const llmq_event_t* event) {
  struct taker* taker = user;
  llmq_event_t* own = (llmq_event_t*)event;
  llmq_response_t* none = NULL;
  CHECK_OK(llmq_event_take(own, &taker->response));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_take(own, &none));
  latch_hit(&taker->latch);
}

static void a_callback_may_take_its_event(void) {
  llmq_manager_t* manager = plain_manager();
  struct taker taker;
  latch_init(&taker.latch);
  taker.response = NULL;
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "payload");
  request.done_fn = take_in_callback;
  request.done_user = &taker;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  latch_wait(&taker.latch, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_TEXT("payload", (const char*)llmq_response_data(taker.response, NULL));
  llmq_response_free(taker.response);
}

static void release_in_callback(void* user, const llmq_event_t* event) {
  llmq_event_t copy = *event;
  llmq_events_release(&copy, sizeof copy, 1); /* it is not the caller's: skipped */
  latch_hit(user);
}

static void a_callback_s_event_cannot_be_released(void) {
  llmq_manager_t* manager = plain_manager();
  struct latch latch;
  latch_init(&latch);
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "payload");
  request.done_fn = release_in_callback;
  request.done_user = &latch;
  for (int i = 0; i < 10; ++i) CHECK_OK(llmq_submit(manager, &request, NULL));
  latch_wait(&latch, 10);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void events_that_nobody_can_drain_are_dropped(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_cq_t* watch = new_cq();
  CHECK(llmq_cq_ref(cq) == cq);
  submit_to_cq(manager, "m", "a", cq);
  llmq_cq_unref(cq);
  submit_to_cq(manager, "m", "b", cq); /* one reference is left */
  llmq_cq_unref(cq);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "c", watch);
  echo_attempts(manager, "m");
  expect_done(watch, id, LLMQ_OK, LLMQ_STATE_COMPLETED); /* the others came before */
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  close_manager(manager);
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(3, stats.completed);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(watch);
}

static void members_of_a_later_header_read_as_zero(void) {
  struct {
    llmq_event_t event;
    uint64_t later;
  } wide[2];
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_cq_wait(cq, PATIENCE));
  memset(wide, 0xff, sizeof wide);
  wide[0].event.stride = UINT32_MAX; /* never set: nothing is written */
  CHECK_INT(0, llmq_cq_drain(cq, &wide[0].event, 2));
  wide[0].event.stride = sizeof *wide;
  CHECK_INT(1, llmq_cq_drain(cq, &wide[0].event, 2));
  CHECK_INT(0, wide[0].later);
  CHECK(wide[1].later == UINT64_MAX); /* no event, nothing written */
  llmq_events_release(&wide[0].event, sizeof *wide, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void an_outcome_is_read_without_a_response(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"n\",\"retry\":{\"max_attempts\":1}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "n", &held);
  llmq_outcome_t outcome;
  memset(&outcome, 0xff, sizeof outcome);
  llmq_request_t request = request_to("n", "x");
  request.cq = cq;
  request.request_key = "key";
  request.request_key_len = 3;
  request.metadata = "me\0ta";
  request.metadata_len = 5;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "broken", 6, 0));
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_outcome(&event, &outcome)); /* its size */
  outcome.struct_size = sizeof outcome;
  CHECK_OK(llmq_event_outcome(&event, &outcome));
  CHECK_INT(sizeof outcome, outcome.struct_size);
  CHECK_INT(0, outcome.http_status);
  CHECK_INT(0, outcome.usage_known);
  CHECK_INT(1, outcome.has_history);
  CHECK_TEXT("broken", outcome.error);
  CHECK_INT(6, outcome.error_len);
  CHECK_TEXT("key", outcome.request_key);
  CHECK_INT(3, outcome.request_key_len);
  CHECK_INT(0, memcmp("me\0ta", outcome.metadata, 6));
  CHECK_INT(5, outcome.metadata_len);
  CHECK_TEXT("", outcome.provider_request_id);
  CHECK_TEXT("", outcome.deployment);
  CHECK_TEXT("", outcome.fallback_model);
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_TEXT("broken", llmq_response_error(response, NULL)); /* nothing was taken */
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_outcome(&event, &outcome));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_outcome(NULL, &outcome));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_event_outcome(&event, NULL));
  llmq_response_free(response);
  submit_to_cq(manager, "n", "y", cq);
  const llmq_usage_t usage = usage_of(3, 4);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), "r", 1, &usage));
  event = next_event(cq);
  CHECK_OK(llmq_event_outcome(&event, &outcome));
  CHECK_INT(1, outcome.usage_known);
  CHECK_INT(0, outcome.has_history);
  CHECK_TEXT("", outcome.error);
  CHECK_TEXT("", outcome.request_key);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(refuses_null_and_wrong_handles);
  RUN(drain_wants_storage_and_a_stride);
  RUN(events_come_in_batches_at_the_caller_s_stride);
  RUN(wait_times_out);
  RUN(wake_ends_one_wait);
  RUN(the_eventfd_is_readable_while_there_are_events);
  RUN(the_pipe_is_readable_while_there_are_events);
  RUN(a_descriptor_made_late_knows_what_is_there);
  RUN(taking_an_event_makes_it_a_response);
  RUN(a_closed_event_has_no_response);
  RUN(a_callback_may_take_its_event);
  RUN(a_callback_s_event_cannot_be_released);
  RUN(events_that_nobody_can_drain_are_dropped);
  RUN(members_of_a_later_header_read_as_zero);
  RUN(an_outcome_is_read_without_a_response);
  return 0;
}
