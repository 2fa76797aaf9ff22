/* Shared calls meet cancels, deadlines, failures, late readers and the end of the manager: every
 * request gets its pieces in order from the first on, and one terminal event. */
#include <sched.h>

#include "pool.h"

#define SUBMITTERS 3
#define EACH 400
#define REQUESTS (SUBMITTERS * EACH)
#define KEYS 4
#define PIECES 25
#define ROUNDS 4

struct run {
  llmq_manager_t* manager;
  llmq_cq_t* cqs[2];
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  llmq_event_t ready[REQUESTS * 8];
  size_t count;
  size_t taken;
  int stopping;
  int aborting;
  llmq_request_id_t ids[REQUESTS]; /* 0: not submitted yet */
  int next[REQUESTS];              /* the piece that comes next */
  uint32_t attempt[REQUESTS];
  int ended[REQUESTS];
  int left;
};

static void put_attempt(void* user, const llmq_event_t* ready) {
  struct run* run = user;
  pthread_mutex_lock(&run->mutex);
  CHECK(run->count < sizeof run->ready / sizeof run->ready[0]);
  run->ready[run->count++] = *ready;
  pthread_cond_signal(&run->changed);
  pthread_mutex_unlock(&run->mutex);
}

/* The last piece, and the end, of one in eight attempts is a failure. */
static void stream_one(const struct run* run, const llmq_event_t* ready, uint64_t* random) {
  char piece[64];
  const int fails = next_random(random) % 8 == 0;
  const int pieces = fails ? (int)(next_random(random) % PIECES) : PIECES;
  for (uint64_t i = 0; i < ready->data_len; ++i) CHECK(((const char*)ready->data)[i] == 'p');
  for (int i = 0; i < pieces;) {
    memset(piece, 0, sizeof piece);
    (void)snprintf(piece, sizeof piece, "%d", i);
    const llmq_status_t status =
        llmq_attempt_chunk(run->manager, ready->attempt_id, piece, sizeof piece);
    if (status == LLMQ_ERR_STALE) break;
    if (status == LLMQ_ERR_AGAIN) {
      sched_yield();
      continue;
    }
    CHECK_OK(status);
    ++i;
  }
  const llmq_status_t status =
      fails ? llmq_attempt_fail(run->manager, ready->attempt_id, LLMQ_ERR_SERVER, "no", 2, 0)
            : llmq_attempt_succeed(run->manager, ready->attempt_id, "whole", 5, NULL);
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
}

static void* write_streams(void* user) {
  struct run* run = user;
  uint64_t random = 88172645463325252u ^ (uint64_t)(uintptr_t)&run;
  for (;;) {
    pthread_mutex_lock(&run->mutex);
    while (run->taken == run->count && !run->stopping) {
      pthread_cond_wait(&run->changed, &run->mutex);
    }
    if (run->taken == run->count) {
      pthread_mutex_unlock(&run->mutex);
      return NULL;
    }
    const llmq_event_t ready = run->ready[run->taken++];
    pthread_mutex_unlock(&run->mutex);
    stream_one(run, &ready, &random);
  }
}

struct submitter {
  struct run* run;
  int number;
};

static void* submit_and_cancel(void* user) {
  const struct submitter* own = user;
  struct run* run = own->run;
  uint64_t random = 362436069u + (uint64_t)own->number;
  for (int i = 0; i < EACH; ++i) {
    const int index = own->number * EACH + i;
    const char key = (char)('a' + next_random(&random) % KEYS);
    llmq_request_t request = request_to("m", "pppp");
    request.dedup_key = &key;
    request.dedup_key_len = 1;
    request.flags = LLMQ_REQUEST_STREAM;
    if (next_random(&random) % 2 == 0) request.flags |= LLMQ_REQUEST_RESTART;
    request.cq = run->cqs[index % 2];
    request.user_data = (uint64_t)index;
    if (next_random(&random) % 8 == 0) request.deadline_ns = llmq_now_ns() + MS;
    const llmq_status_t status = llmq_submit(run->manager, &request, &run->ids[index]);
    if (run->aborting && status != LLMQ_OK) {
      CHECK(status == LLMQ_ERR_CLOSING || status == LLMQ_ERR_CLOSED);
      __atomic_sub_fetch(&run->left, 1, __ATOMIC_SEQ_CST);
      continue;
    }
    CHECK_OK(status);
    if (next_random(&random) % 4 == 0) (void)llmq_cancel(run->manager, run->ids[index]);
    const int other = own->number * EACH + (int)(next_random(&random) % (uint64_t)(i + 1));
    if (next_random(&random) % 4 == 0) (void)llmq_cancel(run->manager, run->ids[other]);
  }
  return NULL;
}

