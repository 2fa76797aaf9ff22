#include "runtime/job.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "runtime/chunk.h"
#include "runtime/ids.h"

namespace llmq::runtime {

// A queued request costs its record, and the malloc overhead of its payload (16 bytes), and no
// more.
static_assert(sizeof(Job) + 16 <= 248, "a queued request must stay small");

Extra::Extra() = default;
Extra::~Extra() = default;

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

namespace {

// What a text holds without memory of its own.
const size_t kInPlace = std::string().capacity();

// Empty, without the memory that it had.
void forget(std::string& text) {
  if (text.capacity() > kInPlace) {
    std::string().swap(text);
  } else {
    text.clear();
  }
}

}  // namespace

void Home::drop_outcome(Job& job) {
  if (job.outcome == nullptr) return;
  Outcome* outcome = std::exchange(job.outcome, nullptr);
  forget(outcome->data);
  forget(outcome->message);
  forget(outcome->provider_request_id);
  outcome->attempts.reset();
  forget(outcome->model);
  forget(outcome->deployment);
  outcomes.give_back(outcome);
}

void Home::release(Job& job, uint64_t holder) {
  const uint64_t before = job.holders.fetch_and(~holder, std::memory_order_acq_rel);
  if (before != holder) return;  // others are left, or this one had let go before
  Home* home = job.home;
  home->drop_outcome(job);
  std::free(job.payload);
  job.payload = nullptr;
  delete job.extra;
  job.extra = nullptr;
  job.id.store(0, std::memory_order_release);
  if (home->jobs.give_back(&job)) delete home;
}

void Home::orphan(Home* home) {
  if (home->jobs.orphan()) delete home;
}

}  // namespace llmq::runtime
