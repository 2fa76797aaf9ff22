// Processors and the reports of their attempts, from any thread.
#include <utility>

#include "runtime/chunk.h"
#include "runtime/ids.h"
#include "runtime/manager.h"

namespace llmq::runtime {

core::Status Manager::set_processor(std::string_view model, std::shared_ptr<Processor> processor) {
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) return closed_status();
  ModelEntry* entry = loop_->registry.find(model);
  if (entry == nullptr) return core::Status::kUnknownModel;
  if (!entry->has_processor()) return core::Status::kUnsupported;
  Loop* const loop = loop_.get();
  loop->post(
      [loop, entry, processor = std::move(processor)] { loop->set_processor(entry, processor); });
  return core::Status::kOk;
}

// A processor's attempt holds the record until it is reported; one that runs on a lease is known
// only while it may still count.
Manager::FoundAttempt Manager::find_attempt(uint64_t attempt) const {
  Job* const job = loop_->home->jobs.at(slot_of(attempt));
  const uint64_t id = request_of(attempt);
  if (job == nullptr || job->id.load(std::memory_order_acquire) != id) return {};
  const uint64_t holder = uint64_t{1} << attempt_of(attempt);
  const bool held = (job->holders.load(std::memory_order_acquire) & holder) != 0;
  const uint32_t live = job->live.load(std::memory_order_acquire) & ~kReported;
  if (job->id.load(std::memory_order_acquire) != id) return {};
  if (!held && live != live_word(attempt, attempt_of(attempt))) return {};
  return {job, held};
}

core::Status Manager::look_into(uint64_t attempt,
                                const std::function<void(const Job&)>& look) const {
  const FoundAttempt found = find_attempt(attempt);
  if (found.job == nullptr) return core::Status::kStale;
  if (found.held) {
    look(*found.job);
    return core::Status::kOk;
  }
  const JobPin pin(*found.job, request_of(attempt));
  const uint32_t running = live_word(attempt, attempt_of(attempt));
  if (!pin || found.job->live.load(std::memory_order_acquire) != running) {
    return core::Status::kStale;
  }
  look(*found.job);
  return core::Status::kOk;
}

std::string_view Manager::model_name(const Job& job) const {
  return loop_->registry.by_index(job.request.model)->config.name;
}

// Whoever marks its live word owns the report; until the loop has it the job cannot go away.
core::Status Manager::report(uint64_t attempt, Outcome&& outcome) {
  const uint32_t number = attempt_of(attempt);
  const auto [job, held] = find_attempt(attempt);
  if (job == nullptr) return core::Status::kStale;
  const GatePass pass(loop_->gate);
  Outcome* const record = pass ? loop_->home->store(std::move(outcome)) : nullptr;
  if (pass && record == nullptr) return core::Status::kNoMem;
  const uint32_t running = live_word(attempt, number);
  uint32_t live = running;
  if (!pass ||
      !job->live.compare_exchange_strong(live, running | kReported, std::memory_order_acq_rel)) {
    if (record != nullptr) loop_->home->drop_outcome(*record);
    const bool given_up = !pass || live != (running | kReported);
    if (!held || !given_up) return core::Status::kStale;
    // Another thread may have said so meanwhile, and the record may be another request's by now.
    const JobPin pin(*job, request_of(attempt));
    if (pin) Home::release(*job, uint64_t{1} << number);
    return core::Status::kStale;
  }
  job->outcome = record;
  job->node.kind = Node::Kind::kReport;
  job->node.attempt = static_cast<uint8_t>(number);
  // Chunks come through the inbox: the report must not overtake them.
  if (loop_->on_loop_thread() && job->stream() == nullptr) {
    loop_->report_locally(*job);
  } else {
    loop_->push(&job->node);
  }
  return core::Status::kOk;
}

core::Status Manager::chunk(uint64_t attempt, std::string_view data) {
  const uint32_t number = attempt_of(attempt);
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kStale;
  core::Status status = core::Status::kStale;
  const core::Status found = look_into(attempt, [&](const Job& job) {
    if (job.live.load(std::memory_order_acquire) != live_word(attempt, number)) return;
    const Stream* const stream = job.stream();
    status = stream == nullptr ? core::Status::kUnsupported : core::Status::kAgain;
    if (stream == nullptr) return;
    auto chunk = std::make_unique<Chunk>(job, static_cast<uint8_t>(number), data);
    chunk->counted = stream->buffer->try_add(chunk->cost());
    if (!chunk->counted) return;
    loop_->push(&chunk.release()->node);
    status = core::Status::kOk;
  });
  return found == core::Status::kOk ? status : found;
}

core::Status Manager::heartbeat(uint64_t attempt) {
  const GatePass pass(loop_->gate);
  const Job* const job = pass ? find_attempt(attempt).job : nullptr;
  const uint32_t running = live_word(attempt, attempt_of(attempt));
  if (job == nullptr || job->live.load(std::memory_order_acquire) != running) {
    return core::Status::kStale;
  }
  Loop* const loop = loop_.get();
  loop->post([loop, attempt] { loop->heartbeat(attempt); });
  return core::Status::kOk;
}

core::Status Manager::attempt_deadline(uint64_t attempt, core::TimeNs* deadline) {
  if (find_attempt(attempt).job == nullptr) return core::Status::kStale;
  core::Status status = core::Status::kOk;
  const core::Status asked = on_loop([&] { status = loop_->attempt_deadline(attempt, deadline); });
  return asked == core::Status::kOk ? status : asked;
}

core::Status Manager::report_limits(std::string_view model, const core::Observed& observed) {
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) return closed_status();
  const ModelEntry* const entry = loop_->registry.find(model);
  if (entry == nullptr) return core::Status::kUnknownModel;
  if (observed.empty()) return core::Status::kOk;
  Loop* const loop = loop_.get();
  loop->post([loop, index = entry->index, observed] { loop->observe(index, 0, observed); });
  return core::Status::kOk;
}

core::Status Manager::report_limits(uint64_t attempt, const core::Observed& observed) {
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kStale;
  return look_into(attempt, [&](const Job& job) {
    if (observed.empty()) return;
    Loop* const loop = loop_.get();
    loop->post([loop, model = job.request.model, deployment = job.node.deployment, observed] {
      loop->observe(model, deployment, observed);
    });
  });
}

}  // namespace llmq::runtime
