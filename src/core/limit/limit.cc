#include "core/limit/limit.h"

#include <algorithm>
#include <cassert>

#include "core/limit/wide.h"

namespace llmq::core {

Limit::Limit(const LimitSpec& spec, const Prices& prices)
    : spec_(spec),
      prices_(prices),
      ledger_(spec.period + spec.jitter),
      projects_(projects(spec)),
      time_of_one_(time_of_one(spec)) {
  if (spec.shape == Shape::kAuto && !is_concurrency()) learner_.emplace(spec);
  enforce(TimeNs{});
}

int64_t Limit::cost_of(const Usage& usage) const {
  const int64_t tokens = clamp_usage(usage.input_tokens);
  const int64_t output = clamp_usage(usage.output_tokens);
  if (spec_.kind == LimitKind::kTokens) {
    return counts(Counted::kInput) ? tokens : tokens + output;
  }
  if (spec_.kind == LimitKind::kOutputTokens) return output;
  if (spec_.kind != LimitKind::kCost) {
    return cost_of(Demand{usage.input_tokens, usage.output_tokens});
  }
  if (usage.cost_micros > 0) return std::min(usage.cost_micros, kMaxLimitAmount);
  const int64_t input = clamp_usage(usage.input_tokens);
  const int64_t cached = std::clamp<int64_t>(usage.cached_input_tokens, 0, input);
  return price_of(prices_, input - cached, cached, clamp_usage(usage.output_tokens));
}

void Limit::reserve(TimeNs now, Hold& hold, int64_t cost) {
  assert(earliest(now, cost) == now);
  take(now, hold, cost);
}

void Limit::take(TimeNs now, Hold& hold, int64_t cost) {
  if (spec_.shared) leased_.take(now, cost);
  hold.clear();
  hold.cost = cost;
  if (learner_) {
    hold.learns = true;
    ++in_flight_;
    hold.probe = !is_concurrency() && by_shape(now, now, cost, 0) > now;
    probing_ = probing_ || hold.probe;
  }
  held_ += cost;
  // Starts are spaced: a time that does not move.
  if (pacer_) pacer_->charge(now, cost);
  if (ramp_) ramp_->charge(now, cost);
}

void Limit::reserve(TimeNs now, Hold& hold, const Demand& demand) {
  assert(earliest(now, demand) == now);
  take(now, hold, cost_of(demand));
  if (projects() && demand.outputs != nullptr) {
    hold.stream = projection_->begin(now, *demand.outputs, ask_of(demand).certain, hold.cost);
  }
  if (!evidence_) return;
  hold.estimate = clamp_usage(demand.output_tokens);
  if (spec_.kind == LimitKind::kTokens) hold.input = clamp_usage(demand.input_tokens);
  hold.estimate += hold.input;
}

void Limit::sent(TimeNs now, Hold& hold) {
  if (hold.stream != 0) projection_->sent(now, hold.stream);
  if (evidence_) {
    hold.learns = true;
    follow_charge(now, hold);
  }
  if (is_concurrency() || held_until_end()) return;
  held_ -= hold.cost;
  charge(now, hold);
}

bool Limit::progress(TimeNs now, Hold& hold, int64_t output_tokens) {
  if (!counts_output() || hold.seq != 0) return false;
  const int64_t tokens = clamp_usage(output_tokens);
  const bool projected = hold.stream != 0;
  const int64_t more = spec_.charge == ChargeModel::kRealtime ? tokens - hold.seen : 0;
  if (more > 0) {
    held_ -= std::min(more, hold.cost - hold.seen);
    hold.seen += more;
    hold.cost = std::max(hold.cost, hold.seen);
    (void)count(now, more);
  }
  if (projected) projection_->progress(now, hold.stream, tokens, hold.cost - hold.seen);
  return projected || more > 0;
}

void Limit::refund(TimeNs now, Hold& hold) {
  assert(hold.seq == 0);
  if (hold.stream != 0) projection_->end(now, hold.stream);
  held_ -= hold.cost;
  leave(hold);
  hold.clear();
}

bool Limit::settle(TimeNs now, Hold& hold, const Settlement& settlement) {
  if (is_concurrency()) {
    held_ -= hold.cost;
    hold.clear();
    return true;
  }
  bool room = hold.stream != 0;
  if (hold.stream != 0) projection_->end(now, hold.stream);
  hold.stream = 0;
  if (learner_) {
    room = room || learner_->starting();
    if (settlement.kind != Settlement::Kind::kRejected) ++start_bound_;
    if (hold.probe && settlement.kind == Settlement::Kind::kKnown &&
        learner_->probe_answered(true)) {
      enforce(now);
    }
    room = room || hold.probe;
    if (settlement.kind == Settlement::Kind::kKnown) {
      const bool was_proven = burst_proven_;
      accepted(hold);
      room = room || burst_proven_ != was_proven;  // no ramp any more
      if (evidence_) weigh_charge(now, hold, settlement.usage);
    } else if (evidence_ && settlement.kind == Settlement::Kind::kRejected) {
      evidence_->mirrors().refused(now, hold.estimate, hold.input);
    }
    shown_.reset();
    leave(hold);
  }
  if (hold.seq == 0) {  // until now it was held: let the counters take it, then correct it there
    held_ -= hold.cost - hold.seen;
    charge(now, hold);
  }
  room = correct_by(now, hold, settlement) || room;
  if (settlement.kind != Settlement::Kind::kRejected) packed_.add(hold.cost, spec_.amount);
  return room;
}

// The call is no longer on its way.
void Limit::leave(const Hold& hold) {
  if (!learner_ || is_concurrency()) return;
  in_flight_ = std::max<int64_t>(in_flight_ - 1, 0);
  if (hold.probe) probing_ = false;
}

bool Limit::correct_by(TimeNs now, Hold& hold, const Settlement& settlement) {
  const bool rejected = settlement.kind == Settlement::Kind::kRejected;
  if (spec_.kind == LimitKind::kRequests) {  // a call that was sent counts, whatever came of it
    return rejected && !spec_.refused_count && take_back(now, hold, hold.cost);
  }
  if (counts(Counted::kInput)) {  // charged before that was known: the rest was not counted
    if (hold.cost <= hold.input) return false;
    const bool room = take_back(now, hold, hold.cost - hold.input);
    hold.cost = hold.input;
    return room;
  }
  switch (settlement.kind) {
    case Settlement::Kind::kKnown:
      return correct(now, hold, cost_of(settlement.usage));
    case Settlement::Kind::kRejected:
      return correct(now, hold, 0);
    case Settlement::Kind::kUnknown:
      return false;
  }
  return false;
}

bool Limit::amend(TimeNs now, Hold& hold, const Usage& usage) {
  if (is_concurrency() || !ledger_.alive(now, hold.seq)) return false;
  if (spec_.kind == LimitKind::kRequests) return true;  // one call stays one call
  correct(now, hold, cost_of(usage));
  return true;
}

// Below the charge: taken back where it was charged, unless the provider counted the estimate for
// good, or output has been seen. Above it: charged now, beyond the amount if need be; nothing
// starts until that debt has left the window.
bool Limit::correct(TimeNs now, Hold& hold, int64_t actual) {
  if (actual > hold.cost) {
    hold.seq = count(now, actual - hold.cost);
    hold.charged = now;
    hold.cost = actual;
    return false;
  }
  const int64_t at_least = std::max(actual, hold.seen);
  if (at_least == hold.cost || keeps_estimate()) return false;
  const bool room = take_back(now, hold, hold.cost - at_least);
  hold.cost = at_least;
  return room;
}

// Takes the held amount into the counters.
void Limit::charge(TimeNs now, Hold& hold) {
  hold.learns = hold.learns || learner_.has_value();
  if (learner_) hold.room = room(now);
  if (learner_ && bucket_) hold.missing = bucket_->capacity() - bucket_->level(now);
  hold.seq = count(now, hold.cost - hold.seen);
  hold.charged = now;
  if (!learner_) return;
  hold.total = total_;
  hold.used = ledger_.used(now) - foreign_;
}

LedgerSeq Limit::count(TimeNs now, int64_t cost) {
  if (bucket_) bucket_->charge(now, cost);
  if (windows_) windows_->charge(now, cost);
  if (slice_) slice_->charge(now, cost);
  if (projection_) projection_->touch();
  total_ += cost;
  return ledger_.charge(now, cost);
}

// When the bucket would be full again, had it been full after what `hold` really used. The provider
// gave back earlier than we hear of it, perhaps into a full bucket; since then it cannot be fuller.
TimeNs Limit::full_since(const Hold& hold) const {
  TimeNs full = hold.charged;
  ledger_.each_from(
      hold.seq, [&](TimeNs last, int64_t cost) { full = bucket_->full_after(full, last, cost); });
  return full;
}

// Where it was charged. The counter of a slice forgets it soon enough by itself.
bool Limit::take_back(TimeNs now, const Hold& hold, int64_t cost) {
  if (!ledger_.refund(now, hold.seq, cost)) return false;
  if (projection_) projection_->touch();
  if (bucket_) bucket_->refund(now, cost, hold.charged < now ? full_since(hold) : now);
  if (windows_) windows_->refund(now, hold.charged, cost);
  if (pacer_) pacer_->refund(now, cost);
  return true;
}

int64_t Limit::lease_wanted(TimeNs now, int64_t cost) {
  if (!spec_.shared || lease_asked_) return 0;
  const int64_t wanted = cost - leased_.available(now);
  if (wanted <= 0) return 0;
  lease_asked_ = true;
  return wanted;
}

void Limit::lease_granted(TimeNs now, int64_t amount, TimeNs expires) {
  leased_.add(now, amount, expires);
  lease_asked_ = false;
}

// Unknown: until the end because the provider may count then, and from then on for a window.
bool Limit::held_until_end() const {
  return spec_.charge == ChargeModel::kCompletion || spec_.charge == ChargeModel::kRealtime ||
         spec_.charge == ChargeModel::kUnknown || (counts_used() && shape_ != Shape::kBucket);
}

bool Limit::counts_output() const {
  return spec_.kind == LimitKind::kTokens || spec_.kind == LimitKind::kOutputTokens;
}

bool Limit::keeps_estimate() const {
  if (counts_used()) return false;
  return spec_.charge == ChargeModel::kArrival || spec_.charge == ChargeModel::kUnknown ||
         counts(Counted::kEstimate);
}

}  // namespace llmq::core
