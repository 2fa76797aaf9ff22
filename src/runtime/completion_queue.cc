#include "runtime/completion_queue.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>

#include "runtime/caller_struct.h"
#include "runtime/chunk.h"
#include "runtime/hook_queue.h"
#include "runtime/key_queue.h"
#include "runtime/lent_event.h"
#include "runtime/response.h"

namespace llmq::runtime {
namespace {

void fill_closed_event(const ClosedNotice& notice, llmq_event_t& event) {
  event = llmq_event_t{};
  event.type = LLMQ_EV_CLOSED;
  event.user_data = notice.user_data;
}

}  // namespace

CompletionQueue* CompletionQueue::create() { return new (std::nothrow) CompletionQueue(); }

CompletionQueue::~CompletionQueue() { magic = 0; }

void CompletionQueue::user_unref() {
  if (user_refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Node* left = nullptr;
  std::shared_ptr<Wakeup> wakeup;
  if (!forked()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    orphaned_ = true;
    wakeup.swap(wakeup_);
    left = first_;
    first_ = last_ = nullptr;
    count_ = 0;
  }
  drop_chain(left);
  drop_refs(1);
}

void CompletionQueue::drop_refs(int64_t n) {
  if (refs_.fetch_sub(n, std::memory_order_acq_rel) != n) return;
  if (!forked()) {
    delete this;
    return;
  }
  // The numbers of its descriptors may be others' by now, and threads that wait on it stayed
  // behind: the memory goes, without its destructor.
  magic = 0;
  ::operator delete(this);
}

void CompletionQueue::push(Node* first, Node* last, size_t count) {
  add_ref();  // once the chain is in, whoever drains it may drop the last reference
  size_t waiting = 0;
  std::shared_ptr<Wakeup> wakeup;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!orphaned_) {
      if (count_ == 0) wakeup = wakeup_;
      (last_ == nullptr ? first_ : last_->next) = first;
      last_ = last;
      count_ += count;
      waiting = waiters_;
      fd_.raise();
      first = nullptr;
    }
  }
  drop_chain(first);
  if (waiting == 1 || count == 1) {
    if (waiting > 0) not_empty_.notify_one();
  } else if (waiting > 1) {
    not_empty_.notify_all();
  }
  if (wakeup != nullptr) wakeup->fn(wakeup->user->get());
  drop_refs(1);
}

void CompletionQueue::set_wakeup(std::shared_ptr<Wakeup> wakeup) {
  std::shared_ptr<Wakeup> now;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    wakeup_.swap(wakeup);  // the old one is freed without the lock
    if (count_ > 0) now = wakeup_;
  }
  if (now != nullptr) now->fn(now->user->get());
}

size_t CompletionQueue::drain(llmq_event_t* events, size_t stride, size_t max) {
  Node* node = nullptr;
  size_t n = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    n = max < count_ ? max : count_;
    if (n == count_) {
      node = first_;
      first_ = last_ = nullptr;
      fd_.lower();
    } else if (n > 0) {
      node = first_;
      for (size_t i = 0; i < n; ++i) first_ = first_->next;
    }
    count_ -= n;
  }
  auto* at = reinterpret_cast<char*>(events);
  for (size_t i = 0; i < n; ++i, at += stride) {
    Node* next = node->next;
    llmq_event_t event{};
    if (node->kind == Node::Kind::kDone) {
      fill_done_event(*Job::of(node), event);
    } else if (node->kind == Node::Kind::kChunk) {
      fill_chunk_event(*Chunk::of(node), event);
      event.handle = node;
    } else if (node->kind == Node::Kind::kLent) {
      LentEvent::of(node)->take(event);
    } else if (node->kind == Node::Kind::kHook) {
      HookEvent::of(node)->take(event);
    } else if (node->kind == Node::Kind::kKey) {
      KeyEvent::of(node)->take(event);
    } else {
      auto* notice = reinterpret_cast<ClosedNotice*>(node);
      fill_closed_event(*notice, event);
      delete notice;
      // The caller holds a reference of its own: this one is never the last.
      drop_refs(1);  // NOLINT(clang-analyzer-cplusplus.NewDelete)
    }
    event.stride = static_cast<uint32_t>(stride);
    hand_over(event, at, stride);
    node = next;
  }
  return n;
}

