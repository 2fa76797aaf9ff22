/* llmq.h, section Manager in a loop of the host: loop=external. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers.h"

static llmq_manager_t* external_manager(void) {
  return manager_of("{\"loop\":\"external\",\"models\":[{\"name\":\"m\"}]}");
}

/* One round of a host's loop. */
static llmq_status_t run_once(llmq_manager_t* manager) {
  int64_t timeout = 0;
  int32_t fd = -1;
  CHECK_OK(llmq_manager_timeout_ns(manager, &timeout));
  CHECK_OK(llmq_manager_fd(manager, &fd));
  struct pollfd watched;
  memset(&watched, 0, sizeof watched);
  watched.fd = fd;
  watched.events = POLLIN;
  const int64_t most = timeout < 0 || timeout > PATIENCE ? PATIENCE : timeout;
  const int ready = poll(&watched, 1, (int)((most + MS - 1) / MS));
  CHECK(ready >= 0);
  CHECK(ready > 0 || most < PATIENCE); /* nobody waits the patience out */
  return llmq_manager_process(manager);
}

/* Runs the host's loop until the queue holds an event. */
static llmq_event_t run_until_event(llmq_manager_t* manager, llmq_cq_t* cq) {
  llmq_event_t event;
  memset(&event, 0, sizeof event);
  event.stride = sizeof event;
  while (llmq_cq_drain(cq, &event, 1) == 0) CHECK_OK(run_once(manager));
  return event;
}

static void end_manager(llmq_manager_t* manager) {
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 3));
  while (run_once(manager) == LLMQ_OK) {
  }
  expect_closed(cq, 3);
  int64_t timeout = 0;
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_manager_process(manager));
  CHECK_OK(llmq_manager_timeout_ns(manager, &timeout));
  CHECK(timeout < 0);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void calls_refuse(void) {
  llmq_manager_t* manager = external_manager();
  llmq_manager_t* threaded = plain_manager();
  int32_t fd = -1;
  int64_t timeout = 0;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_fd(NULL, &fd));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_fd(JUNK, &fd));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_fd(manager, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_timeout_ns(NULL, &timeout));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_timeout_ns(manager, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_process(NULL));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_manager_fd(threaded, &fd));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_manager_timeout_ns(threaded, &timeout));
  CHECK_STATUS(LLMQ_ERR_UNSUPPORTED, llmq_manager_process(threaded));
  CHECK_OK(llmq_manager_destroy(threaded));
  CHECK_OK(llmq_manager_destroy(manager)); /* never processed */

  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_conf_set(conf, "loop", "none", NULL));
  llmq_conf_free(conf);
}

static void a_host_runs_requests(void) {
  llmq_manager_t* manager = external_manager();
  llmq_cq_t* cq = new_cq();
  echo_attempts(manager, "m");
  for (int i = 0; i < 5; ++i) {
    const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
    llmq_event_t done = run_until_event(manager, cq);
    CHECK_INT(LLMQ_EV_DONE, done.type);
    CHECK_OK(done.status);
    CHECK(done.request_id == id);
    llmq_events_release(&done, sizeof done, 1);
  }
  end_manager(manager);
  llmq_cq_unref(cq);
}

/* The mock provider answers by a timer. */
static void a_host_waits_for_the_timeout(void) {
  llmq_manager_t* manager = manager_of(
      "{\"loop\":\"external\",\"models\":[{\"name\":\"m\",\"provider\":\"mock\","
      "\"mock.latency_ms\":20}]}");
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = submit_to_cq(manager, "m", "x", cq);
  const int64_t begin = llmq_now_ns();
  llmq_event_t done = run_until_event(manager, cq);
  CHECK(done.request_id == id);
  CHECK(llmq_now_ns() - begin >= 20 * MS);
  llmq_events_release(&done, sizeof done, 1);
  end_manager(manager);
  llmq_cq_unref(cq);
}

struct host {
  llmq_manager_t* manager;
  pthread_t thread;
  int inside; /* llmq_manager_process runs */
  int calls;
  int drop;
};

static void check_host(const struct host* host) {
  CHECK(pthread_equal(pthread_self(), host->thread));
  CHECK(host->inside);
}

