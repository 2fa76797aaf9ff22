#include "tests/sim/oracle.h"

#include <algorithm>
#include <limits>

#include "tests/sim/core_view.h"

namespace llmq::simulator {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kTimerTick = 1'000'000;

}  // namespace

void Oracle::check() {
  for (size_t i = 0; i < world_.books_.size(); ++i) recount(i);
  for (int i = 0; i < world_.scenario_->models; ++i) check_line(static_cast<core::ModelIndex>(i));
}

// I2, from scratch.
void Oracle::recount(size_t limit) {
  const Book& book = world_.books_[limit];
  const int64_t now = world_.now_;
  int64_t least = 0;
  int64_t most = 0;
  for (uint64_t i = book.first(); i != book.end(); ++i) {
    const Book::Entry& entry = book.entry(i);
    if (entry.at + book.window() > now) least += entry.cost;
    if (entry.at + book.window() + book.slack() > now) most += entry.cost;
  }
  int64_t held = 0;
  for (size_t i = 0; i < static_cast<size_t>(world_.scenario_->backlog); ++i) {
    const World::Slot& slot = world_.slots_[i];
    const Booking& booking = slot.bookings[limit];
    if (slot.reserved && booking.entry == 0) held += booking.cost - booking.seen;
  }
  const int64_t used = world_.limits_[limit]->used(core::TimeNs{now});
  most += world_.limits_[limit]->foreign();
  const core::Shape shape = world_.limits_[limit]->enforced_shape();
  const core::Learner* const learner = world_.limits_[limit]->learner();
  const bool learnt =
      learner != nullptr && (shape == core::Shape::kFixed || learner->learnt().jitter.ns > 0);
  const bool ledger = shape != core::Shape::kBucket && !learnt;
  if (ledger && (used < least || used > most)) {
    world_.findings_->add(2, now, "limit %zu counts %lld; all charges come to %lld .. %lld", limit,
                          static_cast<long long>(used), static_cast<long long>(least),
                          static_cast<long long>(most));
  }
  if (held != world_.limits_[limit]->held()) {
    world_.findings_->add(3, now, "limit %zu holds %lld; the running attempts come to %lld", limit,
                          static_cast<long long>(world_.limits_[limit]->held()),
                          static_cast<long long>(held));
  }
}

// When that limit alone lets a call start if nothing else happens.
Oracle::Span Oracle::start_of(size_t limit, int64_t cost) const {
  const Book& book = world_.books_[limit];
  const int64_t now = world_.now_;
  const int64_t room = book.spec().amount - book.held() - cost;
  if (room < 0) return Span{kNever, kNever};
  int64_t left = 0;
  for (uint64_t i = book.first(); i != book.end(); ++i) left += book.entry(i).cost;
  Span span{now, now};
  for (uint64_t i = book.first(); i != book.end() && left > room; ++i) {
    const Book::Entry& entry = book.entry(i);
    left -= entry.cost;
    if (entry.cost == 0) continue;
    span.least = std::max(now, entry.at + book.window());
    span.most = std::max(now, entry.at + book.window() + book.slack());
  }
  // What may be counted no longer was passed first; `least` is exact only up to the last of it.
  return span;
}

// I7: the first in line starts as soon as it may, or a wake-up is set for when it may.
void Oracle::check_line(core::ModelIndex index) {
  core::Model* const model = world_.engine_->model(index);
  core::Request* const head = head_of(*model);
  if (head == nullptr) {
    check_nobody_could_start(index);
    return;
  }
  World::Slot& slot = world_.slot_of(head);
  const int64_t now = world_.now_;
  // Who comes back for a retry stands where it stood, before those who were promised meanwhile.
  if (slot.attempts > 0 && slot.first_start == core::kNever) ++world_.disturbances_;
  const core::Verdict verdict =
      model->first().limiter.earliest(core::TimeNs{now}, model->demand_of(*head));
  Span span{now, now};
  // Headers may teach that less is free than we know of.
  bool exact = !world_.scenario_->headers && !world_.scenario_->leased;
  bool promised = exact && world_.scenario_->per_tenant == 0;
  bool projected = false;
  for (size_t i = 0; i < world_.books_.size(); ++i) {
    const Book& book = world_.books_[i];
    exact = exact && book.is_sliding() && !book.projects();
    projected = projected || book.projects();
    // A full bucket refills no more while a call that it must pay for is on its way to the wire.
    if (book.spec().shape == core::Shape::kBucket && book.held() > 0) promised = false;
    const Span one = start_of(i, book.cost_of(head->est_input_tokens, head->est_output_tokens));
    span.least = std::max(span.least, one.least);
    span.most = std::max(span.most, one.most);
  }
  const bool bound =
      static_cast<int64_t>(model->counters.processing) >= model->first().load.bound();
  if (bound || world_.running_ >= world_.concurrency_) span = Span{kNever, kNever};
  const int64_t gate = std::max(world_.gate_[index], slot.not_before);
  if (exact && (verdict.at.ns < span.least || verdict.at.ns > span.most)) {
    world_.findings_->add(7, now, "the head may start in %lld ns; it should in %lld .. %lld",
                          static_cast<long long>(verdict.at.ns - now),
                          static_cast<long long>(span.least - now),
                          static_cast<long long>(span.most - now));
  }
  int64_t start = exact ? span.most : verdict.at.ns;
  if (start == kNever) return;
  if (!exact && start > now) {  // what joins the newest bucket keeps it in the ledger
    for (const Book& book : world_.books_) start = std::max(start, verdict.at.ns + book.slack());
  }
  if (projected) start = std::max(start, model->head_at.ns);  // silence tells more with time
  const int64_t due = std::max({start, gate, now});
  if (world_.engine_->next_wake().ns > due + kTimerTick) {
    world_.findings_->add(7, now, "request %llu may start in %lld ns, and nothing wakes it",
                          static_cast<unsigned long long>(head->id),
                          static_cast<long long>(due - now));
  }
  if (!promised || projected) return;  // longer outputs than expected put it off
  if (slot.first_start == core::kNever || slot.disturbed != world_.disturbances_) {
    slot.disturbed = world_.disturbances_;
    slot.first_start = core::TimeNs{due};
  }
}

