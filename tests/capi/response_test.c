/* llmq.h, section Responses, and how kept and past responses are read by id. */
#include "helpers.h"

static void null_and_wrong_handles_have_harmless_answers(void) {
  llmq_usage_t usage = usage_of(0, 0);
  size_t len = 9;
  int64_t ns = 0;
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_status(wrong[i]));
    CHECK_INT(0, llmq_response_state(wrong[i]));
    CHECK_TEXT("", (const char*)llmq_response_data(wrong[i], &len));
    CHECK_INT(0, len);
    CHECK_TEXT("", llmq_response_error(wrong[i], &len));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_usage(wrong[i], &usage));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_timings(wrong[i], &ns, &ns, &ns));
    CHECK_INT(0, llmq_response_attempts(wrong[i]));
    CHECK_INT(0, llmq_response_request_id(wrong[i]));
    CHECK_INT(0, llmq_response_http_status(wrong[i]));
    CHECK_TEXT("", llmq_response_provider_request_id(wrong[i], &len));
    CHECK_TEXT("", (const char*)llmq_response_metadata(wrong[i], NULL));
    CHECK_TEXT("", llmq_response_request_key(wrong[i], NULL));
    llmq_response_free(wrong[i]);
  }
}

static void a_response_tells_everything(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_response_t* response = NULL;
  llmq_request_t request = request_to("m", "pay\0load");
  size_t len = 0;
  request.payload_len = 8;
  request.metadata = "meta";
  request.metadata_len = 4;
  request.request_key = "key";
  request.request_key_len = 3;
  echo_attempts(manager, "m");
  const int64_t before = llmq_now_ns();
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  const int64_t after = llmq_now_ns();
  CHECK_OK(llmq_response_status(response));
  CHECK_INT(LLMQ_STATE_COMPLETED, llmq_response_state(response));
  CHECK_INT(0, memcmp("pay\0load", llmq_response_data(response, &len), 9)); /* a NUL follows */
  CHECK_INT(8, len);
  CHECK_TEXT("", llmq_response_error(response, &len));
  CHECK_INT(0, len);
  CHECK_TEXT("meta", (const char*)llmq_response_metadata(response, &len));
  CHECK_INT(4, len);
  CHECK_TEXT("key", llmq_response_request_key(response, &len));
  CHECK_INT(3, len);
  CHECK_TEXT("", llmq_response_provider_request_id(response, NULL));
  CHECK_INT(0, llmq_response_http_status(response));
  CHECK_INT(1, llmq_response_attempts(response));
  CHECK(llmq_response_request_id(response) != 0);
  llmq_usage_t usage = usage_of(0, 0);
  CHECK_OK(llmq_response_usage(response, &usage));
  CHECK_INT(7, usage.input_tokens);
  CHECK_INT(3, usage.output_tokens);
  usage.struct_size = 8;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_usage(response, &usage));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_usage(response, NULL));
  int64_t submitted = 0;
  int64_t started = 0;
  int64_t finished = 0;
  CHECK_OK(llmq_response_timings(response, &submitted, &started, &finished));
  CHECK_OK(llmq_response_timings(response, NULL, NULL, NULL));
  CHECK(before <= submitted && submitted <= started && started <= finished && finished <= after);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static llmq_request_id_t submit_kept(llmq_manager_t* manager, const char* payload, llmq_cq_t* cq) {
  llmq_request_t request = request_to("m", payload);
  llmq_request_id_t id = 0;
  request.flags = LLMQ_REQUEST_KEEP;
  request.cq = cq;
  request.metadata = "meta";
  request.metadata_len = 4;
  CHECK_OK(llmq_submit(manager, &request, &id));
  return id;
}

/* A kept request without a queue has no event to wait for: what follows it has. */
static void wait_until_done(llmq_manager_t* manager) {
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  llmq_response_free(response);
}

