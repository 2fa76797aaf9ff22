// One limit: how much of it is taken, when a call fits, and what a call's end changes.
//
// An attempt's share of a limit lives through: reserve -> (sent | refund) -> settle. Until it is
// sent it is held apart and never expires by time; when it is sent the counters take it at that
// time, if the provider counts on arrival; if the provider counts at the end, it stays held until
// then.
//
// A sliding ledger always remembers the last window; beside it stands the counter of the shape that
// is enforced: a bucket, windows on a grid, slices, a pacer.
#ifndef LLMQ_CORE_LIMIT_LIMIT_H_
#define LLMQ_CORE_LIMIT_LIMIT_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/limit/charge_learning.h"
#include "core/limit/fixed_windows.h"
#include "core/limit/leased_room.h"
#include "core/limit/limit_learning.h"
#include "core/limit/limit_spec.h"
#include "core/limit/observation.h"
#include "core/limit/pacer.h"
#include "core/limit/packed_windows.h"
#include "core/limit/projection.h"
#include "core/limit/sliding_ledger.h"
#include "core/limit/token_bucket.h"
#include "core/limit/wide.h"
#include "core/time.h"
#include "core/usage.h"

namespace llmq::core {

// What one attempt holds of one limit.
struct Hold {
  int64_t cost = 0;   // what is counted now: reserved, later charged
  LedgerSeq seq = 0;  // the ledger's bucket that was charged; 0 while the amount is held
  TimeNs charged{};   // when
  int64_t seen = 0;   // of charge realtime: the part of `cost` charged already, as it was produced
  Projection::StreamId stream = 0;  // where output is projected
  bool probe = false;
  bool learns = false;  // what follows has been written
  // Of limits that learn: how things stood when it was charged.
  int64_t total = 0;    // charged so far, itself included
  int64_t used = 0;     // in the window, itself included, others' use left out
  int64_t room = 0;     // before
  int64_t missing = 0;  // before, from a bucket
  // Of limits whose charge model is learnt: the estimate, the input alone, when it was sent, and
  // the sums of each candidate up to this call.
  int64_t estimate = 0;
  int64_t input = 0;
  TimeNs sent{};
  CountedSums sums{};
  ChargeMirrors::Levels levels{};  // of the mirrors, when it was sent

  // Every call does this for every limit, and few limits learn.
  void clear() {
    if (learns) {
      *this = Hold{};
      return;
    }
    cost = seen = 0;
    seq = 0;
    charged = {};
    stream = 0;
    probe = false;
  }
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
  const Prices& prices() const { return prices_; }

  // What a call of that many tokens counts here.
  int64_t cost_of(const Demand& demand) const {
    const int64_t input = clamp_usage(demand.input_tokens);
    const int64_t output = clamp_usage(demand.output_tokens);
    switch (spec_.kind) {
      case LimitKind::kRequests:
      case LimitKind::kConcurrency:
        return 1;
      case LimitKind::kTokens:
        return counts(Counted::kInput) ? input : input + expected(output);
      case LimitKind::kInputTokens:
        return input;
      case LimitKind::kOutputTokens:
        return expected(output);
      case LimitKind::kCost:
        return price_of(prices_, input, 0, output);
    }
    return 0;
  }
  // Of what was used: cached input has its own price, and money that was reported stands.
  int64_t cost_of(const Usage& usage) const;
  // The time in which the limit brings that much: cost * T / N.
  DurationNs time_for(int64_t cost) const {
    return cost == 1 ? time_of_one_ : DurationNs{mul_div(cost, spec_.period.ns, spec_.amount)};
  }

  // Earliest time at which `cost` fits, from `now` on; kNever if only the end of a running attempt,
  // or a lease from the shared store, makes room. For cost <= amount that is never a dead end.
  TimeNs earliest(TimeNs now, int64_t cost);
  // The same if a call of `ahead` starts now.
  TimeNs earliest_behind(TimeNs now, int64_t cost, int64_t ahead);
  // No later than earliest(), whatever the next answer shows of a limit that is learnt.
  TimeNs earliest_if_proven(TimeNs now, int64_t cost);
  // Of calls whose reservation need not fit if what is expected of it does (projects()).
  TimeNs earliest(TimeNs now, const Demand& demand) {
    return earliest(now, cost_of(demand), demand);
  }
  TimeNs earliest(TimeNs now, int64_t cost, const Demand& demand);
  TimeNs earliest_behind(TimeNs now, const Demand& demand, const Demand& ahead) {
    return earliest_behind(now, cost_of(demand), demand, cost_of(ahead), ahead);
  }
  TimeNs earliest_behind(TimeNs now, int64_t cost, const Demand& demand, int64_t cost_ahead,
                         const Demand& ahead);

