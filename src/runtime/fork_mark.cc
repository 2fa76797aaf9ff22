#include "runtime/fork_mark.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace llmq::runtime {
namespace {

std::atomic<uint32_t> forks{1};

void count_fork() { forks.fetch_add(1, std::memory_order_relaxed); }

// A page of its own; its first word is 1 in the process that mapped it and 0 in a forked child.
// nullptr: the kernel has none.
std::atomic<uint32_t>* map_mark() {
#if defined(MADV_WIPEONFORK)
  const long page = sysconf(_SC_PAGESIZE);
  void* at = mmap(nullptr, static_cast<size_t>(page), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  if (madvise(at, static_cast<size_t>(page), MADV_WIPEONFORK) != 0) {
    munmap(at, static_cast<size_t>(page));
    return nullptr;
  }
  auto* mark = static_cast<std::atomic<uint32_t>*>(at);
  mark->store(1);
  return mark;
#else
  return nullptr;
#endif
}

std::atomic<uint32_t>* watch_forks() {
  (void)pthread_atfork(nullptr, nullptr, count_fork);  // fails for want of memory alone
  return map_mark();
}

}  // namespace

uint32_t fork_generation() {
  static std::atomic<uint32_t>* const mark = watch_forks();
  if (mark != nullptr && mark->load(std::memory_order_relaxed) == 0) {
    // First look in a child: only one thread exists that could have come through fork, others may
    // be new.
    static std::mutex once;
    const std::lock_guard<std::mutex> lock(once);
    if (mark->load(std::memory_order_relaxed) == 0) {
      count_fork();
      mark->store(1, std::memory_order_release);
    }
  }
  return forks.load(std::memory_order_relaxed);
}

}  // namespace llmq::runtime
