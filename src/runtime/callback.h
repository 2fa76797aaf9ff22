// A function of the caller with its user pointer, whose user_free runs exactly once.
#ifndef LLMQ_RUNTIME_CALLBACK_H_
#define LLMQ_RUNTIME_CALLBACK_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <memory>

#include "core/time.h"

namespace llmq::runtime {

class CompletionQueue;
class HookQueue;
class Memory;

// The user pointer alone: freed when the last owner of it goes.
class UserData {
 public:
  UserData(void* user, llmq_user_free_fn user_free) : user_(user), user_free_(user_free) {}
  UserData(const UserData&) = delete;
  UserData& operator=(const UserData&) = delete;
  ~UserData() {
    if (user_free_ != nullptr) user_free_(user_);
  }
  void* get() const { return user_; }

 private:
  void* user_;
  llmq_user_free_fn user_free_;
};

struct LogCallback {
  int32_t level = LLMQ_LOG_OFF;
  llmq_log_fn fn = nullptr;
  std::shared_ptr<UserData> user;
};

struct ApiKeyCallback {
  llmq_api_key_fn fn = nullptr;
  llmq_deployment_key_fn deployment_fn = nullptr;  // or this one
  std::shared_ptr<UserData> user;
  bool by_event = false;  // or none: the manager's key queue is asked (key_queue.h)

  bool is_set() const { return fn != nullptr || deployment_fn != nullptr || by_event; }
};

// Who runs the attempts of a model: a function that is called with each, or those who drain a
// queue.
struct Processor {
  Processor() = default;
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;
  ~Processor();

  llmq_event_fn fn = nullptr;
  llmq_event_fn cancel_fn = nullptr;
  std::shared_ptr<UserData> user;
  CompletionQueue* workers = nullptr;  // in place of fn; holds a reference to it
  core::DurationNs lease{};            // of each attempt; 0 = none
};

struct Hook {
  uint32_t mask = 0;  // LLMQ_HOOK_
  llmq_hook_fn fn = nullptr;
  std::shared_ptr<UserData> user;
  std::shared_ptr<HookQueue> queue;  // in place of fn
};

struct Callbacks {
  LogCallback log;
  ApiKeyCallback api_key;
  std::shared_ptr<const Memory> memory;  // nullptr = the heap
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CALLBACK_H_
