/* llmq.h, section Statistics. */
#include "helpers.h"

static llmq_stats_t stats_of(llmq_manager_t* manager, const char* model) {
  llmq_stats_t stats;
  memset(&stats, 0xff, sizeof stats);
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(manager, model, model == NULL ? 0 : strlen(model), &stats));
  CHECK_INT(sizeof stats, stats.struct_size);
  CHECK_INT(0, stats.reserved);
  return stats;
}

/* The loop has published everything up to here. */
static void round_trip(llmq_manager_t* manager) {
  char* json = NULL;
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
    llmq_buf_free(json);
  }
}

static void refuses_bad_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_stats_t stats;
  char* json = NULL;
  stats.struct_size = sizeof stats;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(NULL, NULL, 0, &stats));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(JUNK, NULL, 0, &stats));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(manager, NULL, 0, NULL));
  CHECK_STATUS(LLMQ_ERR_UNKNOWN_MODEL, llmq_stats(manager, "x", 1, &stats));
  stats.struct_size = 16;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(manager, NULL, 0, &stats));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats_json(NULL, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats_json(JUNK, &json, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats_json(manager, NULL, NULL));
  CHECK(json == NULL);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void counts_what_happens(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"concurrency\":1,\"retry\":{\"base_ms\":1,\"cap_ms\":1}},"
      "{\"name\":\"n\"}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  llmq_usage_t usage = usage_of(10, 4);
  hold_attempts(manager, "m", &held);
  submit_to_cq(manager, "m", "12345", cq);
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  const llmq_request_id_t waits = submit_to_cq(manager, "m", "123", cq);
  round_trip(manager);
  llmq_stats_t now = stats_of(manager, NULL);
  CHECK_INT(2, now.submitted);
  CHECK_INT(1, now.pending);
  CHECK_INT(1, now.processing);
  CHECK_INT(8, now.pending_bytes);
  CHECK(now.wakeups > 0);
  CHECK_INT(1, stats_of(manager, "m").pending);
  CHECK_INT(0, stats_of(manager, "m").pending_bytes);
  CHECK_INT(0, stats_of(manager, "n").submitted);

  usage.reasoning_tokens = 3;
  CHECK_OK(llmq_cancel(manager, waits));
  CHECK_OK(llmq_attempt_fail(manager, attempt, LLMQ_ERR_RATE_LIMITED, NULL, 0, 0));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, &usage));
  llmq_request_t request = request_to("m", "x");
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 3), LLMQ_ERR_PROCESSING, NULL, 0, 0));
  request.deadline_ns = 1;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  int64_t reasoning = 0;
  for (int i = 0; i < 4; ++i) {
    llmq_event_t event = next_event(cq);
    reasoning += event.reasoning_tokens;
    llmq_events_release(&event, sizeof event, 1);
  }
  round_trip(manager);
  now = stats_of(manager, "m");
  CHECK_INT(4, now.submitted);
  CHECK_INT(1, now.completed);
  CHECK_INT(1, now.failed);
  CHECK_INT(1, now.cancelled);
  CHECK_INT(1, now.expired);
  CHECK_INT(3, now.attempts);
  CHECK_INT(1, now.retries);
  CHECK_INT(1, now.rate_limited);
  CHECK_INT(0, now.pending);
  CHECK_INT(0, now.processing);
  CHECK_INT(10, now.input_tokens);
  CHECK_INT(4, now.output_tokens);
  CHECK_INT(3, now.reasoning_tokens);
  CHECK_INT(3, reasoning);

  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_DRAIN));
  now = stats_of(manager, NULL); /* removed models included */
  CHECK_INT(4, now.submitted);
  CHECK_INT(1, now.completed);
  CHECK_INT(0, now.pending_bytes);
  close_manager(manager);
  CHECK_INT(4, stats_of(manager, NULL).submitted);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void json_says_the_same(void) {
  llmq_manager_t* manager = manager_of("{\"models\":[{\"name\":\"m\"},{\"name\":\"other\"}]}");
  llmq_cq_t* cq = new_cq();
  char* json = NULL;
  size_t len = 0;
  echo_attempts(manager, "m");
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  round_trip(manager);
  CHECK_OK(llmq_stats_json(manager, &json, &len));
  CHECK_INT(strlen(json), len);
  CHECK_HAS("\"completed\":1", json);
  CHECK_HAS("\"input_tokens\":7", json);
  CHECK_HAS("\"reasoning_tokens\":0", json);
  CHECK_HAS("\"pending_bytes\":0", json);
  CHECK_HAS("\"models\":{", json);
  CHECK_HAS("\"m\":{\"submitted\":1", json);
  CHECK_HAS("\"other\":{\"submitted\":0", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct heard {
  llmq_manager_t* manager;
  struct latch latch;
  uint64_t ends;
};

static void hear(void* user, const llmq_event_t* event) {
  struct heard* heard = user;
  CHECK_INT(LLMQ_EV_DONE, event->type);
  ++heard->ends;
  CHECK(stats_of(heard->manager, "m").completed >= heard->ends);
  CHECK(stats_of(heard->manager, NULL).completed >= heard->ends);
  latch_hit(&heard->latch);
}

static void who_hears_of_an_end_finds_it_counted(void) {
  enum { kRequests = 200 };
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"deployments\":[{\"provider\":\"mock\",\"mock\":"
      "{\"latency_ms\":0}}]}]}");
  struct heard heard;
  heard.manager = manager;
  heard.ends = 0;
  latch_init(&heard.latch);
  llmq_request_t request = request_to("m", "x");
  request.done_fn = hear;
  request.done_user = &heard;
  for (int i = 0; i < kRequests; ++i) CHECK_OK(llmq_submit(manager, &request, NULL));
  latch_wait(&heard.latch, kRequests);
  CHECK_INT(kRequests, stats_of(manager, NULL).completed);

  request.done_fn = NULL;
  request.done_user = NULL;
  llmq_cq_t* cq = new_cq();
  for (uint64_t ended = kRequests + 1; ended <= 2 * kRequests; ++ended) {
    if (ended % 2 == 0) {
      llmq_response_t* response = NULL;
      CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
      llmq_response_free(response);
    } else {
      const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
      expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
    }
    CHECK_INT(ended, stats_of(manager, "m").completed);
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void members_of_a_later_header_read_as_zero(void) {
  struct {
    llmq_stats_t stats;
    uint64_t later[2];
  } wide;
  llmq_manager_t* manager = plain_manager();
  memset(&wide, 0xff, sizeof wide);
  wide.stats.struct_size = sizeof wide;
  CHECK_OK(llmq_stats(manager, NULL, 0, &wide.stats));
  CHECK_INT(sizeof wide, wide.stats.struct_size);
  CHECK_INT(0, wide.later[0]);
  CHECK_INT(0, wide.later[1]);
  wide.stats.struct_size = UINT32_MAX;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_stats(manager, NULL, 0, &wide.stats));
  CHECK_OK(llmq_manager_destroy(manager));
}

/* What names may hold must come out as JSON again. */
static void odd_names_stay_valid_json(void) {
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  char* json = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_OK(llmq_conf_set(conf, "model.a\"b.rpm", "5", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.c\\d.rpm", "5", NULL));
  CHECK_OK(llmq_conf_set(conf, "model.\xc3\xa9.x.rpm", "5", NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  CHECK_OK(llmq_manager_models_json(manager, &json, NULL));
  CHECK_TEXT("[\"a\\\"b\",\"c\\\\d\",\"\xc3\xa9.x\"]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK_HAS("\"a\\\"b\":{", json);
  CHECK_HAS("\"c\\\\d\":{", json);
  CHECK_HAS("\"\xc3\xa9.x\":{", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  CHECK_HAS("\"model\":\"a\\\"b\"", json);
  llmq_buf_free(json);
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(refuses_bad_arguments);
  RUN(counts_what_happens);
  RUN(json_says_the_same);
  RUN(who_hears_of_an_end_finds_it_counted);
  RUN(members_of_a_later_header_read_as_zero);
  RUN(odd_names_stay_valid_json);
  return 0;
}
