/* llmq.h: memory that grows with requests, from functions of the host. */
#include "helpers.h"

/* Counts what is out; each block knows its size. */
struct arena {
  int64_t blocks;
  int64_t bytes;
  int64_t limit; /* of bytes; 0 = none */
  int freed;     /* how often user_free has run */
};

enum { kHead = 16 };

static void* take(void* user, size_t size) {
  struct arena* arena = user;
  const int64_t limit = __atomic_load_n(&arena->limit, __ATOMIC_SEQ_CST);
  CHECK(size > 0);
  CHECK_INT(0, calls_of(&arena->freed));
  if (limit > 0 && __atomic_load_n(&arena->bytes, __ATOMIC_SEQ_CST) + (int64_t)size > limit) {
    return NULL;
  }
  char* block = malloc(kHead + size);
  CHECK(block != NULL);
  memcpy(block, &size, sizeof size);
  memset(block + kHead, 0xa5, size); /* nobody may count on zeros */
  __atomic_fetch_add(&arena->blocks, 1, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&arena->bytes, (int64_t)size, __ATOMIC_SEQ_CST);
  return block + kHead;
}

static void give_back(void* user, void* memory, size_t size) {
  struct arena* arena = user;
  char* block = (char*)memory - kHead;
  size_t taken = 0;
  CHECK(memory != NULL);
  CHECK_INT(0, calls_of(&arena->freed));
  memcpy(&taken, block, sizeof taken);
  CHECK_INT(taken, size);
  __atomic_fetch_sub(&arena->blocks, 1, __ATOMIC_SEQ_CST);
  __atomic_fetch_sub(&arena->bytes, (int64_t)size, __ATOMIC_SEQ_CST);
  free(block);
}

static void arena_free(void* user) { count_call(&((struct arena*)user)->freed); }

static int64_t bytes_out(const struct arena* arena) {
  return __atomic_load_n(&arena->bytes, __ATOMIC_SEQ_CST);
}

static void limit_to(struct arena* arena, int64_t more) {
  __atomic_store_n(&arena->limit, bytes_out(arena) + more, __ATOMIC_SEQ_CST);
}

static void lift_limit(struct arena* arena) {
  __atomic_store_n(&arena->limit, 0, __ATOMIC_SEQ_CST);
}

static void expect_all_back(const struct arena* arena) {
  CHECK_INT(0, arena->blocks);
  CHECK_INT(0, arena->bytes);
  CHECK_INT(1, arena->freed);
}

static llmq_manager_t* manager_with(struct arena* arena, const char* json) {
  llmq_conf_t* conf = conf_of(json);
  llmq_manager_t* manager = NULL;
  memset(arena, 0, sizeof *arena);
  CHECK_OK(llmq_conf_set_allocator(conf, take, give_back, arena, arena_free));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  return manager;
}

#define PLAIN "{\"models\":[{\"name\":\"m\"}]}"
#define MOCK                                                                          \
  "{\"models\":[{\"name\":\"m\",\"deployments\":[{\"provider\":\"mock\"}],\"retry\":" \
  "{\"max_attempts\":2}}]}"

static void fill_texts(llmq_request_t* request) {
  static const char kLong[] = "a text that is too long to be held in the record itself";
  request->tenant = request->request_key = kLong;
  request->metadata = kLong;
  request->tenant_len = request->request_key_len = request->metadata_len = sizeof kLong - 1;
}

static void what_waits_is_counted_and_comes_back(void) {
  enum { kRequests = 2000, kPayload = 1000 };
  static char payload[kPayload + 1];
  struct arena arena;
  llmq_manager_t* manager = manager_with(
      &arena, "{\"models\":[{\"name\":\"m\",\"limits\":[{\"requests\":1,\"per\":\"1d\"}]}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  memset(payload, 'p', kPayload);
  for (int i = 0; i < kRequests; ++i) {
    llmq_request_t request = request_to("m", payload);
    llmq_request_id_t id = 0;
    if (i % 2 == 1) fill_texts(&request);
    request.cq = cq;
    CHECK_OK(llmq_submit(manager, &request, &id));
  }
  CHECK(bytes_out(&arena) > kRequests * (kPayload + 200));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), payload, kPayload, NULL));
  llmq_event_t done = next_event(cq);
  CHECK_INT(kPayload, done.data_len);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(0, arena.freed); /* events wait to be drained */
  llmq_cq_unref(cq);
  expect_all_back(&arena);
}

