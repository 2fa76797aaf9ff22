// Structs of programs that were built against an older or a later header. Members are only ever
// appended, so that what both know is the beginning; what one of them does not know reads as zero.
#ifndef LLMQ_RUNTIME_CALLER_STRUCT_H_
#define LLMQ_RUNTIME_CALLER_STRUCT_H_

#include <llmq/llmq.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

namespace llmq::runtime {

// No header will ever come near it: a larger size is one that was never set.
inline constexpr size_t kMostStructSize = 4096;

// What the struct had in the first header: no program has less. It never changes.
template <typename T>
struct FirstSize;
template <>
struct FirstSize<llmq_usage_t>
    : std::integral_constant<size_t, offsetof(llmq_usage_t, reasoning_tokens)> {};
template <>
struct FirstSize<llmq_event_t>
    : std::integral_constant<size_t, offsetof(llmq_event_t, first_output_ns)> {};
template <>
struct FirstSize<llmq_request_t>
    : std::integral_constant<size_t, offsetof(llmq_request_t, reserved) +
                                         sizeof(llmq_request_t::reserved)> {};
template <>
struct FirstSize<llmq_stats_t>
    : std::integral_constant<size_t, offsetof(llmq_stats_t, reasoning_tokens)> {};
template <>
struct FirstSize<llmq_wait_t>
    : std::integral_constant<size_t, offsetof(llmq_wait_t, blocked_by) +
                                         sizeof(llmq_wait_t::blocked_by)> {};
template <>
struct FirstSize<llmq_outcome_t>
    : std::integral_constant<size_t, offsetof(llmq_outcome_t, metadata_len) +
                                         sizeof(llmq_outcome_t::metadata_len)> {};

template <typename T>
bool plausible(size_t size) {
  return size >= FirstSize<T>::value && size <= kMostStructSize;
}

// A struct that is read: its size is plausible, and the caller uses nothing that is not known here.
template <typename T>
bool readable(const T& from) {
  const size_t size = from.struct_size;
  if (!plausible<T>(size)) return false;
  if (size <= sizeof(T)) return true;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&from);
  return std::all_of(bytes + sizeof(T), bytes + size, [](unsigned char byte) { return byte == 0; });
}

// A struct that is read, with all members that are known here: the caller's own, or, of an older
// header, a copy. A size that is not plausible is left for `readable` to refuse.
template <typename T>
class Whole {
 public:
  explicit Whole(const T& from) : from_(&from) {
    const size_t size = from.struct_size;
    if (size < FirstSize<T>::value || size >= sizeof(T)) return;
    T& copy = copy_.emplace();  // all zero
    std::memcpy(&copy, &from, size);
    copy.struct_size = sizeof copy;
    from_ = &copy;
  }
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;

  const T& operator*() const { return *from_; }
  const T* operator->() const { return from_; }

 private:
  const T* from_;
  std::optional<T> copy_;
};

// A struct that is filled: `size` bytes at `to` become what of `filled` the caller knows.
template <typename T>
void hand_over(const T& filled, void* to, size_t size) {
  std::memcpy(to, &filled, std::min(size, sizeof filled));
  if (size > sizeof filled) {
    std::memset(static_cast<char*>(to) + sizeof filled, 0, size - sizeof filled);
  }
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CALLER_STRUCT_H_
