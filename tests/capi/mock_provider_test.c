/* `provider: mock`: answers made up inside the library, through the C API. */
#include "helpers.h"

static const char* kChat =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":20}";

static llmq_manager_t* mock_manager(const char* settings) {
  char json[512];
  (void)snprintf(json, sizeof json,
                 "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"retry\":{\"max_attempts\":1,"
                 "\"base_ms\":1,\"cap_ms\":1},\"mock\":{%s}}]}",
                 settings);
  return manager_of(json);
}

static llmq_response_t* ask(llmq_manager_t* manager, int32_t operation, const char* payload) {
  llmq_request_t request = request_to("m", payload);
  llmq_response_t* response = NULL;
  request.operation = operation;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  return response;
}

static void answers_chat(void) {
  llmq_manager_t* manager = mock_manager("\"latency_ms\":0");
  llmq_response_t* response = ask(manager, LLMQ_OP_CHAT, kChat);
  llmq_usage_t usage = usage_of(0, 0);
  CHECK_OK(llmq_response_status(response));
  CHECK_INT(200, llmq_response_http_status(response));
  CHECK_HAS("\"chat.completion\"", (const char*)llmq_response_data(response, NULL));
  CHECK_HAS("\"choices\"", (const char*)llmq_response_data(response, NULL));
  CHECK(strlen(llmq_response_provider_request_id(response, NULL)) > 0);
  CHECK_OK(llmq_response_usage(response, &usage));
  CHECK(usage.input_tokens > 0);
  CHECK(usage.output_tokens > 0 && usage.output_tokens <= 20);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void answers_embeddings(void) {
  llmq_manager_t* manager = mock_manager("\"latency_ms\":0");
  llmq_response_t* response =
      ask(manager, LLMQ_OP_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}");
  CHECK_OK(llmq_response_status(response));
  CHECK_HAS("\"embedding\"", (const char*)llmq_response_data(response, NULL));
  CHECK_HAS("\"index\":1", (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void the_same_seed_gives_the_same_answer(void) {
  char first[4096];
  for (int i = 0; i < 2; ++i) {
    llmq_manager_t* manager = mock_manager("\"latency_ms\":0,\"seed\":5");
    llmq_response_t* response = ask(manager, LLMQ_OP_CHAT, kChat);
    const char* data = llmq_response_data(response, NULL);
    CHECK(strlen(data) < sizeof first);
    if (i == 0) {
      memcpy(first, data, strlen(data) + 1);
    } else {
      CHECK_TEXT(first, data);
    }
    llmq_response_free(response);
    CHECK_OK(llmq_manager_destroy(manager));
  }
}

static void takes_its_time(void) {
  llmq_manager_t* manager = mock_manager("\"latency_ms\":30");
  llmq_response_t* response = ask(manager, LLMQ_OP_CHAT, kChat);
  int64_t started = 0;
  int64_t finished = 0;
  CHECK_OK(llmq_response_timings(response, NULL, &started, &finished));
  CHECK(finished - started >= 30 * MS);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void fails_as_told(void) {
  static const struct {
    const char* settings;
    llmq_status_t status;
    int32_t http_status;
  } kCases[] = {
      {"\"latency_ms\":0,\"fail_server\":1", LLMQ_ERR_SERVER, 500},
      {"\"latency_ms\":0,\"fail_rate_limited\":1", LLMQ_ERR_RATE_LIMITED, 429},
  };
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; ++i) {
    llmq_manager_t* manager = mock_manager(kCases[i].settings);
    llmq_response_t* response = ask(manager, LLMQ_OP_CHAT, kChat);
    llmq_usage_t usage = usage_of(0, 0);
    CHECK_STATUS(kCases[i].status, llmq_response_status(response));
    CHECK_INT(LLMQ_STATE_FAILED, llmq_response_state(response));
    CHECK_INT(kCases[i].http_status, llmq_response_http_status(response));
    CHECK_HAS("\"error\"", (const char*)llmq_response_data(response, NULL));
    CHECK(strlen(llmq_response_error(response, NULL)) > 0);
    CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_response_usage(response, &usage));
    llmq_response_free(response);
    CHECK_OK(llmq_manager_destroy(manager));
  }
}

static void is_retried_with_its_retry_after(void) {
  llmq_manager_t* manager =
      mock_manager("\"latency_ms\":0,\"fail_rate_limited\":1,\"retry_after_ms\":20");
  llmq_request_t request = request_to("m", kChat);
  llmq_response_t* response = NULL;
  int64_t submitted = 0;
  int64_t started = 0;
  request.operation = LLMQ_OP_CHAT;
  request.max_attempts = 3;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  CHECK_STATUS(LLMQ_ERR_RATE_LIMITED, llmq_response_status(response));
  CHECK_INT(3, llmq_response_attempts(response));
  CHECK_OK(llmq_response_timings(response, &submitted, &started, NULL));
  CHECK(started - submitted >= 40 * MS);
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void hangs_until_time_out_deadline_or_cancel(void) {
  llmq_manager_t* manager = mock_manager("\"fail_hang\":1");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", kChat);
  llmq_request_id_t id = 0;
  request.operation = LLMQ_OP_CHAT;
  request.cq = cq;
  request.timeout_ns = 2 * MS;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_ERR_TIMEOUT, LLMQ_STATE_FAILED);
  request.timeout_ns = 0;
  request.deadline_ns = llmq_now_ns() + 2 * MS;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_ERR_DEADLINE, LLMQ_STATE_EXPIRED);
  request.deadline_ns = 0;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(cq, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_manager_destroy(manager));
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  llmq_cq_unref(cq);
}

static void an_answer_of_a_cancelled_attempt_is_dropped(void) {
  llmq_manager_t* manager = mock_manager("\"latency_ms\":5");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", kChat);
  request.operation = LLMQ_OP_CHAT;
  request.cq = cq;
  for (int i = 0; i < 20; ++i) {
    llmq_request_id_t id = 0;
    CHECK_OK(llmq_submit(manager, &request, &id));
    const llmq_status_t cancelled = llmq_cancel(manager, id);
    CHECK(cancelled == LLMQ_OK || cancelled == LLMQ_ERR_STALE);
    llmq_event_t event = next_event(cq);
    CHECK(event.request_id == id);
    llmq_events_release(&event, sizeof event, 1);
  }
  llmq_response_t* response = ask(manager, LLMQ_OP_CHAT, kChat); /* later than all of those */
  CHECK_OK(llmq_response_status(response));
  llmq_response_free(response);
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void refuses_operations_that_are_not_built(void) {
  llmq_manager_t* manager = mock_manager("\"latency_ms\":0");
  llmq_request_t request = request_to("m", kChat);
  request.flags = LLMQ_REQUEST_KEEP;
  request.operation = LLMQ_OP_MESSAGES;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_submit(manager, &request, NULL));
  request.operation = LLMQ_OP_RESPONSES;
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_submit(manager, &request, NULL));
  request.operation = LLMQ_OP_CUSTOM;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(answers_chat);
  RUN(answers_embeddings);
  RUN(the_same_seed_gives_the_same_answer);
  RUN(takes_its_time);
  RUN(fails_as_told);
  RUN(is_retried_with_its_retry_after);
  RUN(hangs_until_time_out_deadline_or_cancel);
  RUN(an_answer_of_a_cancelled_attempt_is_dropped);
  RUN(refuses_operations_that_are_not_built);
  return 0;
}
