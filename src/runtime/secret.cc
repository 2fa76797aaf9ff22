#include "runtime/secret.h"

#include <string.h>
#include <sys/mman.h>

#include <cstring>
#include <new>

namespace llmq::runtime {

Secret::Secret(std::string_view text) {
  if (text.empty()) return;
  void* const pages =
      mmap(nullptr, text.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_DONTDUMP
  madvise(pages, text.size(), MADV_DONTDUMP);
#endif
  std::memcpy(pages, text.data(), text.size());
  data_ = static_cast<char*>(pages);
  size_ = text.size();
}

Secret::~Secret() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, size_);
  munmap(data_, size_);
}

}  // namespace llmq::runtime
