/* hooks.c - what hooks are told, from the library's threads to one goroutine: records in a flat
 * buffer, and a pipe that wakes. No Go runs on these threads, and a slow reader holds up nothing.
 */
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { largest_buffer = 4 << 20 }; /* beyond it records are counted and lost */

struct lq_hooks {
  pthread_mutex_t lock;
  char* buffer;
  size_t used;
  size_t size;
  uint64_t lost;
  int read_end;
  int write_end;
  int closed;
  int references; /* the library's and Go's */
  char* reading;  /* what Go reads now, apart from the lock */
  size_t reading_size;
};

static void unref(lq_hooks_t* hooks) {
  pthread_mutex_lock(&hooks->lock);
  const int last = --hooks->references == 0;
  pthread_mutex_unlock(&hooks->lock);
  if (!last) return;
  pthread_mutex_destroy(&hooks->lock);
  close(hooks->write_end); /* the other end is Go's */
  free(hooks->buffer);
  free(hooks->reading);
  free(hooks);
}

static void wake(const lq_hooks_t* hooks) {
  ssize_t written;
  do {
    written = write(hooks->write_end, "", 1);
  } while (written < 0 && errno == EINTR); /* a full pipe wakes too */
}

static int make_room(lq_hooks_t* hooks, size_t need) {
  size_t size = hooks->size == 0 ? 16 << 10 : hooks->size;
  while (size < hooks->used + need) size *= 2;
  if (size > largest_buffer) return -1;
  if (size == hooks->size) return 0;
  char* larger = realloc(hooks->buffer, size);
  if (larger == NULL) return -1;
  hooks->buffer = larger;
  hooks->size = size;
  return 0;
}

static char* append(char* to, const char* text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}

static void tell(void* user, const llmq_hook_t* told) {
  lq_hooks_t* hooks = user;
  lq_hook_t record = {.size = sizeof record, .told = *told};
  const size_t texts = told->model_len + told->deployment_len + told->tenant_len + told->limit_len;
  record.size = (uint32_t)((sizeof record + texts + 7) & ~(size_t)7);
  pthread_mutex_lock(&hooks->lock);
  if (make_room(hooks, record.size) != 0) {
    ++hooks->lost;
  } else {
    record.lost = hooks->lost;
    hooks->lost = 0;
    char* at = append(hooks->buffer + hooks->used, (const char*)&record, sizeof record);
    at = append(at, told->model, told->model_len);
    at = append(at, told->deployment, told->deployment_len);
    at = append(at, told->tenant, told->tenant_len);
    append(at, told->limit, told->limit_len);
    if (hooks->used == 0) wake(hooks);
    hooks->used += record.size;
  }
  pthread_mutex_unlock(&hooks->lock);
}

static void end(void* user) {
  lq_hooks_t* hooks = user;
  pthread_mutex_lock(&hooks->lock);
  hooks->closed = 1;
  wake(hooks);
  pthread_mutex_unlock(&hooks->lock);
  unref(hooks);
}

lq_hooks_t* lq_hooks_create(int* fd) {
  int ends[2];
  lq_hooks_t* hooks = calloc(1, sizeof *hooks);
  if (hooks == NULL) return NULL;
  if (pipe(ends) != 0) {
    free(hooks);
    return NULL;
  }
  for (int i = 0; i < 2; ++i) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  pthread_mutex_init(&hooks->lock, NULL);
  hooks->read_end = *fd = ends[0];
  hooks->write_end = ends[1];
  hooks->references = 2;
  return hooks;
}

llmq_status_t lq_hooks_set(llmq_manager_t* manager, uint32_t mask, lq_hooks_t* hooks) {
  return llmq_set_hook(manager, mask, tell, hooks, end);
}

const char* lq_hooks_take(lq_hooks_t* hooks, size_t* len, int* closed) {
  char bytes[64];
  pthread_mutex_lock(&hooks->lock);
  while (read(hooks->read_end, bytes, sizeof bytes) > 0) {
  }
  char* const taken = hooks->buffer;
  const size_t size = hooks->size;
  *len = hooks->used;
  *closed = hooks->closed;
  hooks->buffer = hooks->reading;
  hooks->size = hooks->reading_size;
  hooks->used = 0;
  hooks->reading = taken;
  hooks->reading_size = size;
  pthread_mutex_unlock(&hooks->lock);
  return taken;
}

void lq_hooks_free(lq_hooks_t* hooks) { unref(hooks); }
