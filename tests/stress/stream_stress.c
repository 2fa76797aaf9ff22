/* Chunks meet releases, cancels, and the end of the manager: in order, within the bound, one
 * terminal event for each request, and nothing after it. */
#include <sched.h>

#include "../capi/helpers.h"

#define STREAMS 48
#define ROUNDS 6
#define PIECES 200
#define HELD \
  24 /* pieces that three buffers have room for, whatever a piece costs beside its data */

struct run {
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  llmq_attempt_id_t ready[STREAMS];
  int count;
  int taken;
  int stopping;
};

static void put_attempt(void* user, const llmq_event_t* ready) {
  struct run* run = user;
  CHECK_INT(LLMQ_EVENT_STREAM, ready->flags);
  pthread_mutex_lock(&run->mutex);
  CHECK(run->count < STREAMS);
  run->ready[run->count++] = ready->attempt_id;
  pthread_cond_signal(&run->changed);
  pthread_mutex_unlock(&run->mutex);
}

/* Writes numbered pieces until the attempt has ended or all are written. */
static void stream_one(const struct run* run, llmq_attempt_id_t attempt) {
  char piece[64];
  for (int i = 0; i < PIECES;) {
    memset(piece, 0, sizeof piece);
    (void)snprintf(piece, sizeof piece, "%d", i);
    const llmq_status_t status = llmq_attempt_chunk(run->manager, attempt, piece, sizeof piece);
    if (status == LLMQ_ERR_STALE) break;
    if (status == LLMQ_ERR_AGAIN) {
      sched_yield();
      continue;
    }
    CHECK_OK(status);
    ++i;
  }
  const llmq_status_t status = llmq_attempt_succeed(run->manager, attempt, NULL, 0, NULL);
  CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
}

static void* write_streams(void* user) {
  struct run* run = user;
  for (;;) {
    pthread_mutex_lock(&run->mutex);
    while (run->taken == run->count && !run->stopping) {
      pthread_cond_wait(&run->changed, &run->mutex);
    }
    if (run->taken == run->count) {
      pthread_mutex_unlock(&run->mutex);
      return NULL;
    }
    const llmq_attempt_id_t attempt = run->ready[run->taken++];
    pthread_mutex_unlock(&run->mutex);
    stream_one(run, attempt);
  }
}

/* Reads until every stream has ended; events are released late, and a third of the streams is
 * cancelled. */
static void read_streams(const struct run* run, const llmq_request_id_t* ids) {
  int next[STREAMS] = {0};
  int ended[STREAMS] = {0};
  int left = STREAMS;
  llmq_event_t events[32];
  while (left > 0) {
    memset(events, 0, sizeof events);
    events[0].stride = sizeof events[0];
    CHECK_OK(llmq_cq_wait(run->cq, PATIENCE));
    const size_t n = llmq_cq_drain(run->cq, events, 32);
    for (size_t i = 0; i < n; ++i) {
      const size_t stream = (size_t)events[i].user_data;
      CHECK(stream < STREAMS && !ended[stream]);
      if (events[i].type == LLMQ_EV_CHUNK) {
        CHECK_INT(next[stream], strtol(events[i].data, NULL, 10));
        ++next[stream];
        if (stream % 3 == 0 && next[stream] == 20) (void)llmq_cancel(run->manager, ids[stream]);
      } else {
        CHECK_INT(LLMQ_EV_DONE, events[i].type);
        CHECK(events[i].status == LLMQ_OK || events[i].status == LLMQ_ERR_CANCELLED);
        if (events[i].status == LLMQ_OK) CHECK_INT(PIECES, next[stream]);
        ended[stream] = 1;
        --left;
      }
    }
    llmq_events_release(events, sizeof events[0], n);
  }
}

static void submit_all(const struct run* run, llmq_request_id_t* ids) {
  for (int i = 0; i < STREAMS; ++i) {
    llmq_request_t request = request_to("m", "x");
    request.flags = LLMQ_REQUEST_STREAM;
    request.cq = run->cq;
    request.user_data = (uint64_t)i;
    CHECK_OK(llmq_submit(run->manager, &request, &ids[i]));
  }
}

static void one_round(int abort_in_the_middle) {
  struct run run;
  pthread_t writers[3];
  llmq_request_id_t ids[STREAMS];
  memset(&run, 0, sizeof run);
  run.manager = manager_of("{\"stream_buffer_bytes\":4096,\"models\":[{\"name\":\"m\"}]}");
  run.cq = new_cq();
  pthread_mutex_init(&run.mutex, NULL);
  pthread_cond_init(&run.changed, NULL);
  CHECK_OK(llmq_model_set_processor(run.manager, "m", 1, put_attempt, NULL, &run, NULL));
  for (int i = 0; i < 3; ++i) CHECK_INT(0, pthread_create(&writers[i], NULL, write_streams, &run));
  submit_all(&run, ids);
  if (abort_in_the_middle) {
    llmq_event_t events[HELD];
    for (int i = 0; i < HELD; ++i) events[i] = next_event(run.cq);
    CHECK_OK(llmq_manager_shutdown(run.manager, LLMQ_SHUTDOWN_ABORT, 0, NULL, 0));
    llmq_events_release(events, sizeof events[0], HELD);
  } else {
    read_streams(&run, ids);
  }
  pthread_mutex_lock(&run.mutex);
  run.stopping = 1;
  pthread_cond_broadcast(&run.changed);
  pthread_mutex_unlock(&run.mutex);
  for (int i = 0; i < 3; ++i) pthread_join(writers[i], NULL);
  if (abort_in_the_middle) llmq_cq_unref(run.cq); /* with events in it */
  CHECK_OK(llmq_manager_destroy(run.manager));
  if (!abort_in_the_middle) {
    check_no_event(run.cq);
    llmq_cq_unref(run.cq);
  }
}

int main(void) {
  for (int round = 0; round < ROUNDS; ++round) one_round(round % 2);
  return 0;
}
