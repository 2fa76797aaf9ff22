/* log.c - log lines, from the threads of the library to a socket. No Go runs on these threads, so
 * that a slow handler of log lines holds up nothing, and none can be called when the program ends.
 */
#include "native.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { longest_line = 16 << 10 };

static _Atomic uint64_t lost;

static void send_line(void* user, int32_t level, const char* text, size_t text_len) {
  struct iovec parts[2] = {{&level, sizeof level}, {(void*)(uintptr_t)text, text_len}};
  if (text_len > longest_line) parts[1].iov_len = longest_line;
  const struct msghdr line = {.msg_iov = parts, .msg_iovlen = 2};
  if (sendmsg((int)(intptr_t)user, &line, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    atomic_fetch_add(&lost, 1);
}

/* The last datagram must come, or the reader would never end: it may wait for room, for a second.
 */
static void end_lines(void* user) {
  const struct timeval patience = {.tv_sec = 1};
  const int fd = (int)(intptr_t)user;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  send(fd, "", 0, MSG_NOSIGNAL);
  close(fd);
}

uint64_t lq_log_lost(void) { return atomic_exchange(&lost, 0); }

llmq_status_t lq_log_to_socket(llmq_conf_t* conf, int32_t level, int* fd) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return LLMQ_ERR_INTERNAL;
  for (int i = 0; i < 2; ++i) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const llmq_status_t status =
      llmq_conf_set_log(conf, level, send_line, (void*)(intptr_t)ends[1], end_lines);
  if (status != LLMQ_OK)
    close(ends[0]); /* end_lines has closed the other one */
  else
    *fd = ends[0];
  return status;
}