static void a_response_may_be_the_last_to_go(void) {
  static const char kAnswer[] = "an answer that is too long to be held in the record itself";
  struct arena arena;
  llmq_manager_t* manager = manager_with(&arena, PLAIN);
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = request_to("m", "x");
  llmq_response_t* kept = NULL;
  llmq_response_t* taken = NULL;
  llmq_request_id_t id = 0;
  fill_texts(&request);
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), kAnswer, strlen(kAnswer), NULL));
  llmq_event_t done = next_event(cq);
  CHECK_OK(llmq_event_take(&done, &taken));
  llmq_events_release(&done, sizeof done, 1);
  request.flags = LLMQ_REQUEST_KEEP;
  CHECK_OK(llmq_submit(manager, &request, &id));
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), kAnswer, strlen(kAnswer), NULL));
  done = next_event(cq);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_OK(llmq_response_get(manager, id, &kept));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  CHECK_INT(0, arena.freed);
  CHECK(arena.bytes > (int64_t)(2 * sizeof kAnswer));
  size_t len = 0;
  CHECK_INT(0, strcmp(kAnswer, llmq_response_data(kept, &len)));
  CHECK_INT(strlen(kAnswer), len);
  llmq_response_free(kept);
  CHECK_INT(0, arena.freed);
  CHECK_INT(0, strcmp(kAnswer, llmq_response_data(taken, &len)));
  llmq_response_free(taken);
  expect_all_back(&arena);
}

static void chunks_may_outlive_the_manager(void) {
  static const char kPiece[] = "a piece that is too long to be held in the record itself";
  struct arena arena;
  llmq_manager_t* manager = manager_with(&arena, PLAIN);
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  llmq_request_t request = request_to("m", "x");
  request.flags = LLMQ_REQUEST_STREAM;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  limit_to(&arena, (int64_t)strlen(kPiece));
  CHECK_STATUS(LLMQ_ERR_NOMEM,
               llmq_attempt_chunk(manager, attempt, kPiece, strlen(kPiece))); /* and a NUL */
  lift_limit(&arena);
  CHECK_OK(llmq_attempt_chunk(manager, attempt, kPiece, strlen(kPiece)));
  llmq_event_t chunk = next_event(cq);
  CHECK_INT(LLMQ_EV_CHUNK, chunk.type);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, kPiece, strlen(kPiece), NULL));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  CHECK_INT(0, arena.freed);
  CHECK_INT(0, memcmp(kPiece, chunk.data, chunk.data_len));
  llmq_events_release(&chunk, sizeof chunk, 1);
  expect_all_back(&arena);
}

static void what_finds_no_room_is_refused(void) {
  static char payload[4097];
  struct arena arena;
  llmq_manager_t* manager = manager_with(&arena, PLAIN);
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  memset(payload, 'p', sizeof payload - 1);
  llmq_request_t request = request_to("m", payload);
  llmq_request_id_t id = 0;
  request.cq = cq;
  limit_to(&arena, 100); /* not even a first record */
  CHECK_STATUS(LLMQ_ERR_NOMEM, llmq_submit(manager, &request, &id));
  lift_limit(&arena);
  CHECK_OK(llmq_submit(manager, &request, &id));
  limit_to(&arena, 4000);
  CHECK_STATUS(LLMQ_ERR_NOMEM, llmq_submit(manager, &request, NULL));
  lift_limit(&arena);

  /* An answer that finds none is still wanted: the attempt goes on. */
  const llmq_attempt_id_t attempt = nth_attempt(&held, 1);
  limit_to(&arena, 1);
  CHECK_STATUS(LLMQ_ERR_NOMEM,
               llmq_attempt_succeed(manager, attempt, payload, sizeof payload - 1, NULL));
  check_no_event(cq);
  lift_limit(&arena);
  CHECK_OK(llmq_attempt_succeed(manager, attempt, payload, sizeof payload - 1, NULL));
  llmq_event_t done = next_event(cq);
  CHECK_STATUS(LLMQ_OK, done.status);
  CHECK(done.request_id == id);
  CHECK_INT(sizeof payload - 1, done.data_len);
  llmq_events_release(&done, sizeof done, 1);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  expect_all_back(&arena);
}

static void an_answer_without_room_ends_its_request_alone(void) {
  struct arena arena;
  llmq_manager_t* manager = manager_with(&arena, MOCK);
  llmq_cq_t* cq = new_cq();
  llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  llmq_event_t done = next_event(cq); /* the records are there now */
  CHECK_STATUS(LLMQ_OK, done.status);
  CHECK(done.data_len > 100); /* what is to find no room */
  llmq_events_release(&done, sizeof done, 1);
  limit_to(&arena, 50);
  id = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, id, LLMQ_ERR_NOMEM, LLMQ_STATE_FAILED);
  lift_limit(&arena);
  id = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  expect_all_back(&arena);
}