  // Takes `cost`, which fits (earliest == now).
  void reserve(TimeNs now, Hold& hold, int64_t cost);
  void reserve(TimeNs now, Hold& hold, const Demand& demand);
  // The call left at `now`.
  void sent(TimeNs now, Hold& hold);
  // Of the sent call so much output has been produced. True if what fits, or when, may have
  // changed.
  bool progress(TimeNs now, Hold& hold, int64_t output_tokens);
  // The call never left: nothing is charged.
  void refund(TimeNs now, Hold& hold);
  // The sent call ended. True if room appeared that time alone would not have brought.
  bool settle(TimeNs now, Hold& hold, const Settlement& settlement);
  // Usage became known after an end with kUnknown. False if the charge has left the window.
  bool amend(TimeNs now, Hold& hold, const Usage& usage);

  // An answer of the provider shows this limit; `hold` is of the call that it answers, nullptr if
  // it answers none of ours. True if what fits may have changed.
  bool observe(TimeNs now, const Hold* hold, const Observation& shown);
  // The provider refused the call because of this limit: closed for the Retry-After.
  bool refused(TimeNs now, const Hold* hold, const Refusal& refusal);
  // What is enforced changes, what was counted stays.
  void change(TimeNs now, const LimitSpec& spec, const Prices& prices);
  // It bounds nothing any more.
  void open_up(TimeNs now);
  bool is_open() const { return spec_.amount == kMaxLimitAmount; }
  void set_windows(TimeNs start, TimeNs end, TimeNs next_end);

  // Concurrency: at most so many, whatever the amount is; kMaxLimitAmount: no bound besides it.
  void bound(int64_t most) { bound_ = most; }

  // Shared limits (spec.shared): room arrives in leases.
  int64_t lease_wanted(TimeNs now, int64_t cost);
  void lease_granted(TimeNs now, int64_t amount, TimeNs expires);

  // Is output counted by what is expected of it, where that is known?
  static bool projects(const LimitSpec& spec);
  bool projects() const { return projects_; }
  // Calls that are counted so now.
  size_t projected() const { return projection_ ? projection_->streams() : 0; }

  // For reports. Used: of the bucket, window or slice that is enforced.
  int64_t used(TimeNs now);
  int64_t held() const { return held_; }
  // A limit that has never been used would decide the same.
  bool is_blank(TimeNs now) {
    return held_ == 0 && used(now) == 0 && (!windows_ || windows_->is_empty(now));
  }
  int64_t effective_amount(TimeNs now) const;  // N as it is enforced
  bool is_bound() const { return bound_ < spec_.amount; }
  // The same, 0 when it is open, and what it was when this was asked before: 0 the first time.
  struct Change {
    int64_t before;
    int64_t after;
  };
  Change tell_change(TimeNs now) {
    const int64_t amount = is_open() ? 0 : effective_amount(now);
    return {std::exchange(told_amount_, amount), amount};
  }
  Shape enforced_shape() const { return shape_; }
  int64_t capacity() const { return bucket_ ? bucket_->capacity() : spec_.amount; }
  const Learner* learner() const { return learner_ ? &*learner_ : nullptr; }
  // What the provider has been found to count of a call, where that is learnt.
  const ChargeEvidence* charge_evidence() const { return evidence_ ? &*evidence_ : nullptr; }
  TimeNs closed_until() const { return closed_until_; }
  int64_t foreign() const { return foreign_; }  // use by others that answers have shown, ever
  // Of the calls that ended without being rejected, in the order of their ends.
  DurationNs ideal() const { return packed_.ideal(spec_.period); }
  bool is_concurrency() const { return spec_.kind == LimitKind::kConcurrency; }

