/* Processors whose attempts a pool of threads ends, each in its own way. */
#ifndef LLMQ_TESTS_STRESS_POOL_H_
#define LLMQ_TESTS_STRESS_POOL_H_

#include "../capi/helpers.h"

#define POOL_RING 8192 /* more than attempts may be in flight */
#define POOL_THREADS 3

struct pool_job {
  llmq_manager_t* manager;
  llmq_attempt_id_t attempt;
  const char* data; /* lives until the attempt is reported: read it, for the sanitizers to see */
  size_t len;
};

struct pool {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct pool_job ring[POOL_RING];
  size_t first;
  size_t count;
  int stopping;
  pthread_t threads[POOL_THREADS];
  uint64_t counted; /* results that counted, guarded by mutex */
  uint64_t stale;   /* results that came too late */
};

/* What a processor needs: the pool, and the manager that it works for. */
struct pool_user {
  struct pool* pool;
  llmq_manager_t* manager;
};

static inline uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static inline void pool_ready(void* user, const llmq_event_t* event) {
  struct pool_user* own = user;
  struct pool* pool = own->pool;
  pthread_mutex_lock(&pool->mutex);
  CHECK(pool->count < POOL_RING);
  struct pool_job* job = &pool->ring[(pool->first + pool->count++) % POOL_RING];
  job->manager = own->manager;
  job->attempt = event->attempt_id;
  job->data = event->data;
  job->len = (size_t)event->data_len;
  pthread_cond_signal(&pool->changed);
  pthread_mutex_unlock(&pool->mutex);
}

static inline void* pool_work(void* user) {
  struct pool* pool = user;
  uint64_t random = 88172645463325252u ^ (uint64_t)(uintptr_t)&pool;
  for (;;) {
    pthread_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->stopping) pthread_cond_wait(&pool->changed, &pool->mutex);
    if (pool->count == 0) {
      pthread_mutex_unlock(&pool->mutex);
      return NULL;
    }
    const struct pool_job job = pool->ring[pool->first];
    pool->first = (pool->first + 1) % POOL_RING;
    --pool->count;
    pthread_mutex_unlock(&pool->mutex);

    llmq_status_t status = LLMQ_OK;
    const llmq_usage_t usage = usage_of(2, 1);
    for (size_t i = 0; i < job.len; ++i) CHECK(job.data[i] == 'p');
    switch (next_random(&random) % 8) {
      case 0:
        status = llmq_attempt_fail(job.manager, job.attempt, LLMQ_ERR_SERVER, "no", 2, 0);
        break;
      case 1:
        status = llmq_attempt_fail(job.manager, job.attempt, LLMQ_ERR_PROCESSING, "no", 2, 0);
        break;
      case 2:
        status = llmq_attempt_succeed(job.manager, job.attempt, NULL, 0, NULL);
        break;
      default:
        status = llmq_attempt_succeed(job.manager, job.attempt, job.data, job.len, &usage);
        break;
    }
    CHECK(status == LLMQ_OK || status == LLMQ_ERR_STALE);
    pthread_mutex_lock(&pool->mutex);
    ++*(status == LLMQ_OK ? &pool->counted : &pool->stale);
    pthread_mutex_unlock(&pool->mutex);
  }
}

static inline void pool_start(struct pool* pool) {
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->changed, NULL);
  for (int i = 0; i < POOL_THREADS; ++i) {
    CHECK_INT(0, pthread_create(&pool->threads[i], NULL, pool_work, pool));
  }
}

/* Ends what is left first: nobody else would release it. */
static inline void pool_stop(struct pool* pool) {
  pthread_mutex_lock(&pool->mutex);
  pool->stopping = 1;
  pthread_cond_broadcast(&pool->changed);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < POOL_THREADS; ++i) CHECK_INT(0, pthread_join(pool->threads[i], NULL));
}

/* ---- Each terminal event exactly once ---- */

struct tally {
  int* done; /* by user_data: terminal events seen */
  size_t size;
};

static inline void tally_init(struct tally* tally, size_t size) {
  tally->done = calloc(size, sizeof *tally->done);
  CHECK(tally->done != NULL);
  tally->size = size;
}

static inline void tally_add(struct tally* tally, uint64_t user_data) {
  CHECK(user_data < tally->size);
  CHECK_INT(0, __atomic_fetch_add(&tally->done[user_data], 1, __ATOMIC_RELAXED));
}

static inline size_t tally_sum(const struct tally* tally) {
  size_t sum = 0;
  for (size_t i = 0; i < tally->size; ++i) {
    sum += (size_t)__atomic_load_n(&tally->done[i], __ATOMIC_RELAXED);
  }
  return sum;
}

/* Drains into the tally until `closed` managers have said that they are. */
static inline void drain_until_closed(llmq_cq_t* cq, struct tally* tally, int closed) {
  llmq_event_t events[32];
  memset(events, 0, sizeof events);
  while (closed > 0) {
    CHECK_OK(llmq_cq_wait(cq, PATIENCE));
    events[0].stride = sizeof *events;
    const size_t n = llmq_cq_drain(cq, events, 32);
    for (size_t i = 0; i < n; ++i) {
      if (events[i].type == LLMQ_EV_CLOSED) {
        --closed;
      } else {
        CHECK_INT(LLMQ_EV_DONE, events[i].type);
        CHECK(closed > 0);
        tally_add(tally, events[i].user_data);
      }
    }
    llmq_events_release(events, sizeof *events, n);
  }
}

#endif /* LLMQ_TESTS_STRESS_POOL_H_ */