static void a_kept_response_is_moved_out_once(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_response_t* response = NULL;
  const llmq_request_id_t id = submit_kept(manager, "payload", NULL);
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_response_get(manager, id, &response));
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_response_peek(manager, id, &response));
  CHECK(response == NULL);
  echo_attempts(manager, "m");
  wait_until_done(manager);
  CHECK_OK(llmq_response_get(manager, id, &response));
  CHECK_TEXT("payload", (const char*)llmq_response_data(response, NULL));
  CHECK_TEXT("meta", (const char*)llmq_response_metadata(response, NULL));
  CHECK(llmq_response_request_id(response) == id);
  llmq_response_t* again = NULL;
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_get(manager, id, &again));
  CHECK(again == NULL);
  llmq_response_free(response);
  CHECK_OK(llmq_response_peek(manager, id, &response)); /* history is another matter */
  CHECK_TEXT("", (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_polling_reader_never_finds_a_kept_response_stale(void) {
  llmq_manager_t* manager = plain_manager();
  echo_attempts(manager, "m");
  for (int i = 0; i < 2000; ++i) {
    const llmq_request_id_t id = submit_kept(manager, "p", NULL);
    llmq_response_t* response = NULL;
    llmq_status_t status = LLMQ_ERR_AGAIN;
    while (status == LLMQ_ERR_AGAIN) {
      status = i % 2 == 0 ? llmq_response_get(manager, id, &response)
                          : llmq_response_peek(manager, id, &response);
    }
    CHECK_OK(status);
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
}

static void keep_goes_together_with_a_queue(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  const llmq_request_id_t id = submit_kept(manager, "payload", cq);
  llmq_event_t event = next_event(cq);
  CHECK_INT(0, memcmp(event.data, "payload", 7));
  CHECK_OK(llmq_response_get(manager, id, &response));
  CHECK_TEXT("payload", (const char*)llmq_response_data(response, NULL));
  CHECK_INT(0, memcmp(event.data, "payload", 7));
  llmq_events_release(&event, sizeof event, 1);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_was_not_kept_cannot_be_had(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_get(manager, id, &response));
  echo_attempts(manager, "m");
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_get(manager, id, &response));
  CHECK_OK(llmq_response_peek(manager, id, &response));
  CHECK_OK(llmq_response_status(response));
  CHECK_INT(1, llmq_response_attempts(response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void get_and_peek_refuse_bad_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_response_t* response = NULL;
  const llmq_request_id_t id = submit_kept(manager, "x", NULL);
  void* wrong[] = {NULL, JUNK};
  for (int i = 0; i < 2; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_get(wrong[i], id, &response));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_peek(wrong[i], id, &response));
  }
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_get(manager, id, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_peek(manager, id, NULL));
  const llmq_request_id_t wrong_kind[] = {0, 1, UINT64_C(2) << 62, UINT64_MAX};
  for (size_t i = 0; i < sizeof wrong_kind / sizeof *wrong_kind; ++i) {
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_get(manager, wrong_kind[i], &response));
    CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_peek(manager, wrong_kind[i], &response));
  }
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_get(manager, id + 1, &response));
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_peek(manager, id + 1, &response));
  CHECK(response == NULL);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void kept_responses_outlive_the_shutdown(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_response_t* response = NULL;
  const llmq_request_id_t id = submit_kept(manager, "x", NULL);
  close_manager(manager);
  CHECK_OK(llmq_response_get(manager, id, &response));
  CHECK_STATUS(LLMQ_ERR_CLOSING, llmq_response_status(response));
  CHECK(strlen(llmq_response_error(response, NULL)) > 0);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void the_oldest_kept_response_goes_first(void) {
  llmq_manager_t* manager = manager_of("{\"keep_max\":2,\"models\":[{\"name\":\"m\"}]}");
  llmq_response_t* response = NULL;
  llmq_request_id_t ids[3];
  for (int i = 0; i < 3; ++i) ids[i] = submit_kept(manager, "x", NULL);
  echo_attempts(manager, "m");
  wait_until_done(manager);
  CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_get(manager, ids[0], &response));
  for (int i = 1; i < 3; ++i) {
    CHECK_OK(llmq_response_get(manager, ids[i], &response));
    llmq_response_free(response);
  }
  CHECK_OK(llmq_manager_destroy(manager));
}

static void history_holds_the_last_of_each_model(void) {
  llmq_manager_t* manager =
      manager_of("{\"history_max\":3,\"models\":[{\"name\":\"m\"},{\"name\":\"other\"}]}");
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  llmq_request_id_t ids[5];
  int32_t state = 0;
  echo_attempts(manager, "m");
  echo_attempts(manager, "other");
  const llmq_request_id_t first = submit_to_cq(manager, "other", "x", cq);
  expect_done(cq, first, LLMQ_OK, LLMQ_STATE_COMPLETED);
  for (int i = 0; i < 5; ++i) {
    ids[i] = submit_to_cq(manager, "m", "x", cq);
    expect_done(cq, ids[i], LLMQ_OK, LLMQ_STATE_COMPLETED);
  }
  for (int i = 0; i < 5; ++i) {
    if (i < 2) {
      CHECK_STATUS(LLMQ_ERR_STALE, llmq_request_state(manager, ids[i], &state));
      CHECK_STATUS(LLMQ_ERR_STALE, llmq_response_peek(manager, ids[i], &response));
      continue;
    }
    CHECK_OK(llmq_request_state(manager, ids[i], &state));
    for (int times = 0; times < 2; ++times) {
      CHECK_OK(llmq_response_peek(manager, ids[i], &response));
      CHECK(llmq_response_request_id(response) == ids[i]);
      CHECK_INT(LLMQ_STATE_COMPLETED, llmq_response_state(response));
      llmq_usage_t usage = usage_of(0, 0);
      CHECK_OK(llmq_response_usage(response, &usage));
      CHECK_INT(7, usage.input_tokens);
      CHECK_TEXT("", (const char*)llmq_response_data(response, NULL));
      llmq_response_free(response);
    }
  }
  CHECK_OK(llmq_request_state(manager, first, &state)); /* it is of another model */
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void members_of_a_later_header_read_as_zero(void) {
  struct {
    llmq_usage_t usage;
    uint64_t later;
  } wide;
  llmq_manager_t* manager = plain_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  memset(&wide, 0xff, sizeof wide);
  wide.usage.struct_size = sizeof wide;
  CHECK_OK(llmq_response_usage(response, &wide.usage));
  CHECK_INT(7, wide.usage.input_tokens);
  CHECK_INT(0, wide.usage.reserved);
  CHECK_INT(0, wide.later);
  wide.usage.struct_size = UINT32_MAX;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_usage(response, &wide.usage));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(null_and_wrong_handles_have_harmless_answers);
  RUN(a_response_tells_everything);
  RUN(a_kept_response_is_moved_out_once);
  RUN(a_polling_reader_never_finds_a_kept_response_stale);
  RUN(keep_goes_together_with_a_queue);
  RUN(what_was_not_kept_cannot_be_had);
  RUN(get_and_peek_refuse_bad_arguments);
  RUN(kept_responses_outlive_the_shutdown);
  RUN(the_oldest_kept_response_goes_first);
  RUN(history_holds_the_last_of_each_model);
  RUN(members_of_a_later_header_read_as_zero);
  return 0;
}
