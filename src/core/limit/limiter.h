// All limits of a model together: a call takes its share of every one of them, or of none.
//
// Nothing is held while waiting. earliest() is one pass that asks each limit; reserve() is a second
// one that cannot fail. What a limit has free only grows with time while nothing is admitted, so
// the latest answer is the earliest start.
#ifndef LLMQ_CORE_LIMIT_LIMITER_H_
#define LLMQ_CORE_LIMIT_LIMITER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/limit/limit.h"
#include "core/limit/limit_spec.h"
#include "core/time.h"

namespace llmq::core {

// When a call may start, and the limit that decides it (-1 if it may start now).
struct Verdict {
  TimeNs at;
  int limit = -1;
};

// What one attempt holds of every limit. One final transition: refund, or settle after sent.
struct Reservation {
  std::array<Hold, kMostLimitsTogether> holds{};
  size_t count = 0;  // of them; what follows is of an earlier attempt
  bool sent = false;
  Reservation* next_free = nullptr;
};

// What a call takes of each limit, in their order.
struct Costs : std::array<int64_t, kMostLimitsTogether> {
  Demand demand;  // of which these are the costs
};

class Limiter {
 public:
  // Own limits come first, in the order of `specs`, then those of `pooled`, which belong to the
  // engine and outlive this, then the bound on attempts in flight, unless a limit of the model's
  // own is one: max_in_flight where no pooled limit of concurrency is either.
  Limiter(const std::vector<LimitSpec>& specs, int64_t max_in_flight, const Prices& prices = {},
          const std::vector<Limit*>& pooled = {});

  // The limit that a call of that size can never meet; -1 if there is none.
  int too_small_for(const Demand& demand) const;

  Costs costs_of(const Demand& demand) const {
    Costs costs;
    costs.demand = demand;
    for (size_t i = 0; i < limits_.size(); ++i) costs[i] = limits_[i]->cost_of(demand);
    return costs;
  }

  Verdict earliest(TimeNs now, const Demand& demand);
  // When a call of that size could start if one of `ahead` starts now. A request may pass a blocked
  // head if this stays at the head's own time (EASY backfilling).
  TimeNs earliest_behind(TimeNs now, const Demand& demand, const Demand& ahead);
  // What a call takes of the limit that is scarcest for it, as the time in which that limit brings
  // as much: max over limits of cost * T / N (dominant share). 0 where no limit per period is.
  DurationNs dominant_share(const Demand& demand) const;

  void reserve(TimeNs now, const Demand& demand, Reservation& reservation);
  void sent(TimeNs now, Reservation& reservation);
  // So much output has been produced until now. True if what fits, or when, may have changed.
  bool progress(TimeNs now, Reservation& reservation, int64_t output_tokens);
  void refund(TimeNs now, Reservation& reservation);
  // True if room appeared in a limit per period.
  bool settle(TimeNs now, Reservation& reservation, const Settlement& settlement);
  // False if no charge of it lies in a window any more.
  bool amend(TimeNs now, Reservation& reservation, const Usage& usage);

  // Other limits of its own from now on. What is counted stays with the limit of the same kind and
  // period; a limit that is gone bounds nothing any more. specs must fit beside those of before
  // (fits).
  void change(TimeNs now, const std::vector<LimitSpec>& specs, int64_t max_in_flight,
              const Prices& prices);
  void add_pooled(Limit* limit);
  // A limit that nobody configured; stays whatever is configured later. nullptr: too many.
  Limit* add_found(const LimitSpec& spec, const Prices& prices);
  bool bounds_per_period() const;  // by anything but concurrency
  bool fits(const std::vector<LimitSpec>& specs) const;
  // At most so many attempts at a time besides what the limits say; kMaxLimitAmount: no such bound.
  void bound_attempts(int64_t most);
  // Attempts that the limits of concurrency allow at a time.
  int64_t most_attempts() const;

  const std::vector<Limit*>& limits() const { return limits_; }
  // Does one of them want to know how long outputs are?
  bool projects() const;
  // The limit belongs to a pool: other models use it too.
  bool is_pooled(size_t limit) const { return traits_[limit].pooled; }
  // The limit is max_in_flight, not one that was asked for.
  bool is_implicit(size_t limit) const { return traits_[limit].implicit; }
  // Nobody configured it: answers have shown it.
  bool is_found(size_t limit) const { return traits_[limit].found; }
  // The limit was taken away: it bounds nothing.
  bool is_gone(size_t limit) const { return limits_[limit]->is_open(); }

 private:
  void follow(Reservation& reservation) const;
  struct Traits {
    bool pooled = false;
    bool implicit = false;
    bool found = false;
  };
  void add(const LimitSpec& spec, const Prices& prices, bool implicit);
  int64_t implicit_amount(int64_t max_in_flight) const;

  std::vector<std::unique_ptr<Limit>> own_;
  std::vector<Limit*> limits_;  // all of them; a limit keeps its place
  std::vector<Traits> traits_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMITER_H_
