// What must hold after every step, in every second, and at the end.
#include <limits>

#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

using core::TimeNs;

constexpr int64_t kRounding = 5;  // a bucket's level as a time, in whole nanoseconds
// Timers far away are looked at again now and then (timer wheel): not more often than this.
constexpr int64_t kWakeUpsOfWheel = 5;

}  // namespace

// I12. Retries and time-outs have wake-ups of their own: only a run without them is judged by the
// second.
void World::count_wake_ups() {
  const bool calm = scenario_->timeout_ms == 0 && scenario_->with_deadline == 0 &&
                    scenario_->faults.server_error + scenario_->faults.overloaded +
                            scenario_->faults.refused + scenario_->faults.no_connection +
                            scenario_->faults.capacity + scenario_->faults.no_quota ==
                        0 &&
                    out_.refused == 0;
  if (calm && ticks_in_second_ > 2 * work_in_second_ + kWakeUpsOfWheel) {
    findings_->add(12, now_, "%lld wake-ups in one second for %lld starts and ends",
                   static_cast<long long>(ticks_in_second_),
                   static_cast<long long>(work_in_second_));
  }
  ticks_in_second_ = work_in_second_ = 0;
}

// I2 and I3, after every step.
void World::check() {
  for (size_t i = 0; i < books_.size(); ++i) {
    Book& book = books_[i];
    book.move_to(now_);
    const int64_t held = limits_[i]->held();
    if (held != book.held()) {
      findings_->add(3, now_, "limit %zu holds %lld for calls in flight, it should %lld", i,
                     static_cast<long long>(held), static_cast<long long>(book.held()));
    }
    check_use(i);
  }
  if (!own_touched_.empty()) check_tenants();
  gave_up_unsent_ = false;
  const int64_t slots = limits_[books_.size()]->held();
  if (slots != running_) {
    findings_->add(3, now_, "%lld slots are taken, %lld attempts run",
                   static_cast<long long>(slots), static_cast<long long>(running_));
  }
  if (live_ == 0 && engine_->next_wake() != core::kNever) {
    findings_->add(12, now_, "nobody waits or runs, and yet a wake-up is set");
  }
  if (oracle_ != nullptr) oracle_->check();
}

// What the limit takes for the use of others. Nobody else uses these limits: honest headers can
// show no more use than ours, but for a counter of two buckets, which counts otherwise.
int64_t World::foreign_use(size_t limit) {
  const int64_t foreign = limits_[limit]->foreign();
  const bool honest = scenario_->judged() &&
                      counters_[limit].rule().algorithm != Algorithm::kTwoBucket &&
                      now_ >= judged_from_;
  if (honest && foreign > foreign_[limit]) {
    findings_->add(2, now_, "limit %zu counts %lld of others, and there are none", limit,
                   static_cast<long long>(foreign - foreign_[limit]));
  }
  foreign_[limit] = foreign;
  return foreign;
}

// I2: what the limit counts is what the books say, of the window or of the bucket.
void World::check_use(size_t limit) {
  Book& book = books_[limit];
  core::Limit& real = *limits_[limit];
  const int64_t used = real.used(TimeNs{now_});
  int64_t least = book.least();
  int64_t most = book.most();
  if (scenario_->headers) most += foreign_use(limit);
  if (real.enforced_shape() == core::Shape::kBucket) {
    if (!book.has_bucket()) return;  // one that was learnt
    // A header may show that it holds less than we think: at the provider a call counts later.
    if (book.bucket_misses_at_most(now_, used + kRounding) &&
        (scenario_->headers || book.bucket_may_miss(now_, used - kRounding))) {
      return;
    }
    least = book.bucket_least(now_) - kRounding;
    most = book.bucket_most(now_) + kRounding;
  }
  if (const core::Learner* learner = real.learner()) {
    // A grid that was learnt counts what lies in its window alone; a margin that was, for longer.
    if (real.enforced_shape() == core::Shape::kFixed) return;
    if (learner->learnt().jitter.ns > 0) most = std::numeric_limits<int64_t>::max();
  }
  if (used >= least && used <= most) return;
  if (used > most && gave_up_unsent_) {
    findings_->add(4, now_, "limit %zu counts %lld, at most %lld were sent", limit,
                   static_cast<long long>(used), static_cast<long long>(most));
  }
  findings_->add(2, now_, "limit %zu counts %lld, not %lld .. %lld", limit,
                 static_cast<long long>(used), static_cast<long long>(least),
                 static_cast<long long>(most));
}

// Nothing can happen any more.
void World::at_rest() {
  if (live_ != 0 || engine_->live() != 0) {
    findings_->add(9, now_, "%lld requests never ended (the engine knows of %llu)",
                   static_cast<long long>(live_), static_cast<unsigned long long>(engine_->live()));
    for (const Quota& quota : quota_) {
      if (!quota.exhausted) continue;
      findings_->add(11, now_, "nobody finds out any more whether the account's quota is back");
    }
    return;
  }
  for (size_t i = 0; i < limits_.size(); ++i) {
    if (limits_[i]->held() == 0) continue;
    findings_->add(3, now_, "limit %zu holds %lld though nothing runs", i,
                   static_cast<long long>(limits_[i]->held()));
  }
  for (int i = 0; i < scenario_->models; ++i) {
    const core::Counters& counters = engine_->model(static_cast<core::ModelIndex>(i))->counters;
    if (counters.pending != 0 || counters.processing != 0) {
      findings_->add(3, now_, "model %d counts %llu waiting and %llu running at rest", i,
                     static_cast<unsigned long long>(counters.pending),
                     static_cast<unsigned long long>(counters.processing));
    }
  }
  // On the whole every attempt and every end may cost two wake-ups.
  const uint64_t told = notice_check_.told(core::Notice::kAttemptStarted);
  if (told != out_.attempts || notice_check_.live() != 0) {
    findings_->add(9, now_, "%llu starts were told, there were %llu",
                   static_cast<unsigned long long>(told),
                   static_cast<unsigned long long>(out_.attempts));
  }
  if (out_.ticks > 2 * (out_.attempts + out_.requests) + 100) {
    findings_->add(12, now_, "%llu wake-ups for %llu attempts",
                   static_cast<unsigned long long>(out_.ticks),
                   static_cast<unsigned long long>(out_.attempts));
  }
}

}  // namespace llmq::simulator
