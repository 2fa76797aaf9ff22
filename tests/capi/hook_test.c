/* llmq.h, section Hooks. */
#include "helpers.h"

#define TOLD_MAX 256

/* What a hook was told, in order. */
struct told {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  llmq_hook_t hooks[TOLD_MAX];
  char models[TOLD_MAX][16];
  char tenants[TOLD_MAX][16];
  char limits[TOLD_MAX][32];
  int count;
  int freed;
  llmq_manager_t* manager; /* for hooks that call it */
  llmq_cq_t* cq;
  int acted;
};

static void copy_text(char* to, size_t room, const char* text, uint64_t len) {
  CHECK(text != NULL);
  CHECK(len < room);
  CHECK_INT(len, strlen(text));
  memcpy(to, text, (size_t)len + 1);
}

static void note(void* user, const llmq_hook_t* hook) {
  struct told* told = user;
  CHECK_INT(sizeof(llmq_hook_t), hook->struct_size);
  pthread_mutex_lock(&told->mutex);
  CHECK_INT(0, told->freed);
  CHECK(told->count < TOLD_MAX);
  const int n = told->count++;
  told->hooks[n] = *hook;
  copy_text(told->models[n], sizeof told->models[n], hook->model, hook->model_len);
  copy_text(told->tenants[n], sizeof told->tenants[n], hook->tenant, hook->tenant_len);
  copy_text(told->limits[n], sizeof told->limits[n], hook->limit, hook->limit_len);
  CHECK(hook->deployment != NULL);
  CHECK_INT(strlen(hook->deployment), hook->deployment_len);
  pthread_cond_broadcast(&told->changed);
  pthread_mutex_unlock(&told->mutex);
}

static void told_freed(void* user) { count_call(&((struct told*)user)->freed); }

static void told_init(struct told* told) {
  memset(told, 0, sizeof *told);
  pthread_mutex_init(&told->mutex, NULL);
  pthread_cond_init(&told->changed, NULL);
}

static void told_wait(struct told* told, int n) {
  pthread_mutex_lock(&told->mutex);
  while (told->count < n) wait_changed(&told->changed, &told->mutex);
  pthread_mutex_unlock(&told->mutex);
}

static void check_types(const struct told* told, const uint32_t* types, int n) {
  for (int i = 0; i < n && i < told->count; ++i) CHECK_INT(types[i], told->hooks[i].type);
  CHECK_INT(n, told->count);
}

static void a_request_is_told_from_submit_to_end(void) {
  static const uint32_t kTypes[] = {LLMQ_HOOK_REQUEST_SUBMITTED, LLMQ_HOOK_ADMITTED,
                                    LLMQ_HOOK_ATTEMPT_STARTED, LLMQ_HOOK_ATTEMPT_FINISHED,
                                    LLMQ_HOOK_COMPLETED};
  struct told told;
  told_init(&told);
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  CHECK_OK(llmq_set_hook(manager, UINT32_MAX, note, &told, told_freed));
  llmq_request_t request = request_to("m", "x");
  llmq_request_id_t id = 0;
  request.tenant = "ann";
  request.tenant_len = 3;
  request.user_data = 77;
  request.cq = cq;
  const int64_t before = llmq_now_ns();
  CHECK_OK(llmq_submit(manager, &request, &id));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  const int64_t after = llmq_now_ns();
  check_types(&told, kTypes, 5); /* all of it is told before DONE */
  for (int i = 0; i < 5; ++i) {
    const llmq_hook_t* hook = &told.hooks[i];
    CHECK(hook->request_id == id);
    CHECK_INT(77, hook->user_data);
    CHECK_TEXT("m", told.models[i]);
    CHECK_TEXT("ann", told.tenants[i]);
    CHECK_TEXT("", told.limits[i]);
    CHECK(hook->time_ns <= after);
    CHECK(hook->time_ns >= (i == 0 ? before - SECOND : told.hooks[i - 1].time_ns));
    CHECK((hook->attempt_id != 0) == (i > 0));
    CHECK_INT(i > 0, hook->attempt);
    CHECK_INT(i == 3 || i == 4, hook->usage_known);
    CHECK_INT(i == 3 || i == 4 ? 3 : 0, hook->output_tokens);
    CHECK_OK(hook->status);
  }
  CHECK_INT(LLMQ_STATE_PENDING, told.hooks[0].state);
  CHECK_INT(LLMQ_STATE_PROCESSING, told.hooks[2].state);
  CHECK_INT(LLMQ_STATE_COMPLETED, told.hooks[4].state);
  CHECK(told.hooks[3].attempt_id == told.hooks[1].attempt_id);
  CHECK_INT(told.hooks[3].time_ns - told.hooks[2].time_ns, told.hooks[3].run_ns);
  CHECK_INT(told.hooks[1].time_ns - told.hooks[0].time_ns, told.hooks[1].queued_ns);
  CHECK_INT(0, calls_of(&told.freed));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&told.freed));
  llmq_cq_unref(cq);
}

