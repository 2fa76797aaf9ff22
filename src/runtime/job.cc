#include "runtime/job.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "runtime/chunk.h"
#include "runtime/ids.h"

namespace llmq::runtime {

// A queued request costs its record, and the malloc overhead of its payload (16 bytes), and no
// more.
static_assert(sizeof(Job) + 16 <= 248, "a queued request must stay small");

Extra::Extra(const Memory* its_memory) : memory(its_memory) {}
Extra::~Extra() = default;

void DropExtra::operator()(Extra* extra) const noexcept {
  const Memory* const memory = extra->memory;
  extra->~Extra();
  Memory::give_back(memory, extra, sizeof(Extra));
}

ExtraPtr make_extra(const Memory* memory) {
  static_assert(alignof(Extra) <= alignof(std::max_align_t));
  void* const block = Memory::take(memory, sizeof(Extra));
  if (block == nullptr) throw std::bad_alloc();
  return ExtraPtr(new (block) Extra(memory));
}

Job* Job::of(Node* node) {
  return reinterpret_cast<Job*>(reinterpret_cast<char*>(node) - offsetof(Job, node));
}

void Job::begin(Home& its_home) {
  const uint32_t generation = generation_of(request.id) + 1;
  request = core::Request{};
  request.id = request_id(slot, generation);
  node = Node{};
  flags.store(0, std::memory_order_relaxed);
  operation = 0;
  in_engine = cancel_early = report_on_way = ended = start_waits = met_new_key = fell_back =
      is_hedge = false;
  payload = nullptr;
  user_data = 0;
  done_fn = nullptr;
  queue = nullptr;
  extra = nullptr;
  outcome = nullptr;
  home = &its_home;
  live.store(0, std::memory_order_relaxed);
  lent.store(0, std::memory_order_relaxed);
  holders.store(kRequestHolder, std::memory_order_relaxed);
}

void Job::publish() {
  state.store(LLMQ_STATE_PENDING, std::memory_order_release);
  id.store(request.id, std::memory_order_release);
}

void Job::lend() {
  if (lent.load(std::memory_order_relaxed) == 0) {  // nobody else changes it yet
    lent.store(1, std::memory_order_relaxed);
    holders.fetch_or(kLentHolder, std::memory_order_relaxed);
  }
  lent.fetch_add(1, std::memory_order_relaxed);
}

void Job::stop_lending() {
  if (lent.load(std::memory_order_relaxed) != 0) Home::end_lending(*this);
}

void Home::end_lending(Job& job) {
  if (job.lent.fetch_sub(1, std::memory_order_acq_rel) == 1) release(job, kLentHolder);
}

// What is pinned may be the record of another request by now: then it is let go at once.
JobPin::JobPin(Job& job, uint64_t id) : job_(job) {
  uint64_t holders = job.holders.load(std::memory_order_acquire);
  while (holders != 0) {
    if ((holders & kPinHolder) != 0) {  // by another thread, for as long as it looks
      std::this_thread::yield();
      holders = job.holders.load(std::memory_order_acquire);
    } else if (job.holders.compare_exchange_weak(holders, holders | kPinHolder,
                                                 std::memory_order_acq_rel)) {
      pinned_ = true;
      found_ = job.id.load(std::memory_order_acquire) == id;
      return;
    }
  }
}

JobPin::~JobPin() {
  if (pinned_) Home::release(job_, kPinHolder);
}

void* Home::copy_payload(std::string_view bytes) noexcept {
  void* const copy = Memory::take(memory.get(), bytes.size());
  if (copy != nullptr) std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

void Home::drop_payload(Job& job) noexcept {
  Memory::give_back(memory.get(), std::exchange(job.payload, nullptr), job.request.bytes);
}

Outcome* Home::store(Outcome&& outcome) noexcept {
  Outcome* const record = outcomes.take();
  if (record == nullptr) return nullptr;
  const uint32_t slot = record->slot;
  try {
    *record = std::move(outcome);
  } catch (const std::bad_alloc&) {  // its texts were in other memory
    record->slot = slot;
    drop_outcome(*record);
    return nullptr;
  }
  record->slot = slot;
  return record;
}

void Home::drop_outcome(Outcome& record) noexcept {
  forget(record.data);
  forget(record.message);
  forget(record.provider_request_id);
  record.attempts.reset();
  forget(record.model);
  forget(record.deployment);
  outcomes.give_back(&record);
}

void Home::drop_outcome(Job& job) noexcept {
  if (Outcome* const outcome = std::exchange(job.outcome, nullptr)) drop_outcome(*outcome);
}

void Home::release(Job& job, uint64_t holder) {
  const uint64_t before = job.holders.fetch_and(~holder, std::memory_order_acq_rel);
  if (before != holder) return;  // others are left, or this one had let go before
  Home* home = job.home;
  home->drop_outcome(job);
  home->drop_payload(job);
  ExtraPtr(std::exchange(job.extra, nullptr)).reset();
  job.id.store(0, std::memory_order_release);
  if (home->jobs.give_back(&job)) delete home;
}

void Home::orphan(Home* home) {
  if (home->jobs.orphan()) delete home;
}

}  // namespace llmq::runtime
