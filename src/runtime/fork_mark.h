// Tells a handle that it lives in a forked child of the process that made it.
//
// A page that the kernel wipes at fork (MADV_WIPEONFORK) holds a word that is set at the start:
// reading it costs nothing, where getpid costs a system call. A pthread_atfork handler counts forks
// besides: not every kernel has such pages, and QEMU's user emulation takes the advice and does
// nothing. The page knows of forks that pass the C library by.
#ifndef LLMQ_RUNTIME_FORK_MARK_H_
#define LLMQ_RUNTIME_FORK_MARK_H_

#include <cstdint>

namespace llmq::runtime {

// The number of the process among its forefathers since the library was first used: it differs
// between a parent and its forked child. A handle stores it when it is made and compares later.
uint32_t fork_generation();

class ForkMark {
 public:
  ForkMark() : generation_(fork_generation()) {}
  bool forked() const { return generation_ != fork_generation(); }

 private:
  uint32_t generation_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_FORK_MARK_H_