static void failures_and_retries_are_told(void) {
  static const uint32_t kTypes[] = {LLMQ_HOOK_ATTEMPT_FINISHED, LLMQ_HOOK_RETRIED,
                                    LLMQ_HOOK_ATTEMPT_FINISHED, LLMQ_HOOK_COMPLETED};
  struct told told;
  struct held held;
  told_init(&told);
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":1,\"cap_ms\":1}}]}");
  llmq_cq_t* cq = new_cq();
  hold_attempts(manager, "m", &held);
  CHECK_OK(llmq_set_hook(manager,
                         LLMQ_HOOK_ATTEMPT_FINISHED | LLMQ_HOOK_RETRIED | LLMQ_HOOK_COMPLETED, note,
                         &told, told_freed));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_SERVER, "no", 2, 0));
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 2), LLMQ_ERR_AUTH, "no", 2, 0));
  expect_done(cq, id, LLMQ_ERR_AUTH, LLMQ_STATE_FAILED);
  check_types(&told, kTypes, 4);
  CHECK_STATUS(LLMQ_ERR_SERVER, told.hooks[0].status);
  CHECK_STATUS(LLMQ_ERR_SERVER, told.hooks[1].status);
  CHECK_INT(MS, told.hooks[1].delay_ns);
  CHECK_INT(LLMQ_STATE_PENDING, told.hooks[1].state);
  CHECK_INT(1, told.hooks[1].attempt);
  CHECK(told.hooks[1].attempt_id == held.ready[0].attempt_id);
  CHECK(told.hooks[2].attempt_id == held.ready[1].attempt_id);
  CHECK_STATUS(LLMQ_ERR_AUTH, told.hooks[3].status);
  CHECK_INT(LLMQ_STATE_FAILED, told.hooks[3].state);
  CHECK_INT(2, told.hooks[3].attempt);
  CHECK_INT(0, told.hooks[3].usage_known);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void the_first_byte_of_a_stream_is_told(void) {
  struct told told;
  told_init(&told);
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"deployments\":[{\"provider\":\"mock\"}]}]}");
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_FIRST_BYTE | LLMQ_HOOK_COMPLETED, note, &told, NULL));
  llmq_request_t request =
      request_to("m", "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"stream\":true}");
  request.operation = LLMQ_OP_CHAT;
  request.cq = cq;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  told_wait(&told, 2);
  CHECK_INT(LLMQ_HOOK_FIRST_BYTE, told.hooks[0].type);
  CHECK_INT(1, told.hooks[0].attempt);
  CHECK_INT(LLMQ_HOOK_COMPLETED, told.hooks[1].type);
  CHECK_OK(told.hooks[1].status);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void changes_of_limits_are_told(void) {
  struct told told;
  told_init(&told);
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"rpm\":100,\"pool\":\"p\"}],"
      "\"pools\":[{\"name\":\"p\",\"limits\":[\"tokens=9000/1m\"]}]}");
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_LIMIT_CHANGED, note, &told, NULL));
  CHECK_OK(llmq_manager_set(manager, "model.m.rpm", "40", NULL));
  CHECK_OK(llmq_manager_set(manager, "pool.p.limits", "tokens=8000/1m", NULL));
  told_wait(&told, 2);
  CHECK_INT(LLMQ_HOOK_LIMIT_CHANGED, told.hooks[0].type);
  CHECK_TEXT("m", told.models[0]);
  CHECK_TEXT("requests/1m", told.limits[0]);
  CHECK_INT(100, told.hooks[0].old_value);
  CHECK_INT(40, told.hooks[0].new_value);
  CHECK(told.hooks[0].request_id == 0 && told.hooks[0].attempt_id == 0);
  CHECK_INT(0, told.hooks[0].state);
  CHECK_TEXT("tokens/1m of pool p", told.limits[1]);
  CHECK_INT(9000, told.hooks[1].old_value);
  CHECK_INT(8000, told.hooks[1].new_value);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* The first end makes the hook submit another request, cancel it, read, and put another hook in its
 * own place. */
static void note_and_act(void* user, const llmq_hook_t* hook) {
  struct told* told = user;
  note(user, hook);
  if (told->acted++ != 0) return;
  llmq_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_OK(llmq_stats(told->manager, "m", 1, &stats));
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(told->manager, "m", 1, &json, NULL));
  llmq_buf_free(json);
  int32_t state = 0;
  CHECK_OK(llmq_request_state(told->manager, hook->request_id, &state));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_manager_destroy(told->manager));
  llmq_request_t request = request_to("m", "y");
  llmq_request_id_t id = 0;
  request.cq = told->cq;
  request.user_data = 2;
  CHECK_OK(llmq_submit(told->manager, &request, &id));
  CHECK_OK(llmq_cancel(told->manager, id));
  CHECK_OK(llmq_set_hook(told->manager, LLMQ_HOOK_COMPLETED, note, told, told_freed));
  CHECK_INT(0, calls_of(&told->freed)); /* it still runs */
}

