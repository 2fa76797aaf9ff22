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

const Job* Manager::held_attempt(uint64_t attempt) const {
  const Job* job = loop_->home->jobs.at(slot_of(attempt));
  if (job == nullptr) return nullptr;
  if (job->id.load(std::memory_order_acquire) != request_of(attempt)) return nullptr;
  const uint64_t holder = uint64_t{1} << attempt_of(attempt);
  return (job->holders.load(std::memory_order_acquire) & holder) != 0 ? job : nullptr;
}

std::string_view Manager::model_name(const Job& job) const {
  return loop_->registry.by_index(job.request.model)->config.name;
}

// While its holder bit is set the job cannot go away; whoever marks its live word owns the report.
core::Status Manager::report(uint64_t attempt, Outcome&& outcome) {
  const uint32_t number = attempt_of(attempt);
  Job* job = const_cast<Job*>(held_attempt(attempt));
  if (job == nullptr) return core::Status::kStale;
  const uint64_t holder = uint64_t{1} << number;
  const GatePass pass(loop_->gate);
  Outcome* record = pass ? loop_->home->outcomes.take() : nullptr;
  if (pass && record == nullptr) return core::Status::kNoMem;
  if (record != nullptr) {
    const uint32_t slot = record->slot;
    *record = std::move(outcome);
    record->slot = slot;
  }
  const uint32_t running = live_word(attempt, number);
  uint32_t live = running;
  if (!pass ||
      !job->live.compare_exchange_strong(live, running | kReported, std::memory_order_acq_rel)) {
    if (record != nullptr) loop_->home->outcomes.give_back(record);
    if (!pass || live != (running | kReported)) Home::release(*job, holder);  // given up before
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
  const Job* const job = held_attempt(attempt);
  if (job == nullptr) return core::Status::kStale;
  const GatePass pass(loop_->gate);
  if (!pass || job->live.load(std::memory_order_acquire) != live_word(attempt, number)) {
    return core::Status::kStale;
  }
  const Stream* const stream = job->stream();
  if (stream == nullptr) return core::Status::kUnsupported;
  auto chunk = std::make_unique<Chunk>(*job, static_cast<uint8_t>(number), std::string(data));
  chunk->counted = stream->buffer->try_add(chunk->cost());
  if (!chunk->counted) return core::Status::kAgain;
  loop_->push(&chunk.release()->node);
  return core::Status::kOk;
}

core::Status Manager::report_limits(std::string_view model, const core::Observed& observed) {
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) return closed_status();
  const ModelEntry* const entry = loop_->registry.find(model);
  if (entry == nullptr) return core::Status::kUnknownModel;
  if (observed.empty()) return core::Status::kOk;
  Loop* const loop = loop_.get();
  loop->post([loop, index = entry->index, observed] { loop->observe(index, observed); });
  return core::Status::kOk;
}

}  // namespace llmq::runtime
