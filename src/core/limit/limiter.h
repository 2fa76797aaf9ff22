// All limits of a model together: a call takes its share of every one of them, or of none.
//
// Nothing is held while waiting. earliest() is one pass that asks each limit; reserve() is a second
// one that cannot fail. What a limit has free only grows with time while nothing is admitted, so
// the latest answer is the earliest start.
#ifndef LLMQ_CORE_LIMIT_LIMITER_H_
#define LLMQ_CORE_LIMIT_LIMITER_H_

#include <array>
#include <cstdint>
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
  std::array<Hold, kMaxLimitsPerModel + 1> holds{};  // + 1: the bound on attempts in flight
  bool sent = false;
  Reservation* next_free = nullptr;
};

class Limiter {
 public:
  // max_in_flight bounds concurrency where no limit of `specs` does.
  Limiter(const std::vector<LimitSpec>& specs, int64_t max_in_flight);

  // The limit that a call of that size can never meet; -1 if there is none.
  int too_small_for(int64_t input_tokens, int64_t output_tokens) const;

  Verdict earliest(TimeNs now, int64_t input_tokens, int64_t output_tokens);
  void reserve(TimeNs now, int64_t input_tokens, int64_t output_tokens, Reservation& reservation);
  void sent(TimeNs now, Reservation& reservation);
  void refund(Reservation& reservation);
  // True if room appeared in a limit per period.
  bool settle(TimeNs now, Reservation& reservation, const Settlement& settlement);
  // False if no charge of it lies in a window any more.
  bool amend(TimeNs now, Reservation& reservation, const Usage& usage);

  std::vector<Limit>& limits() { return limits_; }
  const std::vector<Limit>& limits() const { return limits_; }
  // The last limit is max_in_flight, not one that was asked for.
  bool last_is_implicit() const { return last_is_implicit_; }

 private:
  std::vector<Limit> limits_;
  bool last_is_implicit_ = false;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMITER_H_
