// What the engine wants done, and what is reported back to it.
#include <algorithm>

#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

using core::Status;

bool refused_before_work(Status status) {
  return status == Status::kRateLimited || status == Status::kOverloaded ||
         status == Status::kQuotaExhausted;
}

}  // namespace

void World::perform(const core::StartAttempt& action) {
  Slot& slot = slot_of(action.request);
  mix(static_cast<uint64_t>(now_) * 4 + 1);
  mix(slot.record.id * 256 + action.attempt);
  if (trace_ != nullptr) {
    (void)std::fprintf(trace_, "  start %llu/%d\n", static_cast<unsigned long long>(slot.record.id),
                       action.attempt);
  }
  ++out_.attempts;
  ++work_in_second_;
  if (!slot.live || slot.running) findings_->add(9, now_, "started a request that runs or is over");
  if (action.attempt != slot.attempts + 1 ||
      action.attempt > scenario_->max_attempts + slot.quota_waits) {
    findings_->add(10, now_, "attempt %d after %d of at most %d", action.attempt, slot.attempts,
                   scenario_->max_attempts + slot.quota_waits);
  }
  if (now_ < gate_[slot.record.model] || now_ < slot.not_before) {
    findings_->add(10, now_, "request %llu started before its Retry-After",
                   static_cast<unsigned long long>(slot.record.id));
  }
  if (!scenario_->durable) reserve(slot);
  if (!slot.reserved) findings_->add(3, now_, "an attempt starts that holds nothing");
  ++slot.attempts;
  ++slot.generation;
  slot.running = true;
  if (spec_.sends_at_start) {
    book_sent(slot);
    send(slot);
  } else {
    heap_.push(now_ + draw_.below(scenario_->connect_most), What::kLeave, index_of(slot),
               slot.generation);
  }
}

void World::leave(Slot& slot) {
  if (draw_.chance(scenario_->faults.no_connection)) {
    slot.status = Status::kTransport;
    slot.usage_known = false;
    slot.retry_after = 0;
    slot.observed = nullptr;
    report(slot);
    return;
  }
  book_sent(slot);
  send(slot);
  step(core::AttemptSent{&slot.record, slot.attempts});
}

// Parts come in order; the last one comes with the end.
void World::hear(Slot& slot) {
  ++slot.parts_heard;
  const int64_t tokens =
      int64_t{slot.stream_output} * slot.parts_heard / std::max<uint32_t>(slot.stream_parts, 1);
  for (size_t i = 0; i < books_.size(); ++i) {
    const int64_t reserved = slot.bookings[i].cost;
    books_[i].progress(now_, slot.bookings[i], tokens);
    if (slot.bookings[i].cost > reserved) ++disturbances_;
  }
  step(core::AttemptProgress{&slot.record, slot.attempts, tokens});
}

void World::report(Slot& slot) {
  core::AttemptFinished event{&slot.record, slot.attempts};
  event.status = slot.status;
  event.usage_known = slot.usage_known;
  if (slot.usage_known) event.usage = core::Usage{slot.actual_input, slot.actual_output};
  event.retry_after = core::DurationNs{slot.retry_after};
  event.observed = slot.observed;
  note_quota(slot);
  settle(slot, slot.status, slot.usage_known);
  slot.settled = out_.steps + 1;
  if (slot.status == Status::kRateLimited || slot.status == Status::kOverloaded) {
    ++disturbances_;
    if (slot.retry_after > 0) {
      int64_t& gate = gate_[slot.record.model];
      gate = std::max(gate, now_ + slot.retry_after);
      slot.not_before = now_ + slot.retry_after;
    }
  }
  step(event);
}

// Ends an attempt in the books, as the documentation of the limits says.
void World::settle(Slot& slot, Status status, bool usage_known) {
  quota_ended(slot);
  if (!slot.sent) {
    leave_room(slot);
    slot.running = false;
    ++slot.generation;
    return;
  }
  for (size_t i = 0; i < books_.size(); ++i) {
    Book& book = books_[i];
    const int64_t actual =
        usage_known ? book.cost_of(slot.actual_input, slot.actual_output) : int64_t{-1};
    if (actual > slot.bookings[i].cost) ++disturbances_;
    book.settle(now_, slot.bookings[i], actual, !usage_known && refused_before_work(status));
  }
  if (Book* own = own_book(slot)) {
    own->settle(now_, slot.of_tenant, -1, !usage_known && refused_before_work(status));
  }
  slot.reserved = slot.running = false;
  slot.usage_known = usage_known;
  slot.settled = out_.steps;
  ++slot.generation;
  --running_;
}

void World::perform(const core::AbortAttempt& action) {
  Slot& slot = slot_of(action.request);
  ++work_in_second_;
  mix(static_cast<uint64_t>(now_) * 4 + 2);
  if (trace_ != nullptr) {
    (void)std::fprintf(trace_, "  abort %llu/%d\n", static_cast<unsigned long long>(slot.record.id),
                       action.attempt);
  }
  if (!slot.live || !slot.running || action.attempt != slot.attempts) {
    findings_->add(9, now_, "aborted attempt %d, which does not run", action.attempt);
    return;
  }
  if (slot.sent) hang_up(slot);
  if (action.reason == Status::kTimeout) ++disturbances_;  // fewer may run from now on
  settle(slot, action.reason, false);
}

void World::perform(const core::FinishRequest& action) {
  Slot& slot = slot_of(action.request);
  ++work_in_second_;
  mix(static_cast<uint64_t>(now_) * 4 + 3);
  mix(slot.record.id * 256 + static_cast<uint64_t>(slot.record.state));
  if (trace_ != nullptr) {
    (void)std::fprintf(trace_, "  finish %llu %s\n",
                       static_cast<unsigned long long>(slot.record.id),
                       core::status_name(slot.record.status));
  }
  if (!slot.live) {
    findings_->add(9, now_, "a second outcome of one request");
    return;
  }
  if (!notice_check_.has_ended(slot.record)) {
    findings_->add(9, now_, "nobody was told of an outcome");
  }
  if (slot.running) findings_->add(3, now_, "finished while its attempt runs");
  if (!core::is_final(slot.record.state)) findings_->add(9, now_, "finished without an outcome");
  if (slot.record.state == core::State::kCompleted) {
    ++out_.completed;
    if (slot.attempts == 0 || slot.status != Status::kOk) {
      findings_->add(9, now_, "completed, though its last attempt did not succeed");
    }
  }
  if (slot.record.late_usage) expect_usage(slot);
  slot.live = false;
  ++slot.generation;
  --live_;
  free_slots_.push_back(index_of(slot));
  if (callers_wait_) expect_burst();
}

void World::perform(const core::Tell& action) {
  const core::Notice& notice = engine_->notice(action);
  if (const char* const wrong = notice_check_.take(notice); wrong != nullptr) {
    findings_->add(9, now_, "told of %u: %s", static_cast<unsigned>(notice.kind), wrong);
  }
}

}  // namespace llmq::simulator
