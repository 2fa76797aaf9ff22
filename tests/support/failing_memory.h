// Memory that runs out when a test says so, in the test program and in the libraries that it loads.
//
// Linked into a program, it takes the place of operator new there, and of malloc; not of malloc
// under a sanitizer, which has one of its own.
#ifndef LLMQ_TESTS_SUPPORT_FAILING_MEMORY_H_
#define LLMQ_TESTS_SUPPORT_FAILING_MEMORY_H_

#include <cstdint>

namespace llmq::test {

// What fails, counted from 1: one allocation, or all from there on.
struct Failure {
  int64_t at = 0;
  bool rest = false;
  bool only_new = false;  // nothing that a C library allocates
};

// On the calling thread, for the length of a scope.
class FailHere {
 public:
  explicit FailHere(Failure failure);
  ~FailHere();
  FailHere(const FailHere&) = delete;
  FailHere& operator=(const FailHere&) = delete;
};
// Allocations of this thread that have failed in the last scope.
int64_t failed_here();

// On all threads but the calling one, until it says so: how many have failed.
void fail_elsewhere(Failure failure);
int64_t stop_failing_elsewhere();
// Nothing of that fails on the calling thread, which is no part of what is tested.
void spare_this_thread();

}  // namespace llmq::test

#endif  // LLMQ_TESTS_SUPPORT_FAILING_MEMORY_H_