core::Status CompletionQueue::wait(int64_t timeout_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto ready = [this] { return count_ > 0 || woken_; };
  if (!ready() && timeout_ns != 0) {
    ++waiters_;
    if (timeout_ns < 0) {
      not_empty_.wait(lock, ready);
    } else {
      constexpr int64_t kLongest = int64_t{86'400} * 365 * 1'000'000'000;
      not_empty_.wait_for(lock, std::chrono::nanoseconds(std::min(timeout_ns, kLongest)), ready);
    }
    --waiters_;
  }
  if (count_ > 0) return core::Status::kOk;
  if (!woken_) return core::Status::kTimeout;
  woken_ = false;
  return core::Status::kAgain;
}

void CompletionQueue::wake() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
    fd_.raise();
  }
  not_empty_.notify_one();
}

core::Status CompletionQueue::fd(int32_t kind, int32_t* fd) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!fd_.is_open()) {
    if (const auto opened = fd_.open(kind); opened != core::Status::kOk) return opened;
    if (count_ > 0 || woken_) fd_.raise();
  }
  *fd = fd_.number();
  return core::Status::kOk;
}

void CompletionQueue::drop_chain(Node* node) {
  while (node != nullptr) {
    Node* next = node->next;
    CompletionQueue* cq = nullptr;
    if (node->kind == Node::Kind::kDone) {
      Job* job = Job::of(node);
      cq = job->cq();
      Home::release(*job, kRequestHolder);
    } else if (node->kind == Node::Kind::kChunk) {
      const std::unique_ptr<Chunk> chunk(Chunk::of(node));
      cq = chunk->queue;
    } else if (node->kind == Node::Kind::kLent) {
      LentEvent* const lent = LentEvent::of(node);
      cq = lent->queue;
      LentEvent::drop(lent);
    } else if (node->kind == Node::Kind::kHook) {
      const HookEvent::Ptr told(HookEvent::of(node));
      cq = told->queue;
    } else if (node->kind == Node::Kind::kKey) {
      KeyEvent* const asked = KeyEvent::of(node);
      cq = asked->queue;
      KeyEvent::drop(asked);
    } else {
      auto* notice = reinterpret_cast<ClosedNotice*>(node);
      cq = notice->cq;
      delete notice;
    }
    cq->drop_refs(1);
    node = next;
  }
}

// nullptr: no event of a queue.
CompletionQueue* CompletionQueue::queue_of(const llmq_event_t& event) {
  switch (event.type) {
    case LLMQ_EV_DONE:
      return static_cast<Job*>(event.handle)->cq();
    case LLMQ_EV_CHUNK:
      return static_cast<Chunk*>(event.handle)->queue;
    case LLMQ_EV_READY:
    case LLMQ_EV_PERMIT:
    case LLMQ_EV_CANCEL_REQUESTED:
      return static_cast<LentEvent*>(event.handle)->queue;
    case LLMQ_EV_HOOK:
    case LLMQ_EV_HOOK_ENDED:
      return static_cast<HookEvent*>(event.handle)->queue;
    case LLMQ_EV_KEY:
      return static_cast<KeyEvent*>(event.handle)->queue;
    default:
      return nullptr;
  }
}

void CompletionQueue::release_handle(int32_t type, void* handle) {
  if (type == LLMQ_EV_DONE) {
    Home::release(*static_cast<Job*>(handle), kRequestHolder);
  } else if (type == LLMQ_EV_CHUNK) {
    delete static_cast<Chunk*>(handle);
  } else if (type == LLMQ_EV_HOOK || type == LLMQ_EV_HOOK_ENDED) {
    HookEvent::Destroy()(static_cast<HookEvent*>(handle));
  } else if (type == LLMQ_EV_KEY) {
    KeyEvent::drop(static_cast<KeyEvent*>(handle));
  } else {
    LentEvent::drop(static_cast<LentEvent*>(handle));
  }
}

void CompletionQueue::release_events(llmq_event_t* events, size_t stride, size_t n) {
  auto* at = reinterpret_cast<char*>(events);
  CompletionQueue* last = nullptr;
  int64_t refs = 0;
  for (size_t i = 0; i < n; ++i, at += stride) {
    auto* event = reinterpret_cast<llmq_event_t*>(at);
    void* const handle = event->handle;
    CompletionQueue* const cq = handle == nullptr ? nullptr : queue_of(*event);
    if (cq == nullptr) continue;  // a callback's event: the loop releases it
    event->handle = nullptr;
    event->data = nullptr;
    event->data_len = 0;
    if (cq->forked()) continue;  // another thread may have held the locks of its record
    if (cq != last) {
      if (last != nullptr) last->drop_refs(refs);
      last = cq;
      refs = 0;
    }
    ++refs;
    release_handle(event->type, handle);
  }
  if (last != nullptr) last->drop_refs(refs);
}

}  // namespace llmq::runtime
