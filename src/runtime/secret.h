// A text that must not be left behind: it lies in pages of its own, which core dumps leave out and
// which are wiped before they are given back.
#ifndef LLMQ_RUNTIME_SECRET_H_
#define LLMQ_RUNTIME_SECRET_H_

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/wipe.h"

namespace llmq::runtime {

class Secret {
 public:
  Secret() = default;
  // Throws std::bad_alloc when memory is used up.
  explicit Secret(std::string_view text);
  ~Secret();
  Secret(Secret&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::string_view view() const { return {data_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

using base::wipe;

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_SECRET_H_
