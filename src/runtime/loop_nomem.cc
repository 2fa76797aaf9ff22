// Where memory runs out on the loop. What one attempt needs is that attempt's loss: it ends with
// kNoMem. What a change of the tables needs is made ready before, and the request that it is for is
// refused if it cannot be. Where a change stops half-way nevertheless, nothing can be relied on any
// more: the manager breaks off, and every open request ends, for which nothing has to be allocated.
#include <utility>

#include "http/client.h"
#include "runtime/ids.h"
#include "runtime/lent_event.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// A call that requests share: nobody has submitted it.
bool is_shared_call(const Job& job) {
  const Flight* const flight = job.extra == nullptr ? nullptr : job.extra->shared.flight;
  return flight != nullptr && flight->call == &job;
}

}  // namespace

// It began, but what it needs cannot be had. Another one would need the same.
void Loop::fail_for_memory(Job& job, uint8_t attempt) {
  stream_events_.clear();  // what is left of them is this attempt's
  if (broken_) return;
  leases_.close(attempt_id(job.request.id, attempt));
  Outcome outcome;
  outcome.status = core::Status::kNoMem;
  report(job, attempt, std::move(outcome), nullptr, Again::kNever);
}

// Nothing knows of it yet.
void Loop::refuse_for_memory(Job& job) {
  home->drop_outcome(job);
  job.in_engine = false;
  job.request.submitted = now_.mono;
  job.request.state = core::State::kFailed;
  job.request.status = core::Status::kNoMem;
  tell_of_stranger(job);
  deliver(job);
}

// What still comes in while the manager breaks off.
void Loop::take_broken(Node* node) {
  switch (node->kind) {
    case Node::Kind::kSubmit:
      return refuse_for_memory(*Job::of(node));
    case Node::Kind::kReport:
      return take_broken_report(*Job::of(node));
    case Node::Kind::kChunk:
      delete Chunk::of(node);
      return;
    case Node::Kind::kLeave:
      return;
    case Node::Kind::kRoom:
      StreamBuffer::whose_room(node);
      return;
    case Node::Kind::kLent:
      delete LentEvent::of(node);
      return;
    case Node::Kind::kKey:
      delete KeyEvent::of(node);
      return;
    default: {
      const std::unique_ptr<Command> command(reinterpret_cast<Command*>(node));
      if (command->always) command->run();
    }
  }
}

// The answer that it brings still counts.
void Loop::take_broken_report(Job& job) {
  const uint32_t attempt = job.node.attempt;
  const uint64_t holder = uint64_t{1} << attempt;
  const bool held = (job.holders.load(std::memory_order_relaxed) & holder) != 0;
  if (!held) leases_.close(attempt_id(job.request.id, attempt));
  job.live.store(0, std::memory_order_relaxed);
  const bool late = job.report_on_way;
  job.report_on_way = false;
  if (job.ended) {
    job.ended = false;
    home->drop_outcome(job);
    deliver(job);
  } else if (job.in_engine && !late && job.outcome != nullptr) {
    end_broken(job, job.outcome->status);
  }
  if (held) Home::release(job, holder);
}

// Whoever is inside the gate may still hand something over; then nothing changes any more but by
// the loop.
void Loop::break_off() {
  if (!std::exchange(breaking_off_, true)) {
    closing.store(true, std::memory_order_release);
    gate.close();
    log->warn("no memory is left: the manager breaks off [{}]",
              core::status_name(core::Status::kNoMem));
  }
  if (engine_closed_ || !gate.empty() || !inbox.empty() || !local_reports_.empty()) return;
  for (uint32_t slot = 0; Job* const job = home->jobs.at(slot); ++slot) {
    if (job->id.load(std::memory_order_acquire) == 0 || !job->in_engine) continue;
    if (!is_shared_call(*job)) end_broken(*job, core::Status::kNoMem);
  }
  for (uint32_t slot = 0; Job* const job = home->jobs.at(slot); ++slot) {
    if (job->id.load(std::memory_order_acquire) == 0 || !job->in_engine) continue;
    job->in_engine = false;
    stop_broken(*job);
    ended_bytes_ += job->request.bytes;
    Home::release(*job, kRequestHolder);
  }
  for (const auto& [job, twin] : hedges_) {
    stop_broken(*twin);
    Home::release(*twin, kRequestHolder);
  }
  hedges_.clear();
  attempt_logs_.clear();
  deliver_parked();
  engine_closed_ = true;
  after_turn();
}

// Nobody is to go on with the attempt that runs.
void Loop::stop_broken(Job& job) {
  const auto attempt = static_cast<uint8_t>(job.request.attempts);
  if (job.live.exchange(0, std::memory_order_acq_rel) == 0) return;
  if_memory_lasts([&] { stop_runner(job, attempt); });
  leases_.close(attempt_id(job.request.id, attempt));
}

void Loop::end_broken(Job& job, core::Status status) {
  stop_broken(job);
  job.in_engine = false;
  job.start_waits = false;
  if (!core::is_final(job.request.state)) {
    const bool ran = job.request.state == core::State::kProcessing;
    const bool good = status == core::Status::kOk;
    if (core::Model* const model = engine_.model(job.request.model); model != nullptr) {
      --(ran ? model->counters.processing : model->counters.pending);
      ++(good ? model->counters.completed : model->counters.failed);
    }
    job.request.state = good ? core::State::kCompleted : core::State::kFailed;
    job.request.status = status;
  }
  tell_of_end(job);
  deliver(job);
}

}  // namespace llmq::runtime
