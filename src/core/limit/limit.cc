#include "core/limit/limit.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {
namespace {

// More tokens than any call can have; keeps sums far from overflow whatever a provider reports.
constexpr int64_t kMaxUsage = 1'000'000'000'000;

int64_t clamp_usage(int64_t tokens) { return std::clamp<int64_t>(tokens, 0, kMaxUsage); }

__extension__ using Wide = __int128;
constexpr int64_t kMaxDuration = int64_t{1} << 61;

}  // namespace

Limit::Limit(const LimitSpec& spec, const Prices& prices)
    : spec_(spec), prices_(prices), ledger_(spec.period + spec.jitter) {}

int64_t Limit::cost_of(const Demand& demand) const {
  const int64_t input = clamp_usage(demand.input_tokens);
  const int64_t output = clamp_usage(demand.output_tokens);
  switch (spec_.kind) {
    case LimitKind::kRequests:
    case LimitKind::kConcurrency:
      return 1;
    case LimitKind::kTokens:
      return input + output;
    case LimitKind::kInputTokens:
      return input;
    case LimitKind::kOutputTokens:
      return output;
    case LimitKind::kCost:
      return price_of(prices_, input, 0, output);
  }
  return 0;
}

int64_t Limit::cost_of(const Usage& usage) const {
  if (spec_.kind != LimitKind::kCost) {
    return cost_of(Demand{usage.input_tokens, usage.output_tokens});
  }
  if (usage.cost_micros > 0) return std::min(usage.cost_micros, kMaxLimitAmount);
  const int64_t input = clamp_usage(usage.input_tokens);
  const int64_t cached = std::clamp<int64_t>(usage.cached_input_tokens, 0, input);
  return price_of(prices_, input - cached, cached, clamp_usage(usage.output_tokens));
}

DurationNs Limit::time_for(int64_t cost) const {
  const Wide time = static_cast<Wide>(cost) * spec_.period.ns / spec_.amount;
  return {static_cast<int64_t>(std::min<Wide>(time, kMaxDuration))};
}

TimeNs Limit::earliest(TimeNs now, int64_t cost) {
  if (spec_.shared && leased_.available(now) < cost) return kNever;
  const int64_t room = spec_.amount - held_ - cost;
  if (is_concurrency()) return room >= 0 ? now : kNever;
  return ledger_.earliest_at_most(now, room);
}

TimeNs Limit::earliest_behind(TimeNs now, int64_t cost, int64_t ahead) {
  return earliest(now, cost + ahead);
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
