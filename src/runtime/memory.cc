#include "runtime/memory.h"

namespace llmq::runtime {
namespace {

// What a text holds without memory of its own.
const size_t kInPlace = Text().capacity();

}  // namespace

void forget(Text& text) noexcept {
  if (text.capacity() > kInPlace) {
    Text(text.get_allocator()).swap(text);
  } else {
    text.clear();
  }
}

}  // namespace llmq::runtime
