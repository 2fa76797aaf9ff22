// llmq/cpp/hook.hpp - what a manager tells of requests, limits and breakers. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_HOOK_HPP_
#define LLMQ_CPP_HOOK_HPP_

#include <llmq/cpp/handle.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace llmq::detail {

template <class F>
void call_hook(void* user, const llmq_hook_t* hook) noexcept {
  try {
    (*static_cast<F*>(user))(*hook);
  } catch (...) {  // nobody is left to hear of it
  }
}

// The library frees the function, whatever becomes of the call.
template <class F>
void set_hook(llmq_manager_t* manager, uint32_t mask, F fn) {
  auto user = std::make_unique<F>(std::move(fn));
  check(llmq_set_hook(manager, mask, call_hook<F>, user.release(), free_user<F>));
}

}  // namespace llmq::detail

#endif  // LLMQ_CPP_HOOK_HPP_
