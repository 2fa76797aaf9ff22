// What the opaque handles are, and how a stray pointer is told from one.
#ifndef LLMQ_CAPI_HANDLES_H_
#define LLMQ_CAPI_HANDLES_H_

#include <llmq/llmq.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "config/config.h"
#include "core/result.h"
#include "runtime/callback.h"
#include "runtime/caller_struct.h"
#include "runtime/completion_queue.h"
#include "runtime/fork_mark.h"
#include "runtime/manager.h"
#include "runtime/plan.h"
#include "runtime/response.h"

inline constexpr uint32_t kManagerMagic = 0x6c6d714d;
inline constexpr uint32_t kConfMagic = 0x6c6d714f;
inline constexpr uint32_t kErrorMagic = 0x6c6d7145;
inline constexpr uint32_t kPlanMagic = 0x6c6d7150;
inline constexpr uint32_t kResponseMagic = 0x6c6d7152;

struct llmq_manager {
  uint32_t magic = kManagerMagic;
  std::atomic<int64_t> refs{1};
  llmq::runtime::ForkMark fork_mark;
  std::unique_ptr<llmq::runtime::Manager> manager;
};

struct llmq_conf {
  uint32_t magic = kConfMagic;
  llmq::config::Config config;
  llmq::runtime::Callbacks callbacks;
};

struct llmq_plan {
  uint32_t magic = kPlanMagic;
  std::unique_ptr<llmq::runtime::Plan> plan;
};

struct llmq_error {
  uint32_t magic = kErrorMagic;
  llmq::core::Error error;
};

struct llmq_response {
  uint32_t magic = kResponseMagic;
  std::unique_ptr<llmq::runtime::Response> response;
};

namespace llmq::capi {

inline bool valid(const llmq_manager_t* handle) {
  return handle != nullptr && handle->magic == kManagerMagic;
}
inline bool valid(const llmq_conf_t* handle) {
  return handle != nullptr && handle->magic == kConfMagic;
}
inline bool valid(const llmq_plan_t* handle) {
  return handle != nullptr && handle->magic == kPlanMagic;
}
inline bool valid(const llmq_error_t* handle) {
  return handle != nullptr && handle->magic == kErrorMagic;
}
inline bool valid(const llmq_response_t* handle) {
  return handle != nullptr && handle->magic == kResponseMagic;
}
inline bool valid(const llmq_cq_t* handle) {
  return handle != nullptr &&
         reinterpret_cast<const runtime::CompletionQueue*>(handle)->magic == runtime::kQueueMagic;
}
inline runtime::CompletionQueue* queue_of(llmq_cq_t* handle) {
  return reinterpret_cast<runtime::CompletionQueue*>(handle);
}

// LLMQ_OK if calls may go to the manager.
inline llmq_status_t usable(const llmq_manager_t* handle) {
  if (!valid(handle)) return LLMQ_ERR_INVALID_ARG;
  return handle->fork_mark.forked() ? LLMQ_ERR_FORKED : LLMQ_OK;
}
inline llmq_status_t usable(const llmq_cq_t* handle) {
  if (!valid(handle)) return LLMQ_ERR_INVALID_ARG;
  const auto* queue = reinterpret_cast<const runtime::CompletionQueue*>(handle);
  return queue->forked() ? LLMQ_ERR_FORKED : LLMQ_OK;
}

// Gives the error to the caller, if it wants it, and its code back.
llmq_status_t fail(const core::Error& error, llmq_error_t** err) noexcept;
llmq_status_t fail_arg(const char* what, llmq_error_t** err) noexcept;
// In the words of the status itself.
llmq_status_t fail_status(llmq_status_t status, llmq_error_t** err) noexcept;
// From here on the user pointer is freed exactly once, whatever happens. nullptr: memory is used
// up, and it has been freed already.
std::shared_ptr<runtime::UserData> own(void* user, llmq_user_free_fn user_free) noexcept;
// A copy of the text that the caller frees with llmq_buf_free; nullptr when memory is used up.
char* copy_text(const std::string& text);
// Hands a text to the caller.
llmq_status_t give_text(const std::string& text, char** out, size_t* len);
core::TimeNs deadline_of(int64_t deadline_ns);

// Usage as a caller gives it; false if it cannot be.
inline bool read_usage(const llmq_usage_t& given, core::Usage* usage) {
  if (!runtime::readable(given)) return false;
  const runtime::Whole<llmq_usage_t> whole(given);
  *usage = core::Usage{whole->input_tokens, whole->output_tokens, whole->cached_input_tokens,
                       whole->cost_micros, whole->reasoning_tokens};
  return whole->reserved == 0 && usage->input_tokens >= 0 && usage->output_tokens >= 0 &&
         usage->cached_input_tokens >= 0 && usage->cost_micros >= 0 && usage->reasoning_tokens >= 0;
}
// Usage as a caller gets it.
inline void give_usage(const core::Usage& usage, llmq_usage_t* to) {
  llmq_usage_t filled{};
  filled.struct_size = to->struct_size;
  filled.input_tokens = usage.input_tokens;
  filled.output_tokens = usage.output_tokens;
  filled.cached_input_tokens = usage.cached_input_tokens;
  filled.cost_micros = usage.cost_micros;
  filled.reasoning_tokens = usage.reasoning_tokens;
  runtime::hand_over(filled, to, to->struct_size);
}

}  // namespace llmq::capi

#endif  // LLMQ_CAPI_HANDLES_H_
