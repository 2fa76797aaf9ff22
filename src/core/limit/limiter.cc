#include "core/limit/limiter.h"

#include <algorithm>
#include <cassert>

#include "core/room.h"

namespace llmq::core {

namespace {

LimitSpec in_flight_limit(int64_t amount) {
  LimitSpec spec;
  spec.kind = LimitKind::kConcurrency;
  spec.amount = amount;
  return spec;
}

bool bounds_concurrency(const std::vector<LimitSpec>& specs) {
  return std::any_of(specs.begin(), specs.end(),
                     [](const LimitSpec& spec) { return spec.kind == LimitKind::kConcurrency; });
}

}  // namespace

Limiter::Limiter(const std::vector<LimitSpec>& specs, int64_t max_in_flight, const Prices& prices,
                 const std::vector<Limit*>& pooled) {
  assert(specs.size() + pooled.size() <= kMaxLimitsPerModel);
  for (const LimitSpec& spec : specs) add(spec, prices, false);
  for (Limit* limit : pooled) {
    add_pooled(limit);
  }
  if (!bounds_concurrency(specs))
    add(in_flight_limit(implicit_amount(max_in_flight)), prices, true);
}

// Where a pool bounds them, there is nothing to add; but the model may be bound further.
int64_t Limiter::implicit_amount(int64_t max_in_flight) const {
  for (size_t i = 0; i < limits_.size(); ++i) {
    if (traits_[i].pooled && limits_[i]->is_concurrency()) return kMaxLimitAmount;
  }
  return max_in_flight;
}

void Limiter::add_pooled(Limit* limit) {
  make_room(limits_, 1);
  make_room(traits_, 1);
  limits_.push_back(limit);
  traits_.push_back(Traits{true, false, false});
}

void Limiter::add(const LimitSpec& spec, const Prices& prices, bool implicit) {
  make_room(own_, 1);
  make_room(limits_, 1);
  make_room(traits_, 1);
  own_.push_back(std::make_unique<Limit>(spec, prices));
  limits_.push_back(own_.back().get());
  traits_.push_back(Traits{false, implicit, false});
}

Limit* Limiter::add_found(const LimitSpec& spec, const Prices& prices) {
  const auto found = std::count_if(traits_.begin(), traits_.end(),
                                   [](const Traits& traits) { return traits.found; });
  if (found >= kMostFoundLimits) return nullptr;
  add(spec, prices, false);
  traits_.back().found = true;
  return limits_.back();
}

bool Limiter::fits(const std::vector<LimitSpec>& specs) const {
  // The bound on attempts in flight has a place of its own, but where it was told that is among
  // the others.
  size_t count = 0;
  for (size_t i = 0; i < limits_.size(); ++i) {
    count += !traits_[i].implicit && !traits_[i].found;
  }
  for (const LimitSpec& spec : specs) {
    const auto has_place = [&](size_t i) {
      return !traits_[i].pooled && !traits_[i].found && is_same_limit(limits_[i]->spec(), spec);
    };
    size_t i = 0;
    while (i < limits_.size() && !has_place(i)) ++i;
    count += i == limits_.size();
  }
  return count <= kMaxLimitsPerModel;
}

void Limiter::change(TimeNs now, const std::vector<LimitSpec>& specs, int64_t max_in_flight,
                     const Prices& prices) {
  assert(fits(specs));
  std::vector<LimitSpec> wanted = specs;
  const bool implicit = !bounds_concurrency(specs);
  if (implicit) wanted.push_back(in_flight_limit(implicit_amount(max_in_flight)));
  const size_t before = limits_.size();
  std::vector<bool> used(before, false);
  for (const LimitSpec& spec : wanted) {
    size_t i = 0;
    while (i < before && (used[i] || traits_[i].pooled || traits_[i].found ||
                          !is_same_limit(limits_[i]->spec(), spec))) {
      ++i;
    }
    const bool is_bound = implicit && spec.kind == LimitKind::kConcurrency;
    if (i == before) {
      add(spec, prices, is_bound);
      continue;
    }
    used[i] = true;
    limits_[i]->change(now, spec, prices);
    traits_[i].implicit = is_bound;
  }
  for (size_t i = 0; i < before; ++i) {
    if (used[i] || traits_[i].pooled || traits_[i].found) continue;
    limits_[i]->open_up(now);
  }
}

void Limiter::bound_attempts(int64_t most) {
  for (const std::unique_ptr<Limit>& limit : own_) {
    if (limit->is_concurrency()) limit->bound(most);
  }
}

int64_t Limiter::most_attempts() const {
  int64_t most = kMaxLimitAmount;
  for (const Limit* limit : limits_) {
    if (limit->is_concurrency()) most = std::min(most, limit->spec().amount);
  }
  return most;
}

bool Limiter::bounds_per_period() const {
  return std::any_of(limits_.begin(), limits_.end(), [](const Limit* limit) {
    return !limit->is_concurrency() && !limit->is_open() && !limit->spec().ours;
  });
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
    const TimeNs at = limits_[i]->earliest(now, demand);
    if (at > verdict.at) verdict = Verdict{at, static_cast<int>(i)};
  }
  return verdict;
}

TimeNs Limiter::earliest_behind(TimeNs now, const Demand& demand, const Demand& ahead) {
  TimeNs at = now;
  for (Limit* limit : limits_) {
    at = std::max(at, limit->earliest_behind(now, demand, ahead));
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
    limits_[i]->reserve(now, reservation.holds[i], demand);
  }
  reservation.count = limits_.size();
  reservation.sent = false;
}

// Of limits that have come since, the attempt holds nothing.
void Limiter::follow(Reservation& reservation) const {
  for (; reservation.count < limits_.size(); ++reservation.count) {
    reservation.holds[reservation.count] = Hold{};
  }
}

void Limiter::sent(TimeNs now, Reservation& reservation) {
  if (reservation.sent) return;
  reservation.sent = true;
  follow(reservation);
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i]->sent(now, reservation.holds[i]);
}

bool Limiter::progress(TimeNs now, Reservation& reservation, int64_t output_tokens) {
  follow(reservation);
  bool charged = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    charged = limits_[i]->progress(now, reservation.holds[i], output_tokens) || charged;
  }
  return charged;
}

void Limiter::refund(TimeNs now, Reservation& reservation) {
  assert(!reservation.sent);
  follow(reservation);
  for (size_t i = 0; i < limits_.size(); ++i) limits_[i]->refund(now, reservation.holds[i]);
}

bool Limiter::settle(TimeNs now, Reservation& reservation, const Settlement& settlement) {
  assert(reservation.sent);
  follow(reservation);
  bool room = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    const bool grew = limits_[i]->settle(now, reservation.holds[i], settlement);
    room = room || (grew && !limits_[i]->is_concurrency());
  }
  return room;
}

bool Limiter::projects() const {
  return std::any_of(limits_.begin(), limits_.end(),
                     [](const Limit* limit) { return limit->projects(); });
}

bool Limiter::amend(TimeNs now, Reservation& reservation, const Usage& usage) {
  follow(reservation);
  bool alive = false;
  for (size_t i = 0; i < limits_.size(); ++i) {
    alive = limits_[i]->amend(now, reservation.holds[i], usage) || alive;
  }
  return alive;
}

}  // namespace llmq::core
