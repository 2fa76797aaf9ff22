// Room that is made before anything changes, so that a change is whole or is not made.
#ifndef LLMQ_CORE_ROOM_H_
#define LLMQ_CORE_ROOM_H_

#include <cstddef>
#include <new>
#include <vector>

namespace llmq::core {

// `more` can be appended without memory. Grows by doubling, as appending does.
template <typename T>
void make_room(std::vector<T>& list, size_t more) {
  if (list.capacity() - list.size() < more) list.reserve(2 * list.size() + more);
}

// False: there is no memory for it.
template <typename Fn>
bool if_memory_lasts(Fn&& fn) {
  try {
    fn();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_ROOM_H_