static void see(struct run* run, const llmq_event_t* event) {
  const size_t index = (size_t)event->user_data;
  CHECK(index < REQUESTS && !run->ended[index]);
  if (event->type == LLMQ_EV_CHUNK) {
    if (event->attempt != run->attempt[index]) run->next[index] = 0;
    run->attempt[index] = event->attempt;
    CHECK_INT(run->next[index], strtol(event->data, NULL, 10));
    ++run->next[index];
    return;
  }
  CHECK_INT(LLMQ_EV_DONE, event->type);
  if (event->status == LLMQ_OK) {
    CHECK_INT(PIECES, run->next[index]);
    CHECK_INT(run->attempt[index], event->attempt);
    CHECK_INT(5, event->data_len);
  }
  run->ended[index] = 1;
  __atomic_sub_fetch(&run->left, 1, __ATOMIC_SEQ_CST);
}

/* Both queues, the second one seldom; what was drained is released a turn later. */
static void read_streams(struct run* run) {
  static llmq_event_t events[2][64];
  size_t counts[2] = {0, 0};
  int turn = 0;
  memset(events, 0, sizeof events);
  while (__atomic_load_n(&run->left, __ATOMIC_SEQ_CST) > 0) {
    llmq_cq_t* const cq = run->cqs[turn % 4 == 3];
    llmq_event_t* const now = events[turn % 2];
    now[0].stride = sizeof now[0];
    (void)llmq_cq_wait(cq, MS);
    const size_t n = llmq_cq_drain(cq, now, 64);
    counts[turn % 2] = n;
    for (size_t i = 0; i < n; ++i) see(run, &now[i]);
    ++turn;
    llmq_events_release(events[turn % 2], sizeof now[0], counts[turn % 2]);
    counts[turn % 2] = 0;
  }
  llmq_events_release(events[(turn + 1) % 2], sizeof events[0][0], counts[(turn + 1) % 2]);
}

static void one_round(int aborting) {
  static struct run run;
  pthread_t writers[3];
  pthread_t submitters[SUBMITTERS];
  struct submitter own[SUBMITTERS];
  memset(&run, 0, sizeof run);
  run.manager = manager_of(
      "{\"stream_buffer_bytes\":4096,\"models\":[{\"name\":\"m\","
      "\"max_in_flight\":3,\"retry\":{\"base_ms\":1,\"cap_ms\":1,"
      "\"max_attempts\":8}}]}");
  run.cqs[0] = new_cq();
  run.cqs[1] = new_cq();
  run.left = REQUESTS;
  run.aborting = aborting;
  pthread_mutex_init(&run.mutex, NULL);
  pthread_cond_init(&run.changed, NULL);
  CHECK_OK(llmq_model_set_processor(run.manager, "m", 1, put_attempt, NULL, &run, NULL));
  for (int i = 0; i < 3; ++i) CHECK_INT(0, pthread_create(&writers[i], NULL, write_streams, &run));
  for (int i = 0; i < SUBMITTERS; ++i) {
    own[i].run = &run;
    own[i].number = i;
    CHECK_INT(0, pthread_create(&submitters[i], NULL, submit_and_cancel, &own[i]));
  }
  if (aborting) {
    CHECK_OK(llmq_cq_wait(run.cqs[0], PATIENCE));
    CHECK_OK(llmq_manager_shutdown(run.manager, LLMQ_SHUTDOWN_ABORT, 0, NULL, 0));
  }
  read_streams(&run);
  for (int i = 0; i < SUBMITTERS; ++i) pthread_join(submitters[i], NULL);
  if (!aborting) {
    char* json = NULL;
    CHECK_OK(llmq_manager_info_json(run.manager, NULL, 0, &json, NULL));
    CHECK_HAS("\"live\":0", json);
    llmq_buf_free(json);
    llmq_stats_t stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    CHECK_OK(llmq_stats(run.manager, NULL, 0, &stats));
    CHECK_INT(REQUESTS, stats.submitted);
    CHECK_INT(0, stats.pending + stats.processing + stats.pending_bytes);
  }
  pthread_mutex_lock(&run.mutex);
  run.stopping = 1;
  pthread_cond_broadcast(&run.changed);
  pthread_mutex_unlock(&run.mutex);
  for (int i = 0; i < 3; ++i) pthread_join(writers[i], NULL);
  CHECK_OK(llmq_manager_destroy(run.manager));
  for (int i = 0; i < 2; ++i) {
    check_no_event(run.cqs[i]);
    llmq_cq_unref(run.cqs[i]);
  }
}

int main(void) {
  for (int round = 0; round < ROUNDS; ++round) one_round(round % 2);
  return 0;
}