static void look_and_answer(void* user, const llmq_event_t* ready) {
  struct host* host = user;
  int64_t time = 0;
  char* json = NULL;
  llmq_response_t* response = NULL;
  const llmq_request_t request = request_to("m", "x");
  check_host(host);
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_manager_process(host->manager));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_manager_timeout_ns(host->manager, &time));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_manager_destroy(host->manager));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_submit_wait(host->manager, &request, -1, &response));
  CHECK_OK(llmq_manager_info_json(host->manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
  CHECK_OK(llmq_attempt_succeed(host->manager, ready->attempt_id, NULL, 0, NULL));
  ++host->calls;
}

static void note_end(void* user, const llmq_event_t* event) {
  struct host* host = user;
  check_host(host);
  CHECK_INT(LLMQ_EV_DONE, event->type);
  ++host->calls;
}

static void callbacks_run_inside_process(void) {
  struct host host = {external_manager(), pthread_self(), 0, 0, 0};
  llmq_request_t request = request_to("m", "x");
  request.done_fn = note_end;
  request.done_user = &host;
  CHECK_OK(llmq_model_set_processor(host.manager, "m", 1, look_and_answer, NULL, &host, NULL));
  CHECK_OK(llmq_submit(host.manager, &request, NULL));
  CHECK_INT(0, host.calls);
  host.inside = 1;
  while (host.calls < 2) CHECK_OK(run_once(host.manager));
  host.inside = 0;
  end_manager(host.manager);
}

static void round_trips_process_on_the_hosts_thread(void) {
  llmq_manager_t* manager = external_manager();
  llmq_response_t* response = NULL;
  llmq_request_t request = request_to("m", "x");
  llmq_attempt_id_t permit = 0;
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS("\"pending\":0", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_try_acquire(manager, &request, &permit, NULL));
  CHECK_OK(llmq_permit_release(manager, permit, NULL));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, llmq_submit_wait(manager, &request, 0, &response));
  end_manager(manager);
}

static void* submit_from_elsewhere(void* user) {
  llmq_manager_t* manager = user;
  llmq_response_t* response = NULL;
  const llmq_request_t request = request_to("m", "x");
  char* json = NULL;
  CHECK_OK(llmq_submit_wait(manager, &request, -1, &response));
  CHECK_OK(llmq_response_status(response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, NULL, 0));
  return NULL;
}

static void other_threads_wake_the_host(void) {
  llmq_manager_t* manager = external_manager();
  pthread_t thread;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_manager_process(manager));
  CHECK_INT(0, pthread_create(&thread, NULL, submit_from_elsewhere, manager));
  while (run_once(manager) == LLMQ_OK) {
  }
  CHECK_INT(0, pthread_join(thread, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void destroy_and_unref_end_what_is_left(void) {
  for (int last_unref = 0; last_unref < 2; ++last_unref) {
    llmq_manager_t* manager = external_manager();
    llmq_cq_t* cq = new_cq();
    llmq_cq_t* work = new_cq();
    CHECK_OK(llmq_model_set_workers(manager, "m", 1, work, 0));
    const llmq_request_id_t runs = submit_to_cq(manager, "m", "x", cq);
    llmq_event_t ready = run_until_event(manager, work);
    CHECK_INT(LLMQ_EV_READY, ready.type);
    llmq_events_release(&ready, sizeof ready, 1);
    const llmq_request_id_t waits = submit_to_cq(manager, "m", "x", cq);
    if (last_unref) {
      llmq_manager_unref(manager);
    } else {
      CHECK_OK(llmq_manager_destroy(manager));
    }
    llmq_event_t events[2];
    memset(events, 0, sizeof events);
    events[0].stride = sizeof *events;
    CHECK_INT(2, llmq_cq_drain(cq, events, 2));
    CHECK((events[0].request_id == runs) != (events[1].request_id == runs));
    CHECK((events[0].request_id == waits) != (events[1].request_id == waits));
    for (int i = 0; i < 2; ++i) CHECK_STATUS(LLMQ_ERR_CLOSING, events[i].status);
    llmq_events_release(events, sizeof *events, 2);
    llmq_cq_unref(work);
    llmq_cq_unref(cq);
  }
}

static void drop_manager(void* user, const llmq_event_t* event) {
  struct host* host = user;
  CHECK_OK(event->status);
  llmq_manager_unref(host->manager);
  ++host->calls;
}

static void a_callback_may_drop_the_last_reference(void) {
  struct host host = {external_manager(), pthread_self(), 0, 0, 0};
  int freed = 0;
  llmq_request_t request = request_to("m", "x");
  request.done_fn = drop_manager;
  request.done_user = &host;
  CHECK_OK(llmq_model_set_processor(host.manager, "m", 1, echo, NULL, host.manager, NULL));
  CHECK_OK(llmq_set_hook(host.manager, 0, NULL, &freed, count_call));
  CHECK_OK(llmq_submit(host.manager, &request, NULL));
  (void)llmq_manager_process(host.manager); /* once is enough: nothing waits for anything */
  CHECK_INT(1, host.calls);
  CHECK_INT(1, freed);
}

struct ender {
  llmq_cq_t* cq;
  llmq_status_t status;
};

static void end_another(void* user, const llmq_event_t* event) {
  struct ender* ender = user;
  CHECK_OK(event->status);
  llmq_manager_unref(external_manager());
  ender->status = llmq_cq_wait(ender->cq, 0);
}

/* The thread is still the loop's of which it runs a callback. */
static void a_callback_may_end_another_manager(void) {
  llmq_manager_t* manager = external_manager();
  struct ender ender = {new_cq(), LLMQ_OK};
  llmq_request_t request = request_to("m", "x");
  request.done_fn = end_another;
  request.done_user = &ender;
  echo_attempts(manager, "m");
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_process(manager));
  CHECK_STATUS(LLMQ_ERR_WRONG_THREAD, ender.status);
  CHECK_STATUS(LLMQ_ERR_TIMEOUT, llmq_cq_wait(ender.cq, 0));
  end_manager(manager);
  llmq_cq_unref(ender.cq);
}

static void count_gaps(void* user, int32_t level, const char* text, size_t len) {
  (void)level;
  (void)len;
  if (strstr(text, "nothing ran for") != NULL) ++*(int*)user;
}

/* A port of the loopback interface that listens. */
static int listen_somewhere(int* port) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(server >= 0);
  CHECK_INT(0, bind(server, (struct sockaddr*)&address, sizeof address));
  CHECK_INT(0, listen(server, 1));
  CHECK_INT(0, getsockname(server, (struct sockaddr*)&address, &size));
  *port = ntohs(address.sin_port);
  return server;
}