static void a_hook_may_call(void) {
  struct told told;
  struct held held;
  told_init(&told);
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  told.manager = manager;
  told.cq = cq;
  hold_attempts(manager, "m", &held);
  static int freed;
  freed = 0;
  CHECK_OK(llmq_set_hook(manager, LLMQ_HOOK_COMPLETED, note_and_act, &told, NULL));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 1), NULL, 0, NULL));
  expect_done(cq, id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  llmq_event_t event = next_event(cq);
  CHECK_STATUS(LLMQ_ERR_CANCELLED, event.status);
  CHECK_INT(2, event.user_data);
  llmq_events_release(&event, sizeof event, 1);
  CHECK_INT(2, told.count);
  CHECK_STATUS(LLMQ_ERR_CANCELLED, told.hooks[1].status);
  CHECK_INT(1, held_count(&held)); /* the cancelled one has never started */
  CHECK_OK(llmq_set_hook(manager, UINT32_MAX, NULL, &freed, count_call)); /* removed */
  const llmq_request_id_t last = submit_to_cq(manager, "m", "z", cq);
  CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, 2), NULL, 0, NULL));
  expect_done(cq, last, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_INT(2, told.count);
  CHECK_INT(1, calls_of(&told.freed));
  CHECK_INT(1, calls_of(&freed));
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_INT(1, calls_of(&told.freed));
  llmq_cq_unref(cq);
}

static void what_never_started_is_told_too(void) {
  static const uint32_t kTypes[] = {LLMQ_HOOK_REQUEST_SUBMITTED, LLMQ_HOOK_REQUEST_SUBMITTED,
                                    LLMQ_HOOK_COMPLETED, LLMQ_HOOK_COMPLETED};
  struct told told;
  told_init(&told);
  llmq_manager_t* manager = plain_manager(); /* nobody runs its attempts */
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_set_hook(manager, UINT32_MAX, note, &told, told_freed));
  const llmq_request_id_t first = submit_to_cq(manager, "m", "x", cq);
  submit_to_cq(manager, "m", "y", cq);
  told_wait(&told, 2);
  CHECK_OK(llmq_cancel(manager, first));
  told_wait(&told, 3);
  CHECK_OK(llmq_manager_remove_model(manager, "m", 1, LLMQ_SHUTDOWN_ABORT));
  told_wait(&told, 4);
  check_types(&told, kTypes, 4);
  CHECK_STATUS(LLMQ_ERR_CANCELLED, told.hooks[2].status);
  CHECK_INT(0, told.hooks[2].run_ns);
  CHECK(told.hooks[2].queued_ns >= 0);
  CHECK_STATUS(LLMQ_ERR_CLOSING, told.hooks[3].status);
  CHECK(told.hooks[3].attempt_id == 0);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void a_failing_call_frees_its_user(void) {
  int freed = 0;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_hook(NULL, 1, note, &freed, count_call));
  CHECK_INT(1, freed);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_hook(JUNK, 1, note, &freed, count_call));
  CHECK_INT(2, freed);
  llmq_manager_t* manager = plain_manager();
  close_manager(manager);
  const llmq_status_t status = llmq_set_hook(manager, 1, note, &freed, count_call);
  CHECK(status == LLMQ_ERR_CLOSED || status == LLMQ_ERR_CLOSING);
  CHECK_INT(3, freed);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void* replace_again_and_again(void* user) {
  struct told* told = user;
  for (int i = 0; i < 200; ++i) {
    CHECK_OK(llmq_set_hook(told->manager, 0, note, told, told_freed));
  }
  return NULL;
}

static void every_hook_is_freed_once(void) {
  struct told told;
  pthread_t threads[4];
  told_init(&told);
  told.manager = plain_manager();
  for (int i = 0; i < 4; ++i) {
    CHECK_INT(0, pthread_create(&threads[i], NULL, replace_again_and_again, &told));
  }
  for (int i = 0; i < 4; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
  CHECK_OK(llmq_manager_destroy(told.manager));
  CHECK_INT(800, calls_of(&told.freed));
  CHECK_INT(0, told.count);
}

int main(void) {
  RUN(a_request_is_told_from_submit_to_end);
  RUN(failures_and_retries_are_told);
  RUN(the_first_byte_of_a_stream_is_told);
  RUN(changes_of_limits_are_told);
  RUN(a_hook_may_call);
  RUN(what_never_started_is_told_too);
  RUN(a_failing_call_frees_its_user);
  RUN(every_hook_is_freed_once);
  return 0;
}
