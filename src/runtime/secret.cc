#include "runtime/secret.h"

#include <cstring>
#include <new>

#include "runtime/platform.h"

namespace llmq::runtime {

Secret::Secret(std::string_view text) {
  if (text.empty()) return;
  void* const pages = platform::take_pages(text.size());
  if (pages == nullptr) throw std::bad_alloc();
  std::memcpy(pages, text.data(), text.size());
  data_ = static_cast<char*>(pages);
  size_ = text.size();
}

Secret::~Secret() {
  if (data_ == nullptr) return;
  base::wipe(data_, size_);
  platform::give_back_pages(data_, size_);
}

}  // namespace llmq::runtime
