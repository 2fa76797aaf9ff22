// Secrets are overwritten where they lie before their memory is given back.
#ifndef LLMQ_BASE_WIPE_H_
#define LLMQ_BASE_WIPE_H_

#include <cstddef>
#include <cstring>
#include <string>

namespace llmq::base {

// In a way that no compiler leaves out: what a volatile pointer leads to, it cannot know.
inline void wipe(void* bytes, size_t size) {
  void* (*const volatile set)(void*, int, size_t) = std::memset;
  if (size > 0) set(bytes, 0, size);
}

inline void wipe(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

}  // namespace llmq::base

#endif  // LLMQ_BASE_WIPE_H_
