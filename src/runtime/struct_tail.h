// The part of a caller's struct that this library does not know: members that a later header added.
#ifndef LLMQ_RUNTIME_STRUCT_TAIL_H_
#define LLMQ_RUNTIME_STRUCT_TAIL_H_

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace llmq::runtime {

// No header will ever come near it: a larger size is one that was never set.
inline constexpr size_t kMostStructSize = 4096;

// A struct that is read: `size` is plausible, and the caller uses nothing that is not known here.
template <typename T>
bool readable(const T& from, size_t size) {
  if (size < sizeof(T) || size > kMostStructSize) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&from);
  return std::all_of(bytes + sizeof(T), bytes + size, [](unsigned char byte) { return byte == 0; });
}

// A struct that is filled.
template <typename T>
bool writable(const T&, size_t size) {
  return size >= sizeof(T) && size <= kMostStructSize;
}

// What is not known here reads as its default.
template <typename T>
void clear_tail(T& to, size_t size) {
  if (size > sizeof(T)) std::memset(reinterpret_cast<char*>(&to) + sizeof(T), 0, size - sizeof(T));
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_STRUCT_TAIL_H_
