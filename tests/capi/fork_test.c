/* What a forked child may do with the handles that it inherited: nothing but drop them. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers.h"

/* ThreadSanitizer ends a child of a threaded process that makes a thread. */
#if defined(__SANITIZE_THREAD__)
#define CHILD_MAY_MAKE_THREADS 0
#else
#define CHILD_MAY_MAKE_THREADS 1
#endif

/* Another thread may hold the lock of AddressSanitizer's allocator when the process forks: then the
 * child waits for ever. (gcc 12: 43 of 180 runs; without it none of 60.) So with it a process forks
 * when its other threads sleep. QEMU's user emulation has such locks too. */
#if defined(__SANITIZE_ADDRESS__) || defined(IS_EMULATED)
#define MAY_FORK_BESIDE_BUSY_THREADS 0
#else
#define MAY_FORK_BESIDE_BUSY_THREADS 1
#endif

static int thread_sleeps(const char* id) {
  char path[64];
  char stat[512] = "";
  (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", id);
  FILE* file = fopen(path, "r");
  if (file == NULL) return 1; /* it has ended */
  const size_t size = fread(stat, 1, sizeof stat - 1, file);
  (void)fclose(file);
  if (size == 0) return 1;                /* it ended meanwhile */
  const char* state = strrchr(stat, ')'); /* "7 (name) S ..." */
  CHECK(state != NULL);
  return state[2] == 'S' || atoi(id) == (int)getpid(); /* this one asks */
}

static void wait_until_other_threads_sleep(void) {
  int all = 0;
  while (!all) {
    DIR* threads = opendir("/proc/self/task");
    CHECK(threads != NULL);
    all = 1;
    for (struct dirent* entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
      if (entry->d_name[0] != '.' && !thread_sleeps(entry->d_name)) all = 0;
    }
    (void)closedir(threads);
    (void)sched_yield();
  }
}

/* Runs `body` in a child; a check that fails there fails here. */
static void in_child(void (*body)(void*), void* user) {
  (void)fflush(stdout);
  if (!MAY_FORK_BESIDE_BUSY_THREADS) wait_until_other_threads_sleep();
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    body(user);
    _exit(0);
  }
  int how = 0;
  CHECK(waitpid(child, &how, 0) == child);
  CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

struct inherited {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  llmq_conf_t* conf;
  llmq_response_t* response;
  llmq_request_id_t id;
  llmq_attempt_id_t attempt;
};

static void try_everything(void* user) {
  struct inherited* own = user;
  const llmq_status_t kForked = LLMQ_ERR_FORKED;
  llmq_manager_t* m = own->manager;
  llmq_request_t request = request_to("m", "x");
  const llmq_usage_t usage = usage_of(1, 1);
  llmq_usage_t own_usage = usage;
  llmq_wait_t wait;
  llmq_response_t* response = NULL;
  llmq_error_t* err = NULL;
  llmq_stats_t stats;
  llmq_event_t event;
  const char* text = NULL;
  const void* bytes = NULL;
  char* json = NULL;
  size_t len = 0;
  int32_t number = 0;
  uint32_t count = 0;
  int64_t time = 0;
  llmq_attempt_id_t permit = 0;
  int freed = 0;
  stats.struct_size = sizeof stats;
  memset(&wait, 0, sizeof wait);
  wait.struct_size = sizeof wait;
  memset(&event, 0, sizeof event);
  event.stride = sizeof event;
  request.cq = own->cq;

  CHECK_STATUS(kForked, llmq_submit(m, &request, NULL));
  CHECK_STATUS(kForked, llmq_submit_batch(m, &request, sizeof request, 1, NULL, &len));
  CHECK_STATUS(kForked, llmq_request_check(m, &request, &err));
  CHECK_STATUS(kForked, llmq_error_code(err));
  llmq_error_free(err);
  request.cq = NULL;
  CHECK_STATUS(kForked, llmq_submit_wait(m, &request, -1, &response));
  CHECK_STATUS(kForked, llmq_cancel(m, own->id));
  CHECK_STATUS(kForked, llmq_request_state(m, own->id, &number));
  CHECK_STATUS(kForked, llmq_response_get(m, own->id, &response));
  CHECK_STATUS(kForked, llmq_response_peek(m, own->id, &response));
  CHECK_STATUS(kForked, llmq_usage_update(m, own->id, &usage));
  CHECK_STATUS(kForked, llmq_report_limits(m, "m", 1, NULL, NULL, NULL, NULL, 0));
  CHECK_STATUS(kForked, llmq_attempt_report_limits(m, own->attempt, NULL, NULL, NULL, NULL, 0));
  CHECK_STATUS(kForked, llmq_manager_register_models(m, own->conf, 0, NULL));
  CHECK_STATUS(kForked, llmq_manager_remove_model(m, "m", 1, 0));
  CHECK_STATUS(kForked, llmq_manager_set(m, "max_pending", "5", &err));
  CHECK_STATUS(kForked, llmq_error_code(err));
  llmq_error_free(err);
  CHECK_STATUS(kForked, llmq_request_estimate(m, &request, &own_usage, NULL));
  CHECK_STATUS(kForked, llmq_request_wait_estimate(m, own->id, &wait));
  CHECK_STATUS(kForked, llmq_manager_models_json(m, &json, NULL));
  CHECK_STATUS(kForked, llmq_manager_info_json(m, NULL, 0, &json, NULL));
  CHECK_STATUS(kForked, llmq_manager_shutdown(m, LLMQ_SHUTDOWN_ABORT, 0, NULL, 0));
  CHECK_STATUS(kForked, llmq_model_set_processor(m, "m", 1, echo, NULL, &freed, count_call));
  CHECK_INT(1, freed);
  CHECK_STATUS(kForked, llmq_model_set_workers(m, "m", 1, own->cq, 0));
  CHECK_STATUS(kForked, llmq_attempt_heartbeat(m, own->attempt));
  CHECK_STATUS(kForked, llmq_manager_fd(m, &number));
  CHECK_STATUS(kForked, llmq_manager_timeout_ns(m, &time));
  CHECK_STATUS(kForked, llmq_manager_process(m));
  CHECK_STATUS(kForked, llmq_cq_set_wakeup(own->cq, count_call, &freed, count_call));
  CHECK_INT(2, freed);
  CHECK_INT(0, llmq_cq_dispatch(own->cq, echo, m, 1));
  CHECK_STATUS(kForked, llmq_acquire(m, &request, NULL));
  CHECK_STATUS(kForked, llmq_try_acquire(m, &request, &permit, NULL));
  CHECK_STATUS(kForked, llmq_permit_release(m, own->attempt, NULL));
  CHECK_STATUS(kForked, llmq_attempt_deployment(m, own->attempt, &text, &len));
  CHECK_STATUS(kForked, llmq_attempt_number(m, own->attempt, &count));
  CHECK_STATUS(kForked, llmq_attempt_deadline_ns(m, own->attempt, &time));
  CHECK_STATUS(kForked, llmq_attempt_succeed(m, own->attempt, NULL, 0, NULL));
  CHECK_STATUS(kForked, llmq_attempt_fail(m, own->attempt, LLMQ_ERR_SERVER, NULL, 0, 0));
  CHECK_STATUS(kForked, llmq_attempt_model(m, own->attempt, &text, &len));
  CHECK_STATUS(kForked, llmq_attempt_tenant(m, own->attempt, &text, &len));
  CHECK_STATUS(kForked, llmq_attempt_request_key(m, own->attempt, &text, &len));
  CHECK_STATUS(kForked, llmq_attempt_metadata(m, own->attempt, &bytes, &len));
  CHECK_STATUS(kForked, llmq_stats(m, NULL, 0, &stats));
  CHECK_STATUS(kForked, llmq_stats_json(m, &json, NULL));
  CHECK_STATUS(kForked, llmq_set_hook(m, 1, NULL, &freed, count_call));
  CHECK_INT(3, freed);
  CHECK_STATUS(kForked, llmq_set_hook_queue(m, 1, own->cq, 0));
  CHECK_STATUS(kForked, llmq_cq_wait(own->cq, -1));
  CHECK_STATUS(kForked, llmq_cq_wake(own->cq));
  CHECK_STATUS(kForked, llmq_cq_fd(own->cq, 0, &number));
  CHECK_INT(0, llmq_cq_drain(own->cq, &event, 1));
  CHECK(json == NULL && response == NULL);

  /* What is only memory works. */
  CHECK_TEXT("response", (const char*)llmq_response_data(own->response, NULL));
  llmq_response_free(own->response);
  CHECK_OK(llmq_conf_set(own->conf, "max_pending", "7", NULL));
  llmq_conf_free(own->conf);
  CHECK(llmq_manager_ref(m) == m);
  llmq_manager_unref(m);
  CHECK_STATUS(kForked, llmq_manager_destroy(m)); /* the memory is freed */
  llmq_cq_unref(own->cq);
}

static void every_inherited_handle_answers_forked(void) {
  struct inherited own;
  struct held held;
  llmq_request_t request = request_to("m", "response");
  own.conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  CHECK_OK(llmq_manager_create(own.conf, &own.manager, NULL));
  own.cq = new_cq();
  echo_attempts(own.manager, "m");
  CHECK_OK(llmq_submit_wait(own.manager, &request, PATIENCE, &own.response));
  hold_attempts(own.manager, "m", &held);
  own.id = submit_to_cq(own.manager, "m", "x", own.cq);
  own.attempt = nth_attempt(&held, 1);
  in_child(try_everything, &own);
  /* Here nothing has changed. */
  CHECK_OK(llmq_attempt_succeed(own.manager, own.attempt, NULL, 0, NULL));
  expect_done(own.cq, own.id, LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_INT(0, calls_of(&held.freed));
  CHECK_OK(llmq_manager_destroy(own.manager));
  llmq_response_free(own.response);
  llmq_conf_free(own.conf);
  llmq_cq_unref(own.cq);
}

static void use_new_handles(void* user) {
  llmq_manager_t* inherited = user;
  llmq_manager_t* manager = plain_manager();
  llmq_manager_t* shared = NULL;
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  expect_done(cq, submit_to_cq(manager, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_OK(llmq_manager_shared(NULL, &shared, NULL)); /* not the one of the parent */
  CHECK(shared != inherited);
  CHECK_OK(llmq_manager_destroy(shared));
  CHECK_STATUS(LLMQ_ERR_FORKED, llmq_manager_shutdown(inherited, 0, 0, NULL, 0));
  llmq_manager_unref(inherited);
  llmq_cq_unref(cq);
}

static void a_child_may_make_its_own(void) {
  if (!CHILD_MAY_MAKE_THREADS) return;
  llmq_manager_t* shared = NULL;
  CHECK_OK(llmq_manager_shared(NULL, &shared, NULL));
  in_child(use_new_handles, shared);
  llmq_manager_t* again = NULL;
  CHECK_OK(llmq_manager_shared(NULL, &again, NULL));
  CHECK(again == shared);
  llmq_manager_unref(again);
  CHECK_OK(llmq_manager_destroy(shared));
}

static void use_grandchild(void* user) {
  llmq_manager_t* manager = plain_manager();
  CHECK_STATUS(LLMQ_ERR_FORKED, llmq_manager_shutdown(user, 0, 0, NULL, 0));
  in_child(use_new_handles, manager);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_child_s_child_is_a_child_again(void) {
  if (!CHILD_MAY_MAKE_THREADS) return;
  llmq_manager_t* manager = plain_manager();
  in_child(use_grandchild, manager);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void drop_queue(void* user) {
  (void)alarm(PATIENCE / SECOND); /* a child that hangs fails */
  llmq_cq_unref(user);
}

static void* wait_on_queue(void* user) {
  CHECK_STATUS(LLMQ_ERR_AGAIN, llmq_cq_wait(user, -1));
  return NULL;
}

static void a_queue_may_be_dropped_though_a_thread_waited_on_it(void) {
  llmq_cq_t* cq = new_cq();
  pthread_t waiter;
  CHECK_INT(0, pthread_create(&waiter, NULL, wait_on_queue, cq));
  for (int i = 0; i < 30; ++i) in_child(drop_queue, cq); /* one of them finds it waiting */
  CHECK_OK(llmq_cq_wake(cq));
  CHECK_INT(0, pthread_join(waiter, NULL));
  llmq_cq_unref(cq);
}

struct described {
  llmq_cq_t* cq;
  int32_t fd;
};

static void reuse_descriptor(void* user) {
  struct described* own = user;
  CHECK_INT(0, close(own->fd)); /* as a daemon closes all that it inherited */
  CHECK_INT(own->fd, open("/dev/null", O_RDONLY));
  llmq_cq_unref(own->cq);
  CHECK(fcntl(own->fd, F_GETFD) >= 0); /* still ours */
}

static void unref_leaves_descriptors_alone(void) {
  struct described own;
  own.cq = new_cq();
  CHECK_OK(llmq_cq_fd(own.cq, LLMQ_CQ_FD_EVENTFD, &own.fd));
  in_child(reuse_descriptor, &own);
  llmq_cq_unref(own.cq);
}

static void use_inherited_event(void* user) {
  llmq_event_t* event = user;
  llmq_response_t* response = NULL;
  llmq_outcome_t outcome = {.struct_size = sizeof outcome};
  CHECK_STATUS(LLMQ_ERR_FORKED, llmq_event_outcome(event, &outcome));
  CHECK_STATUS(LLMQ_ERR_FORKED, llmq_event_take(event, &response));
  CHECK(response == NULL);
  llmq_events_release(event, sizeof *event, 1);
  CHECK(event->handle == NULL);
}

static void an_inherited_event_is_dropped_and_no_more(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_cq_t* cq = new_cq();
  llmq_response_t* response = NULL;
  echo_attempts(manager, "m");
  submit_to_cq(manager, "m", "payload", cq);
  llmq_event_t event = next_event(cq);
  in_child(use_inherited_event, &event);
  CHECK_OK(llmq_event_take(&event, &response));
  CHECK_TEXT("payload", (const char*)llmq_response_data(response, NULL));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

struct churn {
  llmq_manager_t* own;
  int stop;
};

static void* make_and_end_shared(void* user) {
  struct churn* churn = user;
  while (!__atomic_load_n(&churn->stop, __ATOMIC_SEQ_CST)) {
    llmq_manager_t* manager = NULL;
    CHECK_OK(llmq_manager_shared(NULL, &manager, NULL));
    CHECK_OK(llmq_manager_destroy(manager));
  }
  return NULL;
}

static void use_shared(void* user) {
  (void)alarm(PATIENCE / SECOND);
  llmq_manager_unref(((struct churn*)user)->own);
  if (!CHILD_MAY_MAKE_THREADS) return;
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_shared(NULL, &manager, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_child_waits_for_no_thread_that_made_a_shared_manager(void) {
  if (!MAY_FORK_BESIDE_BUSY_THREADS) return;
  struct churn churn = {plain_manager(), 0};
  pthread_t maker;
  CHECK_INT(0, pthread_create(&maker, NULL, make_and_end_shared, &churn));
  for (int i = 0; i < 30; ++i) in_child(use_shared, &churn); /* some find it in the middle */
  __atomic_store_n(&churn.stop, 1, __ATOMIC_SEQ_CST);
  CHECK_INT(0, pthread_join(maker, NULL));
  CHECK_OK(llmq_manager_destroy(churn.own));
}

int main(void) {
  RUN(every_inherited_handle_answers_forked);
  RUN(a_child_may_make_its_own);
  RUN(a_child_s_child_is_a_child_again);
  RUN(a_queue_may_be_dropped_though_a_thread_waited_on_it);
  RUN(unref_leaves_descriptors_alone);
  RUN(an_inherited_event_is_dropped_and_no_more);
  RUN(a_child_waits_for_no_thread_that_made_a_shared_manager);
  return 0;
}
