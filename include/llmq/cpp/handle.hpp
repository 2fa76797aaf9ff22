// llmq/cpp/handle.hpp - owners of C handles, statuses as exceptions. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_HANDLE_HPP_
#define LLMQ_CPP_HANDLE_HPP_

#include <llmq/cpp/error.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace llmq::detail {

struct deleter {
  void operator()(llmq_conf_t* conf) const noexcept { llmq_conf_free(conf); }
  void operator()(llmq_cq_t* cq) const noexcept { llmq_cq_unref(cq); }
  void operator()(llmq_error_t* err) const noexcept { llmq_error_free(err); }
  void operator()(llmq_response_t* response) const noexcept { llmq_response_free(response); }
  void operator()(char* text) const noexcept { llmq_buf_free(text); }
  void operator()(llmq_manager_t* manager) const noexcept { llmq_manager_unref(manager); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

inline void check(status code) {
  if (code != LLMQ_OK) throw_error(code);
}
inline void check(status code, llmq_error_t* err) {
  const owned<llmq_error_t> guard(err);
  if (code != LLMQ_OK) throw_error(code, llmq_error_message(err), llmq_error_key(err));
}

inline std::string take(char* text) { return owned<char>(text).get(); }

inline const char* at(std::string_view text) noexcept {
  return text.data() == nullptr ? "" : text.data();
}

template <class T>
void free_user(void* user) {
  delete static_cast<T*>(user);
}

}  // namespace llmq::detail

#endif  // LLMQ_CPP_HANDLE_HPP_
