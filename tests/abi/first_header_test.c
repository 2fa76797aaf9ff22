/* A program of the first header (first_header.h) meets today's library: it gets the members that it
 * knows, and nothing is written behind them. */
#include "first_header.h"
/* clang-format off: after the header that it is to use */
#include "helpers.h"
/* clang-format on */

static void answer(void* user, const llmq_event_t* event) {
  const llmq_usage_t usage = {.struct_size = sizeof usage,
                              .input_tokens = 11,
                              .output_tokens = 7,
                              .cached_input_tokens = 3,
                              .cost_micros = 5};
  CHECK_OK(
      llmq_attempt_succeed(user, event->attempt_id, event->data, (size_t)event->data_len, &usage));
}

static llmq_manager_t* answering_manager(void) {
  llmq_manager_t* manager = plain_manager();
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, answer, NULL, manager, NULL));
  return manager;
}

static void the_library_knows_more_than_the_program(void) {
  CHECK_INT(128, sizeof(llmq_event_t));
  CHECK(llmq_sizeof(LLMQ_SIZEOF_EVENT) > sizeof(llmq_event_t));
  CHECK(llmq_sizeof(LLMQ_SIZEOF_USAGE) > sizeof(llmq_usage_t));
  CHECK(llmq_sizeof(LLMQ_SIZEOF_STATS) > sizeof(llmq_stats_t));
}

static void events_come_at_the_program_s_stride(void) {
  enum { kEvents = 8 };
  llmq_event_t events[kEvents + 1];
  llmq_event_t untouched;
  llmq_manager_t* manager = answering_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t ids[kEvents];
  memset(&untouched, 0xa5, sizeof untouched);
  for (int i = 0; i < kEvents; ++i) ids[i] = submit_to_cq(manager, "m", "x", cq);
  for (size_t seen = 0; seen < kEvents;) {
    CHECK_OK(llmq_cq_wait(cq, PATIENCE));
    for (int i = 0; i <= kEvents; ++i) events[i] = untouched;
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(cq, events, kEvents);
    CHECK(n > 0 && n + seen <= kEvents);
    for (size_t i = 0; i < n; ++i, ++seen) {
      CHECK_INT(sizeof *events, events[i].stride);
      CHECK(events[i].request_id == ids[seen]);
      CHECK_INT(LLMQ_EV_DONE, events[i].type);
      CHECK_INT(LLMQ_OK, events[i].status);
      CHECK_INT(11, events[i].input_tokens);
      CHECK_INT(5, events[i].cost_micros);
      CHECK_INT(1, events[i].attempt);
      CHECK_INT(LLMQ_STATE_COMPLETED, events[i].state);
      CHECK(events[i].data_len == 1 && memcmp(events[i].data, "x", 1) == 0);
    }
    CHECK(memcmp(&events[n], &untouched, sizeof untouched) == 0);
    llmq_response_t* response = NULL;
    CHECK_OK(llmq_event_take(&events[0], &response));
    llmq_response_free(response);
    llmq_events_release(events, sizeof *events, n);
    for (size_t i = 0; i < n; ++i) CHECK(events[i].handle == NULL);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void what_is_filled_ends_with_the_program_s_struct(void) {
  struct {
    llmq_usage_t usage;
    uint64_t behind_usage;
    llmq_stats_t stats;
    uint64_t behind_stats;
  } got;
  llmq_manager_t* manager = answering_manager();
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* response = NULL;
  char* json = NULL;
  memset(&got, 0xa5, sizeof got);
  const uint64_t untouched = got.behind_usage;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  got.usage.struct_size = sizeof got.usage;
  CHECK_OK(llmq_response_usage(response, &got.usage));
  CHECK_INT(sizeof got.usage, got.usage.struct_size);
  CHECK_INT(0, got.usage.reserved);
  CHECK_INT(7, got.usage.output_tokens);
  CHECK_INT(5, got.usage.cost_micros);
  CHECK(got.behind_usage == untouched);
  /* Counters are told at the end of the turn in which it ended: let that be over. */
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
  got.stats.struct_size = sizeof got.stats;
  CHECK_OK(llmq_stats(manager, NULL, 0, &got.stats));
  CHECK_INT(sizeof got.stats, got.stats.struct_size);
  CHECK_INT(1, got.stats.completed);
  CHECK_INT(3, got.stats.cached_input_tokens);
  CHECK(got.behind_stats == untouched);
  got.usage.struct_size = sizeof got.usage - 1; /* no header had it */
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_response_usage(response, &got.usage));
  got.stats.struct_size = sizeof got.stats - 1;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(manager, NULL, 0, &got.stats));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* Behind the program's usage there is something else, which the library must not take for a member.
 */
static void what_is_read_ends_with_the_program_s_struct(void) {
  struct {
    llmq_usage_t usage;
    int64_t behind_usage;
  } given;
  llmq_manager_t* manager = answering_manager();
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  memset(&given, 0, sizeof given);
  given.usage.struct_size = sizeof given.usage;
  given.usage.input_tokens = 1;
  given.behind_usage = -1; /* as reasoning_tokens it would be refused */
  request.cq = cq;
  request.flags = LLMQ_REQUEST_LATE_USAGE;
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_STATUS(LLMQ_ERR_ALREADY_DONE, llmq_usage_update(manager, id, &given.usage));
  given.usage.struct_size = sizeof given; /* now it is one */
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_usage_update(manager, id, &given.usage));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(the_library_knows_more_than_the_program);
  RUN(events_come_at_the_program_s_stride);
  RUN(what_is_filled_ends_with_the_program_s_struct);
  RUN(what_is_read_ends_with_the_program_s_struct);
  return 0;
}