// Nobody is held up by a limit: then the front waits for a gate, or for another model of its pool.
void Oracle::check_nobody_could_start(core::ModelIndex index) {
  core::Model* const model = world_.engine_->model(index);
  core::Request* const front = model->queue.front();
  if (front == nullptr || world_.scenario_->models > 1) return;
  if (world_.scenario_->per_tenant > 0) return;  // the tenant's own limit may hold it back
  const int64_t now = world_.now_;
  const World::Quota& quota = world_.quota_[index];
  if (quota.probe != nullptr) return;  // it finds out
  const int64_t gate =
      std::max({world_.gate_[index], world_.slot_of(front).not_before, quota.until});
  const core::Verdict verdict =
      model->first().limiter.earliest(core::TimeNs{now}, model->demand_of(*front));
  // The wheel opens a gate a tick late, and sees it when somebody looks.
  const bool is_open = gate == 0 || gate + kTimerTick + world_.scenario_->tick_lag <= now;
  if (is_open && verdict.at.ns <= now) {
    const int broken = quota.exhausted ? 11 : 7;  // nobody finds out whether the quota is back
    world_.findings_->add(broken, now, "request %llu fits, and does not start",
                          static_cast<unsigned long long>(front->id));
  }
  if (gate > now && world_.engine_->next_wake().ns > gate + kTimerTick) {
    world_.findings_->add(7, now, "the gate opens in %lld ns, and nothing wakes request %llu",
                          static_cast<long long>(gate - now),
                          static_cast<unsigned long long>(front->id));
  }
}

void Oracle::started(World::Slot& slot) {
  const int64_t late = world_.now_ - slot.first_start.ns;
  const bool promised = slot.first_start != core::kNever &&
                        slot.disturbed == world_.disturbances_ && world_.scenario_->models == 1 &&
                        world_.scenario_->faults.sleeps == 0;
  slot.first_start = core::kNever;
  if (promised && late > kTimerTick + world_.scenario_->tick_lag) {
    world_.findings_->add(7, world_.now_, "request %llu started %lld ns after its first promise",
                          static_cast<unsigned long long>(slot.record.id),
                          static_cast<long long>(late));
  }
}

// I1 at the provider: every arrival, accepted or not, in every window.
void Oracle::arrived(int64_t now) {
  arrivals_.push_back(now);
  for (size_t i = 0; i < world_.counters_.size(); ++i) {
    const Book& book = world_.books_[i];
    const Rule& rule = world_.counters_[i].rule();
    if (book.spec().kind != core::LimitKind::kRequests) continue;
    if (!book.is_sliding() && book.spec().shape != core::Shape::kFixed) continue;
    int64_t count = 0;
    for (size_t back = arrivals_.size(); back > 0; --back) {
      if (arrivals_[back - 1] + rule.period <= now) break;
      ++count;
    }
    if (count <= rule.amount || !world_.scenario_->judged() || world_.now_ < world_.judged_from_) {
      continue;
    }
    if (book.spec().shape == core::Shape::kFixed) continue;  // judged by its own grid
    world_.findings_->add(1, world_.now_, "%lld calls arrived within one period of limit %zu",
                          static_cast<long long>(count), i);
  }
}

}  // namespace llmq::simulator
