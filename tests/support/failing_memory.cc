#include "support/failing_memory.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

// A sanitizer has a malloc of its own, and only glibc offers its own under other names.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define LLMQ_TEST_LEAVES_MALLOC 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LLMQ_TEST_LEAVES_MALLOC 1
#endif
#endif

namespace llmq::test {
namespace {

// Plain numbers: they are looked at where nothing may be allocated.
struct Count {
  int64_t left;
  int64_t failed;
  bool rest;
  bool only_new;
  bool on;
};
thread_local Count here;
thread_local bool spared;
std::atomic<int64_t> elsewhere_left{0};
std::atomic<int64_t> elsewhere_failed{0};
std::atomic<bool> elsewhere_rest{false};
std::atomic<bool> elsewhere_only_new{false};
std::atomic<bool> elsewhere_on{false};

bool must_fail_here() {
  const int64_t left = --here.left;
  if (left > 0 || (left < 0 && !here.rest)) return false;
  ++here.failed;
  return true;
}

bool must_fail(bool is_new) {
  if (here.on) return (is_new || !here.only_new) && must_fail_here();
  if (!elsewhere_on.load(std::memory_order_acquire) || spared) return false;
  if (!is_new && elsewhere_only_new.load()) return false;
  const int64_t left = elsewhere_left.fetch_sub(1) - 1;
  if (left > 0 || (left < 0 && !elsewhere_rest.load())) return false;
  elsewhere_failed.fetch_add(1);
  return true;
}

}  // namespace

FailHere::FailHere(Failure failure) {
  here = Count{failure.at, 0, failure.rest, failure.only_new, true};
}
FailHere::~FailHere() { here.on = false; }
int64_t failed_here() { return here.failed; }

void fail_elsewhere(Failure failure) {
  spare_this_thread();
  elsewhere_left = failure.at;
  elsewhere_failed = 0;
  elsewhere_rest = failure.rest;
  elsewhere_only_new = failure.only_new;
  elsewhere_on.store(true, std::memory_order_release);
}

void spare_this_thread() { spared = true; }

int64_t stop_failing_elsewhere() {
  elsewhere_on.store(false, std::memory_order_release);
  return elsewhere_failed.load();
}

}  // namespace llmq::test

#if defined(LLMQ_TEST_LEAVES_MALLOC)

namespace {

void* plain_malloc(std::size_t size) { return std::malloc(size); }
void* plain_memalign(std::size_t alignment, std::size_t size) {
  return std::aligned_alloc(alignment, size);
}

}  // namespace

#else

extern "C" {

// glibc's own, under the names that stay when malloc is replaced.
void* __libc_malloc(std::size_t size);                           // NOLINT(*-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT(*-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t size);            // NOLINT(*-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT(*-reserved-identifier)

}  // extern "C"

namespace {

void* plain_malloc(std::size_t size) { return __libc_malloc(size); }
void* plain_memalign(std::size_t alignment, std::size_t size) {
  return __libc_memalign(alignment, size);
}

}  // namespace

#endif

// For the libraries too, which look into the program first.
#pragma GCC visibility push(default)

namespace {

void* allocate(std::size_t size) noexcept {
  return llmq::test::must_fail(true) ? nullptr : plain_malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (llmq::test::must_fail(true)) return nullptr;
  return plain_memalign(alignment, (size + alignment - 1) / alignment * alignment);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(size, static_cast<std::size_t>(alignment)));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(size, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#if !defined(LLMQ_TEST_LEAVES_MALLOC)
extern "C" {

void* malloc(std::size_t size) {
  if (!llmq::test::must_fail(false)) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

void* calloc(std::size_t count, std::size_t size) {
  if (!llmq::test::must_fail(false)) return __libc_calloc(count, size);
  errno = ENOMEM;
  return nullptr;
}

void* realloc(void* memory, std::size_t size) {
  if (!llmq::test::must_fail(false)) return __libc_realloc(memory, size);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (!llmq::test::must_fail(false)) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return nullptr;
}

}  // extern "C"

#endif
#pragma GCC visibility pop
