// One limit: how much of it is taken, when a call fits, and what a call's end changes.
//
// An attempt's share of a limit lives through: reserve -> (sent | refund) -> settle. Until it is
// sent it is held apart from the ledger and never expires by time; when it is sent the ledger takes
// it at that time, if the provider counts on arrival; if the provider counts at the end, it stays
// held until then.
#ifndef LLMQ_CORE_LIMIT_LIMIT_H_
#define LLMQ_CORE_LIMIT_LIMIT_H_

#include <cstdint>

#include "core/limit/leased_room.h"
#include "core/limit/limit_spec.h"
#include "core/limit/packed_windows.h"
#include "core/limit/sliding_ledger.h"
#include "core/time.h"
#include "core/usage.h"

namespace llmq::core {

// What one attempt holds of one limit.
struct Hold {
  int64_t cost = 0;   // what is counted now: reserved, later charged
  LedgerSeq seq = 0;  // the bucket that was charged; 0 while the amount is held
};

// How an attempt ended, as far as limits care.
struct Settlement {
  enum class Kind : uint8_t {
    kKnown,     // the usage is known
    kUnknown,   // it ran, nobody knows what it used: the reservation stays charged
    kRejected,  // the provider refused it before working on it: tokens are not used
  };
  Kind kind = Kind::kUnknown;
  Usage usage{};
};

class Limit {
 public:
  explicit Limit(const LimitSpec& spec, const Prices& prices = {});

  const LimitSpec& spec() const { return spec_; }

  // What a call of that many tokens counts here.
  int64_t cost_of(const Demand& demand) const;
  // Of what was used: cached input has its own price, and money that was reported stands.
  int64_t cost_of(const Usage& usage) const;
  // The time in which the limit brings that much: cost * T / N.
  DurationNs time_for(int64_t cost) const;

  // Earliest time at which `cost` fits, from `now` on; kNever if only the end of a running attempt,
  // or a lease from the shared store, makes room. For cost <= amount that is never a dead end.
  TimeNs earliest(TimeNs now, int64_t cost);
  // The same if a call of `ahead` starts now.
  TimeNs earliest_behind(TimeNs now, int64_t cost, int64_t ahead);

  // Takes `cost`, which fits (earliest == now).
  void reserve(TimeNs now, Hold& hold, int64_t cost);
  // The call left at `now`.
  void sent(TimeNs now, Hold& hold);
  // The call never left: nothing is charged.
  void refund(Hold& hold);
  // The sent call ended. True if room appeared that time alone would not have brought.
  bool settle(TimeNs now, Hold& hold, const Settlement& settlement);
  // Usage became known after an end with kUnknown. False if the charge has left the window.
  bool amend(TimeNs now, Hold& hold, const Usage& usage);

  // Shared limits (spec.shared): room arrives in leases.
  int64_t lease_wanted(TimeNs now, int64_t cost);
  void lease_granted(TimeNs now, int64_t amount, TimeNs expires);

  int64_t used(TimeNs now) { return is_concurrency() ? 0 : ledger_.used(now); }
  int64_t held() const { return held_; }
  // Of the calls that ended without being rejected, in the order of their ends.
  DurationNs ideal() const { return packed_.ideal(spec_.period); }
  bool is_concurrency() const { return spec_.kind == LimitKind::kConcurrency; }

 private:
  bool counts_at_end() const;
  bool correct_by(TimeNs now, Hold& hold, const Settlement& settlement);
  bool correct(TimeNs now, Hold& hold, int64_t actual);

  LimitSpec spec_;
  Prices prices_;
  SlidingLedger ledger_;
  PackedWindows packed_;
  int64_t held_ = 0;
  LeasedRoom leased_;  // granted and not yet reserved
  bool lease_asked_ = false;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_H_
