#include "runtime/hook_queue.h"

#include <cstring>
#include <new>
#include <utility>

#include "runtime/completion_queue.h"

namespace llmq::runtime {
namespace {

// Copies a text and its NUL to `at`, and points to the copy.
char* move_text(char* at, const char*& text, uint64_t len) {
  std::memcpy(at, text, len);
  at[len] = '\0';
  text = at;
  return at + len + 1;
}

}  // namespace

HookEvent::Ptr HookEvent::make(const llmq_hook_t& told) {
  static_assert(offsetof(HookEvent, told) + sizeof told == sizeof(HookEvent), "texts follow it");
  const uint64_t texts =
      told.model_len + told.deployment_len + told.tenant_len + told.limit_len + 4;
  void* const memory = ::operator new(sizeof(HookEvent) + texts, std::nothrow);
  if (memory == nullptr) return nullptr;
  Ptr event(new (memory) HookEvent);
  event->size = sizeof told + texts;
  llmq_hook_t& own = event->told;
  own = told;
  char* at = static_cast<char*>(memory) + sizeof(HookEvent);
  at = move_text(at, own.model, own.model_len);
  at = move_text(at, own.deployment, own.deployment_len);
  at = move_text(at, own.tenant, own.tenant_len);
  move_text(at, own.limit, own.limit_len);
  return event;
}

void HookEvent::Destroy::operator()(HookEvent* event) const {
  if (event->out != nullptr) event->out->fetch_sub(1, std::memory_order_relaxed);
  event->~HookEvent();
  ::operator delete(event);
}

void HookEvent::take(llmq_event_t& event) {
  event.type = told.type == 0 ? LLMQ_EV_HOOK_ENDED : LLMQ_EV_HOOK;
  event.request_id = told.request_id;
  event.attempt_id = told.attempt_id;
  event.user_data = user_data;
  event.data = &told;
  event.data_len = size;
  event.handle = this;
}

std::shared_ptr<HookQueue> HookQueue::create(CompletionQueue* queue, uint64_t user_data) {
  llmq_hook_t told{};
  told.struct_size = sizeof told;
  told.model = told.deployment = told.tenant = told.limit = "";
  HookEvent::Ptr last = HookEvent::make(told);
  if (last == nullptr) return nullptr;
  return std::shared_ptr<HookQueue>(new HookQueue(queue, user_data, std::move(last)));
}

HookQueue::HookQueue(CompletionQueue* queue, uint64_t user_data, HookEvent::Ptr last)
    : queue_(queue),
      user_data_(user_data),
      out_(std::make_shared<std::atomic<uint64_t>>(0)),
      last_(std::move(last)) {
  queue_->add_ref();
}

HookQueue::~HookQueue() { queue_->drop_refs(1); }

HookEvent::Ptr HookQueue::send(HookEvent::Ptr event) {
  queue_->add_ref();
  event->queue = queue_;
  event->user_data = user_data_;
  event->told.lost = std::exchange(lost_, 0);
  return event;
}

HookEvent::Ptr HookQueue::tell(const llmq_hook_t& told) {
  HookEvent::Ptr event;
  if (out_->load(std::memory_order_relaxed) < kMostOut) event = HookEvent::make(told);
  if (event == nullptr) {
    ++lost_;
    return nullptr;
  }
  out_->fetch_add(1, std::memory_order_relaxed);
  event->out = out_;
  return send(std::move(event));
}

HookEvent::Ptr HookQueue::end(int64_t now_ns) {
  last_->told.time_ns = now_ns;
  return send(std::move(last_));
}

}  // namespace llmq::runtime