static int can_be_read(int fd) {
  struct pollfd watched;
  memset(&watched, 0, sizeof watched);
  watched.fd = fd;
  watched.events = POLLIN;
  return poll(&watched, 1, 0) > 0;
}

static void count_end(void* user, const llmq_event_t* event) {
  (void)event;
  ++*(int*)user;
}

/* The answer ends all that the host would have had to come for, the deadline of who shares the
 * call: it may stay away for as long as it likes. */
static void a_host_with_nothing_to_do_is_not_missed(void) {
  if ((llmq_features() & LLMQ_FEATURE_HTTP) == 0) return;
  static const char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  static const struct timespec kIdle = {2, 300000000};
  char json[256];
  char sent[4096];
  int gaps = 0;
  int port = 0;
  const int server = listen_somewhere(&port);
  (void)snprintf(json, sizeof json,
                 "{\"loop\":\"external\",\"models\":[{\"name\":\"m\",\"provider\":\"openai\","
                 "\"base_url\":\"http://127.0.0.1:%d\"}]}",
                 port);
  llmq_conf_t* conf = conf_of(json);
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_INFO, count_gaps, &gaps, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  llmq_request_t request = request_to("m", "{\"messages\":[]}");
  int ends = 0;
  request.operation = LLMQ_OP_CHAT;
  request.done_fn = count_end;
  request.done_user = &ends;
  request.dedup_key = "k";
  request.dedup_key_len = 1;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  while (!can_be_read(server)) CHECK_OK(run_once(manager));
  const int connection = accept(server, NULL, NULL);
  CHECK(connection >= 0);
  while (!can_be_read(connection)) CHECK_OK(run_once(manager));
  CHECK(recv(connection, sent, sizeof sent, 0) > 0);
  request.deadline_ns = llmq_now_ns() + 200 * MS;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(llmq_manager_process(manager));
  CHECK_INT(sizeof kAnswer - 1, send(connection, kAnswer, sizeof kAnswer - 1, 0));
  while (ends < 2) CHECK_OK(run_once(manager));
  (void)nanosleep(&kIdle, NULL);
  CHECK_OK(llmq_manager_process(manager));
  CHECK_INT(0, gaps);
  (void)close(connection);
  (void)close(server);
  end_manager(manager);
}

int main(void) {
  RUN(calls_refuse);
  RUN(a_host_runs_requests);
  RUN(a_host_waits_for_the_timeout);
  RUN(callbacks_run_inside_process);
  RUN(round_trips_process_on_the_hosts_thread);
  RUN(other_threads_wake_the_host);
  RUN(destroy_and_unref_end_what_is_left);
  RUN(a_callback_may_drop_the_last_reference);
  RUN(a_callback_may_end_another_manager);
  RUN(a_host_with_nothing_to_do_is_not_missed);
  return 0;
}