static void shared_calls_and_second_calls_give_all_back(void) {
  enum { kRequests = 400 };
  struct arena arena;
  llmq_manager_t* manager = manager_with(
      &arena,
      "{\"models\":[{\"name\":\"m\",\"deployments\":[{\"name\":\"a\",\"provider\":\"mock\","
      "\"mock\":"
      "{\"latency_ms\":2000}},{\"name\":\"b\",\"provider\":\"mock\"}],\"hedge\":{\"enabled\":true,"
      "\"after_ms\":1,\"budget_percent\":100},\"cache\":{\"ttl_s\":60}}]}");
  llmq_cq_t* cq = new_cq();
  for (int i = 0; i < kRequests; ++i) {
    static const char* const kKeys[] = {"a key of the first sort, and long",
                                        "another key, as long"};
    llmq_request_t request = request_to("m", "the payload");
    request.cq = cq;
    if (i % 4 == 0) request.flags = LLMQ_REQUEST_STREAM;
    if (i % 2 == 0) {
      request.dedup_key = kKeys[i % 4 / 2];
      request.dedup_key_len = strlen(request.dedup_key);
    }
    CHECK_OK(llmq_submit(manager, &request, NULL));
  }
  for (int ended = 0; ended < kRequests;) {
    llmq_event_t event = next_event(cq);
    if (event.type == LLMQ_EV_DONE) {
      CHECK_STATUS(LLMQ_OK, event.status);
      ++ended;
    }
    llmq_events_release(&event, sizeof event, 1);
  }
  const llmq_request_id_t last = submit_to_cq(manager, "m", "x", cq);
  expect_done(cq, last, LLMQ_OK, LLMQ_STATE_COMPLETED);
  char* json = NULL;
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  CHECK(strstr(json, "\"hedges\":") != NULL && strstr(json, "\"hedges\":0,") == NULL);
  CHECK(strstr(json, "\"joined\":") != NULL && strstr(json, "\"joined\":0,") == NULL);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  expect_all_back(&arena);
}

static void several_managers_share_the_functions(void) {
  struct arena arena;
  llmq_conf_t* conf = conf_of(PLAIN);
  llmq_conf_t* copy = NULL;
  llmq_manager_t* managers[2];
  memset(&arena, 0, sizeof arena);
  CHECK_OK(llmq_conf_set_allocator(conf, take, give_back, &arena, arena_free));
  CHECK_OK(llmq_conf_copy(conf, &copy));
  CHECK_OK(llmq_manager_create(conf, &managers[0], NULL));
  CHECK_OK(llmq_manager_create(copy, &managers[1], NULL));
  llmq_conf_free(conf);
  llmq_conf_free(copy);
  for (int i = 0; i < 2; ++i) {
    const int64_t before = bytes_out(&arena);
    llmq_request_t request = request_to("m", "x");
    request.flags = LLMQ_REQUEST_KEEP;
    CHECK_OK(llmq_submit(managers[i], &request, NULL));
    CHECK(bytes_out(&arena) > before);
  }
  CHECK_OK(llmq_manager_destroy(managers[0]));
  CHECK_INT(0, arena.freed);
  CHECK_OK(llmq_manager_destroy(managers[1]));
  expect_all_back(&arena);
}

static void one_function_without_the_other_is_refused(void) {
  struct arena arena;
  llmq_conf_t* conf = conf_of(PLAIN);
  memset(&arena, 0, sizeof arena);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_allocator(conf, take, NULL, &arena, arena_free));
  CHECK_INT(1, arena.freed);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_conf_set_allocator(conf, NULL, give_back, &arena, arena_free));
  CHECK_INT(2, arena.freed);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_conf_set_allocator(JUNK, take, give_back, &arena, arena_free));
  CHECK_INT(3, arena.freed);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_allocator(NULL, take, give_back, NULL, NULL));

  memset(&arena, 0, sizeof arena);
  CHECK_OK(llmq_conf_set_allocator(conf, take, give_back, &arena, arena_free));
  CHECK_OK(llmq_conf_set_allocator(conf, NULL, NULL, NULL, NULL)); /* the heap again */
  CHECK_INT(1, arena.freed);
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(0, arena.blocks);
}

int main(void) {
  RUN(what_waits_is_counted_and_comes_back);
  RUN(a_response_may_be_the_last_to_go);
  RUN(chunks_may_outlive_the_manager);
  RUN(what_finds_no_room_is_refused);
  RUN(an_answer_without_room_ends_its_request_alone);
  RUN(shared_calls_and_second_calls_give_all_back);
  RUN(several_managers_share_the_functions);
  RUN(one_function_without_the_other_is_refused);
  return 0;
}
