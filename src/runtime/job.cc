#include "runtime/job.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

#include "runtime/chunk.h"

namespace llmq::runtime {

// A queued request costs its record, and the malloc overhead of its payload (16 bytes), and no
// more.
static_assert(sizeof(Job) + 16 <= 248, "a queued request must stay small");

Extra::Extra() = default;
Extra::~Extra() = default;

Job* Job::of(Node* node) {
  return reinterpret_cast<Job*>(reinterpret_cast<char*>(node) - offsetof(Job, node));
}

void Home::drop_outcome(Job& job) {
  if (job.outcome == nullptr) return;
  Outcome* outcome = std::exchange(job.outcome, nullptr);
  std::string().swap(outcome->data);
  std::string().swap(outcome->message);
  std::string().swap(outcome->provider_request_id);
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
