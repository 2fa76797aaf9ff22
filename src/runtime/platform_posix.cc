#include <fcntl.h>
#include <llmq/llmq.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "runtime/platform.h"

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

namespace llmq::runtime::platform {

std::unique_ptr<std::thread> start_loop_thread(std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::unique_ptr<std::thread> thread;
  try {
    thread = std::make_unique<std::thread>([run = std::move(run)] {
#if defined(__APPLE__)
      pthread_setname_np("llmq-loop");
#elif defined(__linux__)
      pthread_setname_np(pthread_self(), "llmq-loop");
#endif
      run();
    });
  } catch (const std::exception&) {  // no thread, or no memory for it
    thread = nullptr;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

void* take_pages(size_t size) {
  void* const pages =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
#ifdef MADV_DONTDUMP
  madvise(pages, size, MADV_DONTDUMP);
#endif
  return pages;
}

void give_back_pages(void* pages, size_t size) { munmap(pages, size); }

FileVersion version_of(const std::string& path) {
  struct stat seen {};
  if (path.empty() || ::stat(path.c_str(), &seen) != 0) return {};
#ifdef __APPLE__
  const timespec& changed = seen.st_ctimespec;
#else
  const timespec& changed = seen.st_ctim;
#endif
  return {static_cast<uint64_t>(seen.st_dev), static_cast<uint64_t>(seen.st_ino),
          static_cast<uint64_t>(seen.st_size),
          static_cast<int64_t>(changed.tv_sec) * 1'000'000'000 + changed.tv_nsec};
}

bool is_world_readable(const std::string& path) {
  struct stat seen {};
  return !path.empty() && ::stat(path.c_str(), &seen) == 0 && (seen.st_mode & S_IROTH) != 0;
}

bool read_file(const std::string& path, char* to, size_t room, size_t* size, std::string* why) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    *why = std::strerror(errno);
    return false;
  }
  *size = 0;
  ssize_t more = 1;
  while (more > 0 && *size < room) {
    more = ::read(file, to + *size, room - *size);
    if (more > 0) *size += static_cast<size_t>(more);
  }
  if (more < 0) *why = std::strerror(errno);
  ::close(file);
  return more >= 0;
}

ReadableFd::~ReadableFd() {
  if (read_fd_ >= 0) close(read_fd_);
  if (write_fd_ >= 0 && write_fd_ != read_fd_) close(write_fd_);
}

core::Status ReadableFd::open(int32_t kind) {
#if defined(__linux__)
  if (kind == LLMQ_CQ_FD_EVENTFD) {
    read_fd_ = write_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return is_open() ? core::Status::kOk : core::Status::kInternal;
  }
#else
  (void)kind;
#endif
  int ends[2];
  if (pipe(ends) != 0) return core::Status::kInternal;
  for (const int end : ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  return core::Status::kOk;
}

void ReadableFd::raise() {
  if (write_fd_ < 0 || is_raised_) return;
  is_raised_ = true;
  const uint64_t one = 1;
  ssize_t written;
  do {
    written = write(write_fd_, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
}

void ReadableFd::lower() {
  if (!is_raised_) return;
  is_raised_ = false;
  uint64_t value;
  while (read(read_fd_, &value, sizeof value) < 0 && errno == EINTR) {
  }
}

}  // namespace llmq::runtime::platform
