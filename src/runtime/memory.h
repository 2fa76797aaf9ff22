// Where the memory comes from that grows with a manager's requests: functions of the host
// (llmq_conf_set_allocator), or the heap.
//
// A Memory is named by a pointer, and nullptr is the heap. What is in it keeps its manager's Home
// (job.h) or a share of the Memory itself: it goes last.
#ifndef LLMQ_RUNTIME_MEMORY_H_
#define LLMQ_RUNTIME_MEMORY_H_

#include <llmq/llmq.h>

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/callback.h"

namespace llmq::runtime {

class Memory {
 public:
  Memory(llmq_alloc_fn alloc, llmq_dealloc_fn dealloc, std::shared_ptr<UserData> user)
      : alloc_(alloc), dealloc_(dealloc), user_(std::move(user)) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Aligned for every type; nullptr when memory is used up. `size` is not 0.
  static void* take(const Memory* memory, size_t size) noexcept {
    if (memory == nullptr) return ::operator new(size, std::nothrow);
    return memory->alloc_(memory->user_->get(), size);
  }
  // What take gave for that size; nullptr is nothing.
  static void give_back(const Memory* memory, void* block, size_t size) noexcept {
    if (memory == nullptr) return ::operator delete(block);
    if (block != nullptr) memory->dealloc_(memory->user_->get(), block, size);
  }

 private:
  const llmq_alloc_fn alloc_;
  const llmq_dealloc_fn dealloc_;
  const std::shared_ptr<UserData> user_;
};

// Assigning moves nothing from one memory into another: what is assigned to stays where it is.
template <typename T>
class Allocator {
 public:
  using value_type = T;
  using is_always_equal = std::false_type;

  Allocator() noexcept = default;
  explicit Allocator(const Memory* memory) noexcept : memory_(memory) {}
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): containers convert them
  Allocator(const Allocator<U>& other) noexcept : memory_(other.memory()) {}

  T* allocate(size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    void* const block = Memory::take(memory_, count * sizeof(T));  // of texts: it cannot overflow
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T*>(block);
  }
  void deallocate(T* block, size_t count) noexcept {
    Memory::give_back(memory_, block, count * sizeof(T));
  }
  const Memory* memory() const noexcept { return memory_; }

 private:
  const Memory* memory_ = nullptr;
};

template <typename T, typename U>
bool operator==(const Allocator<T>& one, const Allocator<U>& other) noexcept {
  return one.memory() == other.memory();
}
template <typename T, typename U>
bool operator!=(const Allocator<T>& one, const Allocator<U>& other) noexcept {
  return one.memory() != other.memory();
}

// A text of a request.
using Text = std::basic_string<char, std::char_traits<char>, Allocator<char>>;

// Empty, without the memory that it had.
void forget(Text& text) noexcept;

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_MEMORY_H_
