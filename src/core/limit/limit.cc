#include "core/limit/limit.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {
namespace {

// More tokens than any call can have; keeps sums far from overflow whatever a provider reports.
constexpr int64_t kMaxUsage = 1'000'000'000'000;

int64_t clamp_usage(int64_t tokens) { return std::clamp<int64_t>(tokens, 0, kMaxUsage); }

}  // namespace

Limit::Limit(const LimitSpec& spec) : spec_(spec), ledger_(spec.period + spec.jitter) {}

int64_t Limit::cost_of(int64_t input_tokens, int64_t output_tokens) const {
  switch (spec_.kind) {
    case LimitKind::kRequests:
    case LimitKind::kConcurrency:
      return 1;
    case LimitKind::kTokens:
      return clamp_usage(input_tokens) + clamp_usage(output_tokens);
    case LimitKind::kInputTokens:
      return clamp_usage(input_tokens);
    case LimitKind::kOutputTokens:
      return clamp_usage(output_tokens);
  }
  return 0;
}

TimeNs Limit::earliest(TimeNs now, int64_t cost) {
  if (spec_.shared && leased_.available(now) < cost) return kNever;
  const int64_t room = spec_.amount - held_ - cost;
  if (is_concurrency()) return room >= 0 ? now : kNever;
  return ledger_.earliest_at_most(now, room);
}

void Limit::reserve(TimeNs now, Hold& hold, int64_t cost) {
  assert(earliest(now, cost) == now);
  if (spec_.shared) leased_.take(now, cost);
  held_ += cost;
  hold = Hold{cost, 0};
}

void Limit::sent(TimeNs now, Hold& hold) {
  if (is_concurrency() || counts_at_end()) return;
  held_ -= hold.cost;
  hold.seq = ledger_.charge(now, hold.cost);
}

void Limit::refund(Hold& hold) {
  assert(hold.seq == 0);
  held_ -= hold.cost;
  hold = Hold{};
}

bool Limit::settle(TimeNs now, Hold& hold, const Settlement& settlement) {
  if (is_concurrency()) {
    held_ -= hold.cost;
    hold = Hold{};
    return true;
  }
  if (counts_at_end()) {  // until now it was held: let the ledger take it, then correct it there
    held_ -= hold.cost;
    hold.seq = ledger_.charge(now, hold.cost);
  }
  const bool room = correct_by(now, hold, settlement);
  if (settlement.kind != Settlement::Kind::kRejected) packed_.add(hold.cost, spec_.amount);
  return room;
}

bool Limit::correct_by(TimeNs now, Hold& hold, const Settlement& settlement) {
  if (spec_.kind == LimitKind::kRequests)
    return false;  // a call that was sent counts, whatever came of it
  switch (settlement.kind) {
    case Settlement::Kind::kKnown:
      return correct(now, hold,
                     cost_of(settlement.usage.input_tokens, settlement.usage.output_tokens));
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
  correct(now, hold, cost_of(usage.input_tokens, usage.output_tokens));
  return true;
}

// Below the charge: taken back where it was charged, unless the provider counted the estimate for
// good. Above it: charged now, beyond the amount if need be; nothing starts until that debt has
// left the window.
bool Limit::correct(TimeNs now, Hold& hold, int64_t actual) {
  if (actual > hold.cost) {
    hold.seq = ledger_.charge(now, actual - hold.cost);
    hold.cost = actual;
    return false;
  }
  if (actual == hold.cost || spec_.charge == ChargeModel::kArrival) return false;
  const bool room = ledger_.refund(now, hold.seq, hold.cost - actual);
  hold.cost = actual;
  return room;
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

bool Limit::counts_at_end() const {
  return spec_.charge == ChargeModel::kCompletion || spec_.charge == ChargeModel::kRealtime;
}

}  // namespace llmq::core
