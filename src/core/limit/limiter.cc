#include "core/limit/limiter.h"

#include <cassert>

namespace llmq::core {

Limiter::Limiter(const std::vector<LimitSpec>& specs, int64_t max_in_flight) {
  assert(specs.size() <= kMaxLimitsPerModel);
  bool bounded = false;
  limits_.reserve(specs.size() + 1);
  for (const LimitSpec& spec : specs) {
    limits_.emplace_back(spec);
    bounded = bounded || spec.kind == LimitKind::kConcurrency;
  }
  if (!bounded) {
    LimitSpec spec;
    spec.kind = LimitKind::kConcurrency;
    spec.amount = max_in_flight;
    limits_.emplace_back(spec);
    last_is_implicit_ = true;
  }
}

int Limiter::too_small_for(int64_t input_tokens, int64_t output_tokens) const {
  for (size_t i = 0; i < limits_.size(); ++i) {
    if (limits_[i].cost_of(input_tokens, output_tokens) > limits_[i].spec().amount) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

Verdict Limiter::earliest(TimeNs now, int64_t input_tokens, int64_t output_tokens) {
  Verdict verdict{now, -1};
  for (size_t i = 0; i < limits_.size(); ++i) {
    const TimeNs at = limits_[i].earliest(now, limits_[i].cost_of(input_tokens, output_tokens));
    if (at > verdict.at) verdict = Verdict{at, static_cast<int>(i)};
  }
  return verdict;
}

void Limiter::reserve(TimeNs now, int64_t input_tokens, int64_t output_tokens,
                      Reservation& reservation) {
  for (size_t i = 0; i < limits_.size(); ++i) {
    limits_[i].reserve(now, reservation.holds[i], limits_[i].cost_of(input_tokens, output_tokens));
  }
  reservation.sent = false;
}

void Limiter::sent(TimeNs now, Reservation& reservation) {
  if (reservation.sent) return;
  reservation.sent = true;
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i].sent(now, reservation.holds[i]);
}

void Limiter::refund(Reservation& reservation) {
  assert(!reservation.sent);
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i].refund(reservation.holds[i]);
}

bool Limiter::settle(TimeNs now, Reservation& reservation, const Settlement& settlement) {
  assert(reservation.sent);
  bool room = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    const bool grew = limits_[i].settle(now, reservation.holds[i], settlement);
    room = room || (grew && !limits_[i].is_concurrency());
  }
  return room;
}

bool Limiter::amend(TimeNs now, Reservation& reservation, const Usage& usage) {
  bool alive = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    alive = limits_[i].amend(now, reservation.holds[i], usage) || alive;
  }
  return alive;
}

}  // namespace llmq::core
