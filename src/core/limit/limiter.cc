#include "core/limit/limiter.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {

Limiter::Limiter(const std::vector<LimitSpec>& specs, int64_t max_in_flight, const Prices& prices,
                 const std::vector<Limit*>& pooled) {
  assert(specs.size() + pooled.size() <= kMaxLimitsPerModel);
  bool bounded = false;
  for (const LimitSpec& spec : specs) {
    own_.push_back(std::make_unique<Limit>(spec, prices));
    bounded = bounded || spec.kind == LimitKind::kConcurrency;
  }
  for (const Limit* limit : pooled) bounded = bounded || limit->is_concurrency();
  if (!bounded) {
    LimitSpec spec;
    spec.kind = LimitKind::kConcurrency;
    spec.amount = max_in_flight;
    own_.push_back(std::make_unique<Limit>(spec, prices));
    has_implicit_ = true;
  }
  for (const std::unique_ptr<Limit>& limit : own_) limits_.push_back(limit.get());
  limits_.insert(limits_.end(), pooled.begin(), pooled.end());
}

int Limiter::too_small_for(const Demand& demand) const {
  for (size_t i = 0; i < limits_.size(); ++i) {
    const LimitSpec& spec = limits_[i]->spec();
    if (limits_[i]->cost_of(demand) > spec.amount && !spec.oversize_alone) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

Verdict Limiter::earliest(TimeNs now, const Demand& demand) {
  Verdict verdict{now, -1};
  for (size_t i = 0; i < limits_.size(); ++i) {
    const TimeNs at = limits_[i]->earliest(now, limits_[i]->cost_of(demand));
    if (at > verdict.at) verdict = Verdict{at, static_cast<int>(i)};
  }
  return verdict;
}

TimeNs Limiter::earliest_behind(TimeNs now, const Demand& demand, const Demand& ahead) {
  TimeNs at = now;
  for (Limit* limit : limits_) {
    at = std::max(at, limit->earliest_behind(now, limit->cost_of(demand), limit->cost_of(ahead)));
  }
  return at;
}

DurationNs Limiter::dominant_share(const Demand& demand) const {
  DurationNs most{};
  for (const Limit* limit : limits_) {
    if (!limit->is_concurrency()) most = std::max(most, limit->time_for(limit->cost_of(demand)));
  }
  return most;
}

void Limiter::reserve(TimeNs now, const Demand& demand, Reservation& reservation) {
  for (size_t i = 0; i < limits_.size(); ++i) {
    limits_[i]->reserve(now, reservation.holds[i], limits_[i]->cost_of(demand));
  }
  reservation.sent = false;
}

void Limiter::sent(TimeNs now, Reservation& reservation) {
  if (reservation.sent) return;
  reservation.sent = true;
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i]->sent(now, reservation.holds[i]);
}

void Limiter::refund(Reservation& reservation) {
  assert(!reservation.sent);
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i]->refund(reservation.holds[i]);
}

bool Limiter::settle(TimeNs now, Reservation& reservation, const Settlement& settlement) {
  assert(reservation.sent);
  bool room = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    const bool grew = limits_[i]->settle(now, reservation.holds[i], settlement);
    room = room || (grew && !limits_[i]->is_concurrency());
  }
  return room;
}

bool Limiter::amend(TimeNs now, Reservation& reservation, const Usage& usage) {
  bool alive = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    alive = limits_[i]->amend(now, reservation.holds[i], usage) || alive;
  }
  return alive;
}

}  // namespace llmq::core
