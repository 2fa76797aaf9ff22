#include "cli/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "cli/failure.h"

namespace llmq::cli {
namespace {

int pipe_ends[2] = {-1, -1};

extern "C" void on_signal(int) {
  const int saved = errno;
  const char byte = 1;
  if (::write(pipe_ends[1], &byte, 1) < 0) {
    // The pipe is full: enough signals wait in it already.
  }
  errno = saved;
}

}  // namespace

int watch_signals() {
  if (::pipe(pipe_ends) != 0) throw Failure("no pipe for signals can be had");
  for (const int fd : pipe_ends) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return pipe_ends[0];
}

int take_signals() {
  int count = 0;
  char byte = 0;
  while (::read(pipe_ends[0], &byte, 1) == 1) ++count;
  return count;
}

}  // namespace llmq::cli