 private:
  // What an answer has shown as used, kept until its call is settled.
  struct Shown {
    TimeNs at;
    ShownUse use;
  };

  static DurationNs time_of_one(const LimitSpec& spec) {
    return {spec.period.ns / std::max<int64_t>(spec.amount, 1)};
  }

  // limit.cc
  bool counts_used() const { return evidence_ && evidence_->counts_used(); }
  bool counts(Counted what) const { return evidence_ && evidence_->counts(what); }
  bool held_until_end() const;
  bool counts_output() const;
  bool keeps_estimate() const;
  // Who counts what is used refuses only where nothing is left: what calls use on average is enough
  // to be reserved.
  int64_t expected(int64_t output) const {
    if (!counts_used()) return output;
    return mul_div_up(output, used_ppm_, 1'000'000);
  }
  bool correct_by(TimeNs now, Hold& hold, const Settlement& settlement);
  bool correct(TimeNs now, Hold& hold, int64_t actual);
  void charge(TimeNs now, Hold& hold);
  LedgerSeq count(TimeNs now, int64_t cost);
  void leave(const Hold& hold);
  void take(TimeNs now, Hold& hold, int64_t cost);
  bool take_back(TimeNs now, const Hold& hold, int64_t cost);
  TimeNs full_since(const Hold& hold) const;

  // limit_rules.cc
  TimeNs by_shape(TimeNs now, TimeNs at, int64_t cost, int64_t ahead);
  TimeNs by_projection(TimeNs now, const Projection::Ask& ask, const Projection::Ask& ahead);
  Projection::Ask ask_of(const Demand& demand) const;
  bool is_beyond_shown(int64_t cost) const;
  TimeNs by_probe(TimeNs now, TimeNs from, int64_t cost, TimeNs otherwise);
  int64_t room(TimeNs now);
  void enforce(TimeNs now);
  void try_again(TimeNs now);

  // limit_observations.cc
  Seen seen(TimeNs now, const Hold* hold);
  void take_shown(TimeNs now, const Hold* hold, const Observation& shown);
  void accepted(const Hold& hold);
  void follow_charge(TimeNs now, Hold& hold);
  void weigh_charge(TimeNs now, const Hold& hold, const Usage& usage);
  int64_t beyond(TimeNs now, const Seen& seen, const Observation& shown);
  void count_foreign(TimeNs now, int64_t foreign);

  LimitSpec spec_;
  Prices prices_;
  Shape shape_ = Shape::kSliding;  // what is enforced
  SlidingLedger ledger_;
  std::optional<TokenBucket> bucket_;
  std::optional<FixedWindows> windows_;  // fixed; slices with known edges
  std::optional<SlidingLedger> slice_;   // slices without
  std::optional<Pacer> pacer_;  // paced; while nothing is known: what is safe with any provider
  std::optional<Pacer> ramp_;   // until a whole burst has been accepted: how fast it may grow
  std::optional<Projection> projection_;
  std::optional<Learner> learner_;  // of shape auto, and of whom answers have told
  PackedWindows packed_;
  // Of what is set, at hand where every decision asks.
  bool projects_ = false;
  DurationNs time_of_one_{};
  int64_t held_ = 0;
  int64_t slice_amount_ = 0;
  int64_t bound_ = kMaxLimitAmount;
  int64_t told_amount_ = 0;
  TimeNs closed_until_{};
  LeasedRoom leased_;  // granted and not yet reserved
  bool lease_asked_ = false;
  // Of limits that learn:
  bool probing_ = false;  // a probe is on its way
  bool burst_proven_ = false;
  int64_t found_in_window_ = INT64_MIN;  // in which the grid was found
  int64_t in_flight_ = 0;                // calls reserved and not ended
  int64_t start_bound_ = 1;              // most of them until something is known
  int64_t total_ = 0;                    // charged, ever
  int64_t shown_total_ = 0;              // that `total_` may grow to by what the last answer showed
  int64_t foreign_ = 0;
  std::optional<ChargeEvidence> evidence_;  // of what is counted
  int64_t used_ppm_ = 1'000'000;            // of the output that is reserved, on average
  std::optional<Shown> shown_;
  CountedSums sums_{};  // of each candidate, all that was charged, ever
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_H_
