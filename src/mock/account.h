// All limits of the provider together: who is accepted, what that costs, and what the run looked
// like from here.
#ifndef LLMQ_MOCK_ACCOUNT_H_
#define LLMQ_MOCK_ACCOUNT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mock/busiest_window.h"
#include "mock/ideal.h"
#include "mock/limit.h"
#include "mock/options.h"
#include "mock/other_users.h"
#include "mock/units.h"

namespace llmq::mock {

// What a call asks for.
struct Demand {
  int64_t input_tokens = 0;
  int64_t max_output_tokens = 0;
};

// What a call used in the end.
struct Usage {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// The limit that refused a call, and when to come back.
struct Refusal {
  LimitKind kind = LimitKind::kRequests;
  LimitView told;
  int64_t requested = 0;
  bool too_large = false;  // more than the limit ever holds: no wait helps
  Nanos wait{};  // until it fits if nobody else is served meanwhile; a guess for concurrency
};

// How one limit fared.
struct LimitReport {
  LimitSpec limit;
  int64_t busiest_window = 0;  // largest sum of charges in any window of the limit's period
  int64_t accepted_units = 0;
  int64_t max_used = 0;  // highest level of the limit's own ledger
  Nanos ideal{};
  int64_t others_units = 0;         // that other users were served
  int64_t capacity = 0;             // most that is ever accepted at once
  std::optional<Nanos> first_edge;  // of shapes on a grid, from the first arrival
};

// A call is accepted only if every limit has room for it, and only then charged: a refused call
// costs nothing. Times are counted from the first arrival and must not go backwards.
class Account {
 public:
  // Requires specs that check_limit_spec accepts.
  // others: the share of each limit that other users of the same key take, in millionths.
  Account(const std::vector<LimitSpec>& limits, Charge charge, uint64_t seed,
          int64_t others_ppm = 0);

  // What happens without our calls up to now: others are served, limits change. To be called before
  // anything else is done or asked at a moment.
  void advance(Nanos now);

  // Nothing if the call is accepted. Of several limits that refuse, the one with the longest wait
  // is named.
  std::optional<Refusal> arrive(Nanos now, const Demand& demand);
  // An accepted call has said so many tokens: charges them if tokens are charged as they flow.
  void produce(Nanos now, int64_t output_tokens);
  // An accepted call is answered: charges what is charged at completion. `produced` of its output
  // went through produce().
  void complete(Nanos now, const Usage& usage, int64_t produced = 0);
  // An accepted call ends without an answer. What it was charged stays charged.
  void abandon();

  // Whether a concurrency limit would refuse a call now.
  bool is_full() const { return in_flight_ >= concurrency_; }
  int64_t accepted() const { return accepted_; }
  int64_t in_flight() const { return in_flight_; }
  int64_t max_in_flight() const { return max_in_flight_; }
  Nanos last_accepted() const { return last_accepted_; }
  // The largest over the limits.
  Nanos ideal() const;
  std::vector<LimitReport> report() const;
  // Of the limits of this kind that are told in headers, the one with the smallest share left.
  std::optional<LimitView> view(LimitKind kind, Nanos now) const;

 private:
  struct Rate {
    Rate(const LimitSpec& spec, uint64_t seed, int64_t others_ppm)
        : limit(spec, seed), busiest(spec.period), ideal(limit), others(spec, seed, others_ppm) {}
    void charge(Nanos now, int64_t cost);
    void advance(Nanos now);

    RateLimit limit;
    BusiestWindow busiest;
    Ideal ideal;
    OtherUsers others;
    int64_t accepted_units = 0;
    int64_t others_units = 0;
    int64_t max_used = 0;
  };

  bool charged_on_arrival(LimitKind kind) const;
  int64_t cost_on_arrival(LimitKind kind, const Demand& demand) const;
  void refuse_by_rate(const Rate& rate, Nanos now, const Demand& demand,
                      std::optional<Refusal>& refusal) const;

  std::vector<LimitSpec> specs_;  // as given; rates_ leaves concurrency out
  std::vector<Rate> rates_;
  Charge charge_;
  int64_t concurrency_;  // the smallest concurrency limit
  int64_t accepted_ = 0;
  int64_t in_flight_ = 0;
  int64_t max_in_flight_ = 0;
  Nanos last_accepted_{};
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ACCOUNT_H_
