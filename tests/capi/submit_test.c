/* llmq.h, section Submit: acceptance, refusal, batches, waiting. How requests end: outcome_test.c.
 */
#include "helpers.h"

static void ignore(void* user, const llmq_event_t* event) { (void)user, (void)event; }

/* What is wrong with a request; every case must be refused by each of the four ways in. */
static void refuses_bad_requests(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  for (int wrong = 0; wrong < 25; ++wrong) {
    llmq_request_t request = request_to("m", "x");
    llmq_request_id_t id = 77;
    llmq_status_t expected = LLMQ_ERR_INVALID_ARG;
    int by_wait = 1; /* llmq_submit_wait refuses it, too */
    request.cq = cq;
    switch (wrong) {
      case 0:
        request.struct_size = 0;
        break;
      case 1:
        request.struct_size = sizeof request - 8;
        break;
      case 2:
        request.flags = 16;
        break;
      case 3:
        request.flags = UINT32_MAX;
        break;
      case 4:
        request.operation = -1;
        break;
      case 5:
        request.operation = LLMQ_OP_CUSTOM + 1;
        break;
      case 6:
        request.priority = -1;
        break;
      case 7:
        request.priority = LLMQ_PRIORITY_BATCH + 1;
        break;
      case 8:
        request.model = NULL;
        break;
      case 9:
        request.payload = NULL;
        break;
      case 10:
        request.tenant_len = 1;
        break;
      case 11:
        request.request_key_len = 1;
        break;
      case 12:
        request.dedup_key_len = 1;
        break;
      case 13:
        request.metadata_len = 1;
        break;
      case 14:
        request.deadline_ns = -2;
        break;
      case 15:
        request.timeout_ns = -2;
        break;
      case 16:
        request.est_input_tokens = -2;
        break;
      case 17:
        request.est_output_tokens = -2;
        break;
      case 18:
        request.max_attempts = 61;
        break;
      case 19:
        request.reserved0 = 1;
        break;
      case 20:
        request.reserved[3] = 1;
        break;
      case 21:
        request.done_fn = ignore;
        by_wait = 0;
        break;
      case 22:
        request.cq = JUNK;
        by_wait = 0;
        break;
      case 23:
        request.cq = NULL;
        by_wait = 0;
        break;
      default:
        request.model = "other";
        request.model_len = 5;
        expected = LLMQ_ERR_UNKNOWN_MODEL;
        break;
    }
    CHECK_STATUS(expected, llmq_submit(manager, &request, &id));
    CHECK_INT(77, id);
    llmq_error_t* err = NULL;
    CHECK_STATUS(expected, llmq_request_check(manager, &request, &err));
    CHECK_STATUS(expected, llmq_error_code(err));
    CHECK(strlen(llmq_error_message(err)) > 0);
    llmq_error_free(err);
    size_t accepted = 99;
    CHECK_STATUS(expected,
                 llmq_submit_batch(manager, &request, sizeof request, 1, NULL, &accepted));
    CHECK_INT(0, accepted);
    llmq_response_t* response = NULL;
    if (by_wait) request.cq = NULL;
    if (wrong == 23) continue; /* exactly what llmq_submit_wait wants */
    CHECK_STATUS(expected, llmq_submit_wait(manager, &request, 0, &response));
    CHECK(response == NULL);
  }
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(0, stats.submitted);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void refuses_null_and_wrong_handles(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  int32_t state = 0;
  size_t accepted = 9;
  request.flags = LLMQ_REQUEST_KEEP;
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(wrong[i], &request, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
                 llmq_submit_batch(wrong[i], &request, sizeof request, 1, NULL, &accepted));
    CHECK_INT(0, accepted);
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit_wait(wrong[i], &request, 0, &response));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(wrong[i], &request, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_cancel(wrong[i], 1));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_state(wrong[i], 1, &state));
  }
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(manager, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_submit_batch(manager, NULL, sizeof request, 1, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_submit_batch(manager, &request, sizeof request - 1, 1, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit_wait(manager, NULL, 0, &response));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit_wait(manager, &request, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(manager, NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_state(manager, 1, &state));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void texts_have_their_bounds(void) {
  llmq_manager_t* manager = plain_manager();
  char text[1025];
  memset(text, 'a', sizeof text);
  llmq_request_t request = request_to("m", "x");
  request.flags = LLMQ_REQUEST_KEEP;
  request.tenant = request.request_key = request.dedup_key = text;
  request.tenant_len = 255;
  request.request_key_len = request.dedup_key_len = 1024;
  CHECK_OK(llmq_request_check(manager, &request, NULL));
  request.tenant_len = 256;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(manager, &request, NULL));
  request.tenant_len = 0;
  request.request_key_len = 1025;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(manager, &request, NULL));
  request.request_key_len = 0;
  request.dedup_key_len = 1025;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_request_of_a_later_header_is_taken_if_it_asks_for_nothing_new(void) {
  struct {
    llmq_request_t request;
    uint64_t later[2];
  } wide;
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  memset(&wide, 0, sizeof wide);
  wide.request = request_to("m", "x");
  wide.request.struct_size = sizeof wide;
  wide.request.cq = cq;
  CHECK_OK(llmq_submit(manager, &wide.request, NULL));
  llmq_event_t event = next_event(cq);
  llmq_events_release(&event, sizeof event, 1);
  wide.later[1] = 1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(manager, &wide.request, NULL));
  wide.request.cq = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit_wait(manager, &wide.request, 0, &response));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void everything_is_copied(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  char payload[] = "payload";
  char metadata[] = "metadata";
  char key[] = "key";
  char model[] = "m";
  llmq_request_t request = request_to(model, payload);
  request.metadata = metadata;
  request.metadata_len = 8;
  request.request_key = key;
  request.request_key_len = 3;
  request.user_data = UINT64_MAX;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  memset(payload, 'x', sizeof payload - 1);
  memset(metadata, 'x', sizeof metadata - 1);
  memset(key, 'x', sizeof key - 1);
  memset(&request, 0xff, sizeof request);
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK(event.user_data == UINT64_MAX);
  CHECK_INT(1, event.attempt);
  CHECK_INT(7, event.input_tokens);
  CHECK_INT(3, event.output_tokens);
  CHECK(event.queued_ns >= 0 && event.run_ns >= 0);
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_TEXT("payload", (const char*)llmq_response_data(response, NULL));
  CHECK_TEXT("metadata", (const char*)llmq_response_metadata(response, NULL));
  CHECK_TEXT("key", llmq_response_request_key(response, NULL));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct seen {
  struct latch latch;
  pthread_t submitter;
  llmq_request_id_t* id;
  llmq_request_id_t expected;
};

static void see(void* user, const llmq_event_t* event) {
  struct seen* seen = user;
  CHECK_INT(LLMQ_EV_DONE, event->type);
  CHECK_OK(event->status);
  CHECK_INT(sizeof *event, event->stride);
  CHECK_INT(5, event->user_data);
  CHECK_INT(LLMQ_STATE_COMPLETED, event->state);
  CHECK(!pthread_equal(seen->submitter, pthread_self()));
  CHECK(*seen->id == event->request_id); /* written before the request became visible */
  latch_hit(&seen->latch);
}

static void a_callback_runs_elsewhere_and_knows_the_id(void) {
  llmq_manager_t* manager = plain_manager();
  struct seen seen;
  llmq_request_id_t ids[100];
  memset(ids, 0, sizeof ids);
  latch_init(&seen.latch);
  seen.submitter = pthread_self();
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "x");
  request.done_fn = see;
  request.done_user = &seen;
  request.user_data = 5;
  for (int i = 0; i < 100; ++i) {
    seen.id = &ids[i];
    CHECK_OK(llmq_submit(manager, &request, &ids[i]));
    latch_wait(&seen.latch, i + 1);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(100, seen.latch.count);
}

static void the_queue_is_bounded_in_requests(void) {
  llmq_manager_t* manager = manager_of("{\"max_pending\":2,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t a = submit_to_cq(manager, "m", "a", cq);
  const llmq_request_id_t b = submit_to_cq(manager, "m", "b", cq);
  llmq_request_t request = request_to("m", "c");
  llmq_error_t* err = NULL;
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_request_check(manager, &request, &err));
  CHECK_TEXT("max_pending", llmq_error_key(err));
  llmq_error_free(err);
  CHECK_OK(llmq_cancel(manager, a));
  expect_done(cq, a, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  const llmq_request_id_t c = submit_to_cq(manager, "m", "c", cq); /* there is room again */
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_submit(manager, &request, NULL));
  echo_attempts(manager, "m");
  expect_done(cq, b, LLMQ_OK, LLMQ_STATE_COMPLETED);
  expect_done(cq, c, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_queue_is_bounded_in_bytes(void) {
  llmq_manager_t* manager = manager_of("{\"max_pending_bytes\":10,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  llmq_error_t* err = NULL;
  const llmq_request_id_t a = submit_to_cq(manager, "m", "123456", cq);
  llmq_request_t request = request_to("m", "12345");
  request.cq = cq;
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL, llmq_request_check(manager, &request, &err));
  CHECK_TEXT("max_pending_bytes", llmq_error_key(err));
  llmq_error_free(err);
  submit_to_cq(manager, "m", "1234", cq);
  CHECK_OK(llmq_cancel(manager, a));
  expect_done(cq, a, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_request_larger_than_a_limit_is_refused_at_once(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"limits\":[{\"tokens\":100,\"per\":\"1m\"},"
      "{\"input_tokens\":60,\"per\":\"1m\"}]}]}");
  llmq_request_t request = request_to("m", "x");
  llmq_error_t* err = NULL;
  request.flags = LLMQ_REQUEST_KEEP;
  request.est_input_tokens = 61;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_request_check(manager, &request, &err));
  CHECK_HAS("61", llmq_error_message(err));
  CHECK_HAS("60", llmq_error_message(err));
  llmq_error_free(err);
  request.est_input_tokens = 60;
  request.est_output_tokens = 41;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_submit(manager, &request, NULL));
  request.est_output_tokens = 40;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  request.payload_len = (size_t)1 << 31;
  CHECK_STATUS(LLMQ_ERR_OVERSIZE, llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_batch_is_accepted_up_to_the_first_refusal(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t requests[4];
  llmq_request_id_t ids[4] = {0, 0, 0, 0};
  size_t accepted = 9;
  for (int i = 0; i < 4; ++i) {
    requests[i] = request_to(i == 2 ? "unknown" : "m", "x");
    requests[i].cq = cq;
    requests[i].user_data = (uint64_t)i;
  }
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL,
               llmq_submit_batch(manager, requests, sizeof *requests, 4, ids, &accepted));
  CHECK_INT(2, accepted);
  CHECK(ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1]);
  CHECK(ids[2] == 0 && ids[3] == 0);
  CHECK_OK(llmq_submit_batch(manager, requests, 2 * sizeof *requests, 1, NULL, NULL));
  CHECK_OK(llmq_submit_batch(manager, NULL, sizeof *requests, 0, NULL, &accepted));
  CHECK_INT(0, accepted);
  echo_attempts(manager, "m");
  expect_done(cq, ids[0], LLMQ_OK, LLMQ_STATE_COMPLETED); /* in order */
  expect_done(cq, ids[1], LLMQ_OK, LLMQ_STATE_COMPLETED);
  llmq_event_t event = next_event(cq);
  CHECK_INT(0, event.user_data);
  llmq_events_release(&event, sizeof event, 1);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_batch_stops_where_the_queue_is_full(void) {
  llmq_manager_t* manager = manager_of("{\"max_pending\":3,\"models\":[{\"name\":\"m\"}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t requests[5];
  llmq_request_id_t ids[5];
  size_t accepted = 0;
  for (int i = 0; i < 5; ++i) {
    requests[i] = request_to("m", "x");
    requests[i].cq = cq;
  }
  CHECK_STATUS(LLMQ_ERR_QUEUE_FULL,
               llmq_submit_batch(manager, requests, sizeof *requests, 5, ids, &accepted));
  CHECK_INT(3, accepted);
  CHECK_OK(llmq_manager_destroy(manager));
  for (int i = 0; i < 3; ++i) {
    expect_done(cq, ids[i], LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  }
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void submit_wait_gives_the_outcome(void) {
  llmq_manager_t* manager = plain_manager();
  echo_attempts(manager, "m");
  llmq_request_t request = request_to("m", "hello");
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_submit_wait(manager, &request, -1, &response));
  CHECK_OK(llmq_response_status(response));
  CHECK_TEXT("hello", (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
  request.deadline_ns = 1; /* long past: LLMQ_OK means that there is a response */
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  CHECK_STATUS(LLMQ_ERR_DEADLINE, llmq_response_status(response));
  llmq_response_free(response);
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_submit_wait(manager, &request, -1, &response));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void submit_wait_cancels_when_its_time_is_over(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_submit_wait(manager, &request, 0, &response));
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_submit_wait(manager, &request, 2 * MS, &response));
  CHECK(response == NULL);
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  close_manager(manager);
  CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  CHECK_INT(2, stats.submitted);
  CHECK_INT(2, stats.cancelled);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* A size that was never set, as from uninitialised memory, must not be believed. */
static void an_implausible_struct_size_is_refused(void) {
  static char room[8192]; /* zeros behind the request */
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  const uint32_t sizes[] = {4097, 8192, UINT32_MAX};
  request.flags = LLMQ_REQUEST_KEEP;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    llmq_error_t* err = NULL;
    request.struct_size = sizes[i];
    memcpy(room, &request, sizeof request);
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(manager, (llmq_request_t*)(void*)room, NULL));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
                 llmq_request_check(manager, (llmq_request_t*)(void*)room, &err));
    CHECK_TEXT("struct_size", llmq_error_key(err));
    llmq_error_free(err);
  }
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Nothing behind the size of a struct that is too small is looked at: AddressSanitizer watches. */
static void a_struct_that_is_too_small_is_not_read(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t* request = malloc(8);
  llmq_usage_t usage = usage_of(0, 0);
  llmq_response_t* response = NULL;
  llmq_attempt_id_t attempt = 0;
  const uint32_t size = 8;
  CHECK(request != NULL);
  memset((void*)request, 0, 8);
  memcpy((void*)request, &size, sizeof size);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(manager, request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit_wait(manager, request, 0, &response));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_check(manager, request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_request_estimate(manager, request, &usage, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_acquire(manager, request, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_try_acquire(manager, request, &attempt, NULL));
  free((void*)request);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void closed_comes_before_what_is_wrong_with_the_model(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("no such model", "x");
  llmq_error_t* err = NULL;
  request.flags = LLMQ_REQUEST_KEEP;
  close_manager(manager);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_submit(manager, &request, NULL));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_request_check(manager, &request, &err));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_error_code(err));
  llmq_error_free(err);
  request.flags = 0; /* what is wrong whatever the manager does, comes first */
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Whoever has a response finds its request's place free. */
static void one_place_is_enough_for_one_after_the_other(void) {
  llmq_manager_t* manager = manager_of("{\"max_pending\":1,\"models\":[{\"name\":\"m\"}]}");
  llmq_request_t request = request_to("m", "x");
  echo_attempts(manager, "m");
  for (int i = 0; i < 200; ++i) {
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_submit_wait(manager, &request, -1, &response));
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
}

struct chain {
  llmq_manager_t* manager;
  struct latch ended;
  int left;
};

static void submit_next(void* user, const llmq_event_t* event) {
  struct chain* chain = user;
  llmq_request_t request = request_to("m", "next");
  CHECK_OK(event->status);
  request.done_fn = submit_next;
  request.done_user = chain;
  if (chain->left-- > 0) CHECK_OK(llmq_submit(chain->manager, &request, NULL));
  latch_hit(&chain->ended);
}

static void a_callback_may_submit_into_the_place_that_it_leaves(void) {
  struct chain chain;
  chain.manager =
      manager_of("{\"max_pending\":1,\"max_pending_bytes\":4,\"models\":[{\"name\":\"m\"}]}");
  chain.left = 5;
  latch_init(&chain.ended);
  echo_attempts(chain.manager, "m");
  llmq_request_t request = request_to("m", "next");
  request.done_fn = submit_next;
  request.done_user = &chain;
  CHECK_OK(llmq_submit(chain.manager, &request, NULL));
  latch_wait(&chain.ended, 6);
  CHECK_OK(llmq_manager_destroy(chain.manager));
}

int main(void) {
  RUN(refuses_bad_requests);
  RUN(refuses_null_and_wrong_handles);
  RUN(texts_have_their_bounds);
  RUN(a_request_of_a_later_header_is_taken_if_it_asks_for_nothing_new);
  RUN(everything_is_copied);
  RUN(a_callback_runs_elsewhere_and_knows_the_id);
  RUN(the_queue_is_bounded_in_requests);
  RUN(the_queue_is_bounded_in_bytes);
  RUN(a_request_larger_than_a_limit_is_refused_at_once);
  RUN(a_batch_is_accepted_up_to_the_first_refusal);
  RUN(a_batch_stops_where_the_queue_is_full);
  RUN(submit_wait_gives_the_outcome);
  RUN(submit_wait_cancels_when_its_time_is_over);
  RUN(an_implausible_struct_size_is_refused);
  RUN(a_struct_that_is_too_small_is_not_read);
  RUN(closed_comes_before_what_is_wrong_with_the_model);
  RUN(one_place_is_enough_for_one_after_the_other);
  RUN(a_callback_may_submit_into_the_place_that_it_leaves);
  return 0;
}
