#include "core/limit/limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
#include "tests/support/windows.h"

namespace llmq::core {
namespace {

using sim::Counted;
using sim::per_period;

constexpr TimeNs kStart{1'000'000'000'007};
constexpr ChargeModel kCharges[] = {ChargeModel::kArrival, ChargeModel::kCompletion,
                                    ChargeModel::kRealtime, ChargeModel::kActual};

Settlement known(int64_t input_tokens, int64_t output_tokens = 0) {
  Settlement settlement;
  settlement.kind = Settlement::Kind::kKnown;
  settlement.usage.input_tokens = input_tokens;
  settlement.usage.output_tokens = output_tokens;
  return settlement;
}

Settlement of_kind(Settlement::Kind kind) { return Settlement{kind, {}}; }

Limit tokens(int64_t amount, ChargeModel charge = ChargeModel::kActual) {
  return Limit(per_period(LimitKind::kTokens, amount, seconds(6), charge));
}

// Reserves and sends at `now`.
Hold charged(Limit& limit, TimeNs now, int64_t cost) {
  Hold hold;
  limit.reserve(now, hold, cost);
  limit.sent(now, hold);
  return hold;
}

TEST(Limit, CountsWhatItsKindSays) {
  const auto cost = [](LimitKind kind, int64_t input, int64_t output) {
    return Limit(per_period(kind, 10, seconds(1))).cost_of(Demand{input, output});
  };
  EXPECT_EQ(cost(LimitKind::kRequests, 30, 4), 1);
  EXPECT_EQ(cost(LimitKind::kConcurrency, 30, 4), 1);
  EXPECT_EQ(cost(LimitKind::kTokens, 30, 4), 34);
  EXPECT_EQ(cost(LimitKind::kInputTokens, 30, 4), 30);
  EXPECT_EQ(cost(LimitKind::kOutputTokens, 30, 4), 4);
}

// What was used counts in whatever shape comes next.
TEST(Limit, ABucketThatASlidingLimitBecomesIsNotFull) {
  LimitSpec spec = per_period(LimitKind::kRequests, 100, seconds(60));
  Limit limit(spec);
  for (int i = 0; i < 100; ++i) charged(limit, kStart, 1);
  spec.shape = Shape::kBucket;
  const TimeNs later = kStart + seconds(1);
  limit.change(later, spec, {});
  EXPECT_GE(limit.earliest(later, 50), kStart + seconds(29));
  EXPECT_LE(limit.earliest(later, 50), kStart + seconds(31));
}

TEST(Limit, ToleratesAbsurdUsage) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(tokens(10).cost_of(Demand{-5, kLeast}), 0);
  EXPECT_GT(tokens(10).cost_of(Demand{kMost, kMost}), 0);
  Limit limit = tokens(100);
  Hold hold = charged(limit, kStart, 10);
  limit.settle(kStart, hold, known(kMost, kMost));
  EXPECT_GT(limit.used(kStart), 100);
  EXPECT_EQ(limit.earliest(kStart, 1), kStart + seconds(6));
}

TEST(Limit, HoldsWhatIsNotSentHoweverLongItTakes) {
  Limit limit = tokens(100);
  Hold hold;
  limit.reserve(kStart, hold, 60);
  const TimeNs later = kStart + seconds(3600);
  EXPECT_EQ(limit.held(), 60);
  EXPECT_EQ(limit.earliest(later, 40), later);
  EXPECT_EQ(limit.earliest(later, 41), kNever);
  limit.sent(later, hold);
  EXPECT_EQ(limit.held(), 0);
  EXPECT_EQ(limit.used(later), 60);
  EXPECT_EQ(limit.earliest(later, 41), later + seconds(6)) << "stamped when it was sent";
}

TEST(Limit, I4_ChargesNothingForACallThatNeverLeft) {
  for (const ChargeModel charge : kCharges) {
    Limit limit = tokens(100, charge);
    Hold hold;
    limit.reserve(kStart, hold, 100);
    limit.refund(kStart, hold);
    EXPECT_EQ(limit.held(), 0);
    EXPECT_EQ(limit.used(kStart), 0);
    EXPECT_EQ(limit.earliest(kStart, 100), kStart);
  }
}

TEST(Limit, WindowIsThePeriodAndTheJitter) {
  Limit limit(
      per_period(LimitKind::kRequests, 1, seconds(6), ChargeModel::kActual, milliseconds(60)));
  charged(limit, kStart, 1);
  EXPECT_EQ(limit.earliest(kStart, 1), kStart + milliseconds(6'060));
}

// Closed until later, it is asked from when on something fits: what leaves until then counts now.
TEST(Limit, I2_AQuestionAboutALaterTimeForgetsNothing) {
  for (const Shape shape : {Shape::kSliding, Shape::kQuantised, Shape::kPaced}) {
    LimitSpec spec = per_period(LimitKind::kRequests, 6, seconds(6));
    spec.shape = shape;
    spec.slice = seconds(1);
    Limit limit(spec);
    charged(limit, kStart, 1);
    const TimeNs now = kStart + seconds(5);
    Refusal refusal;
    refusal.retry_after = seconds(5);
    limit.refused(now, nullptr, refusal);
    EXPECT_EQ(limit.earliest(now, 1), now + seconds(5));
    EXPECT_EQ(limit.used(now), 1) << "it leaves the window in a second";
  }
}

TEST(Limit, RefundsGoIntoTheEntryCharged) {
  Limit limit = tokens(100);
  Hold first = charged(limit, kStart, 60);
  charged(limit, kStart + seconds(3), 40);
  EXPECT_TRUE(limit.settle(kStart + seconds(4), first, known(5, 5)));
  EXPECT_EQ(limit.used(kStart + seconds(4)), 50);
  EXPECT_EQ(limit.used(kStart + seconds(6)), 40) << "the refund left with its charge";
  EXPECT_EQ(limit.earliest(kStart + seconds(6), 61), kStart + seconds(9));
}

TEST(Limit, RefundsNothingThatHasLeftTheWindow) {
  Limit limit = tokens(100);
  Hold first = charged(limit, kStart, 60);
  charged(limit, kStart + seconds(5), 40);
  EXPECT_FALSE(limit.settle(kStart + seconds(7), first, known(1)));
  EXPECT_EQ(limit.used(kStart + seconds(7)), 40);
}

TEST(Limit, OverrunsAreDebtUntilTheyLeaveTheWindow) {
  Limit limit = tokens(100);
  Hold hold = charged(limit, kStart, 60);
  EXPECT_FALSE(limit.settle(kStart + seconds(2), hold, known(260)));
  EXPECT_EQ(limit.used(kStart + seconds(2)), 260);
  // 60 leave at 6 s; the 200 that were charged at 2 s block everything until 8 s.
  EXPECT_EQ(limit.earliest(kStart + seconds(2), 0), kStart + seconds(8));
  EXPECT_EQ(limit.earliest(kStart + seconds(2), 1), kStart + seconds(8));
  EXPECT_EQ(limit.used(kStart + seconds(8)), 0);
}

TEST(Limit, OverrunsOfCallsThatLeftTheWindowAreDebtToo) {
  Limit limit = tokens(100);
  Hold hold = charged(limit, kStart, 60);
  limit.settle(kStart + seconds(30), hold, known(150));
  EXPECT_EQ(limit.used(kStart + seconds(30)), 90);
}

TEST(Limit, ArrivalCountsTheEstimateForGood) {
  Limit limit = tokens(100, ChargeModel::kArrival);
  Hold hold = charged(limit, kStart, 60);
  EXPECT_FALSE(limit.settle(kStart + seconds(1), hold, known(10)));
  EXPECT_EQ(limit.used(kStart + seconds(1)), 60);
  Hold refused = charged(limit, kStart + seconds(1), 40);
  EXPECT_FALSE(limit.settle(kStart + seconds(1), refused, of_kind(Settlement::Kind::kRejected)));
  EXPECT_EQ(limit.used(kStart + seconds(1)), 100);
}

TEST(Limit, CompletionAndRealtimeCountTheActualAtTheEnd) {
  for (const ChargeModel charge : {ChargeModel::kCompletion, ChargeModel::kRealtime}) {
    Limit limit = tokens(100, charge);
    Hold hold = charged(limit, kStart, 60);
    EXPECT_EQ(limit.held(), 60);
    EXPECT_EQ(limit.used(kStart), 0);
    const TimeNs end = kStart + seconds(100);
    EXPECT_EQ(limit.earliest(end, 41), kNever) << "held until the end, however long";
    EXPECT_TRUE(limit.settle(end, hold, known(25)));
    EXPECT_EQ(limit.held(), 0);
    EXPECT_EQ(limit.used(end), 25);
    EXPECT_EQ(limit.earliest(end, 76), end + seconds(6));
  }
}

TEST(Limit, ActualCountsTheEstimateUntilTheActualIsKnown) {
  Limit limit = tokens(100, ChargeModel::kActual);
  Hold hold = charged(limit, kStart, 60);
  EXPECT_EQ(limit.used(kStart), 60);
  EXPECT_TRUE(limit.settle(kStart + seconds(1), hold, known(25)));
  EXPECT_EQ(limit.used(kStart + seconds(1)), 25);
  EXPECT_EQ(limit.used(kStart + seconds(6)), 0);
}

TEST(Limit, KeepsTheReservationChargedIfNobodyKnowsTheUsage) {
  for (const ChargeModel charge : kCharges) {
    Limit limit = tokens(100, charge);
    Hold hold = charged(limit, kStart, 60);
    EXPECT_FALSE(limit.settle(kStart + seconds(1), hold, of_kind(Settlement::Kind::kUnknown)));
    EXPECT_EQ(limit.used(kStart + seconds(1)), 60);
    EXPECT_EQ(limit.held(), 0);
  }
}

TEST(Limit, ARefusedCallUsesNoTokensButIsARequest) {
  Limit limit = tokens(100);
  Hold hold = charged(limit, kStart, 60);
  EXPECT_TRUE(limit.settle(kStart, hold, of_kind(Settlement::Kind::kRejected)));
  EXPECT_EQ(limit.used(kStart), 0);

  for (const ChargeModel charge : kCharges) {
    Limit requests(per_period(LimitKind::kRequests, 10, seconds(6), charge));
    hold = charged(requests, kStart, 1);
    EXPECT_FALSE(requests.settle(kStart, hold, of_kind(Settlement::Kind::kRejected)));
    EXPECT_EQ(requests.used(kStart), 1);
  }
}

TEST(Limit, ConcurrencyIsExact) {
  Limit limit(sim::concurrency(3));
  Hold holds[3];
  for (Hold& hold : holds) {
    ASSERT_EQ(limit.earliest(kStart, 1), kStart);
    limit.reserve(kStart, hold, 1);
    limit.sent(kStart, hold);
  }
  EXPECT_EQ(limit.held(), 3);
  EXPECT_EQ(limit.used(kStart), 0);
  EXPECT_EQ(limit.earliest(kStart + seconds(3600), 1), kNever) << "time frees nothing";
  EXPECT_TRUE(limit.settle(kStart, holds[1], of_kind(Settlement::Kind::kUnknown)));
  EXPECT_EQ(limit.earliest(kStart, 1), kStart);
  EXPECT_EQ(limit.held(), 2);
}

TEST(Limit, AmendsWhatStillLiesInTheWindow) {
  Limit limit = tokens(100);
  Hold less = charged(limit, kStart, 40);
  Hold more = charged(limit, kStart + seconds(3), 40);
  limit.settle(kStart + seconds(3), less, of_kind(Settlement::Kind::kUnknown));
  limit.settle(kStart + seconds(3), more, of_kind(Settlement::Kind::kUnknown));
  EXPECT_TRUE(limit.amend(kStart + seconds(4), less, Usage{10, 0, 0, 0}));
  EXPECT_EQ(limit.used(kStart + seconds(4)), 50);
  EXPECT_TRUE(limit.amend(kStart + seconds(4), more, Usage{50, 5, 0, 0}));
  EXPECT_EQ(limit.used(kStart + seconds(4)), 65);
  EXPECT_EQ(limit.used(kStart + seconds(6)), 55);
}

TEST(Limit, AmendsNothingThatHasLeftTheWindow) {
  for (const LimitKind kind : {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kInputTokens,
                               LimitKind::kOutputTokens}) {
    Limit limit(per_period(kind, 100, seconds(6)));
    Hold hold = charged(limit, kStart, 1);
    limit.settle(kStart, hold, of_kind(Settlement::Kind::kUnknown));
    EXPECT_FALSE(limit.amend(kStart + seconds(60), hold, Usage{50, 50, 0, 0}))
        << "kind " << static_cast<int>(kind);
    EXPECT_EQ(limit.used(kStart + seconds(60)), 0);
  }
}

TEST(Limit, SharedLimitsStartOnlyOnALease) {
  LimitSpec spec = per_period(LimitKind::kTokens, 100, seconds(6));
  spec.shared = true;
  Limit limit(spec);
  EXPECT_EQ(limit.earliest(kStart, 30), kNever);
  EXPECT_EQ(limit.lease_wanted(kStart, 30), 30);
  EXPECT_EQ(limit.lease_wanted(kStart, 30), 0) << "asked already";
  limit.lease_granted(kStart, 40, kStart + seconds(1));
  EXPECT_EQ(limit.earliest(kStart, 40), kStart);
  Hold hold;
  limit.reserve(kStart, hold, 30);
  EXPECT_EQ(limit.earliest(kStart, 11), kNever);
  EXPECT_EQ(limit.lease_wanted(kStart, 15), 5) << "ten of the lease are left";
  limit.lease_granted(kStart, 5, kStart + seconds(2));
  EXPECT_EQ(limit.earliest(kStart, 15), kStart);
  EXPECT_EQ(limit.earliest(kStart + seconds(2), 15), kNever) << "the lease has expired";
  EXPECT_EQ(limit.lease_wanted(kStart + seconds(2), 15), 15);
}

// The store counts a grant until it expires, then gives what is left of it to others.
TEST(Limit, ALaterLeaseDoesNotProlongAnEarlierOne) {
  LimitSpec spec = per_period(LimitKind::kTokens, 100, seconds(6));
  spec.shared = true;
  Limit limit(spec);
  limit.lease_granted(kStart, 10, kStart + seconds(1));
  limit.lease_granted(kStart, 5, kStart + seconds(2));
  EXPECT_EQ(limit.earliest(kStart, 15), kStart);
  EXPECT_EQ(limit.earliest(kStart + seconds(1), 6), kNever) << "at most five are left";
}

TEST(Limit, ALeaseDoesNotLiftTheAmount) {
  LimitSpec spec = per_period(LimitKind::kRequests, 1, seconds(6));
  spec.shared = true;
  Limit limit(spec);
  limit.lease_granted(kStart, 100, kNever);
  charged(limit, kStart, 1);
  EXPECT_EQ(limit.earliest(kStart, 1), kStart + seconds(6));
  limit.lease_granted(kStart, -50, kNever);
  EXPECT_EQ(limit.earliest(kStart, 1), kStart + seconds(6)) << "a negative grant is none";
}

// One call of the random traces below.
struct Traced {
  Hold hold;
  int64_t estimate = 0;
  int64_t seen = 0;  // output that was reported while it ran
  bool sent = false;
  std::vector<size_t> entries;  // its charges in the oracle
};

struct Trace {
  ChargeModel charge;
  bool overruns;  // the actual may exceed the estimate
};

class LimitTraces : public testing::TestWithParam<Trace> {};

// I1, I2: calls start whenever they fit, leave later, end later; the oracle keeps every charge.
TEST_P(LimitTraces, I1_I2_AgreeWithABruteForceOracle) {
  const auto [charge, overruns] = GetParam();
  const bool at_end = charge == ChargeModel::kCompletion || charge == ChargeModel::kRealtime;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const DurationNs period = seconds(random.between(1, 60));
    const DurationNs jitter = default_jitter(period);
    const DurationNs window = period + jitter;
    const DurationNs longer = window + DurationNs{window.ns / SlidingLedger::kBuckets};
    const int64_t amount = random.between(10, 5000);
    Limit limit(per_period(LimitKind::kTokens, amount, period, charge, jitter));
    std::vector<Counted> entries;  // with what they finally cost
    std::deque<Traced> calls;
    int64_t held = 0;
    TimeNs now = kStart;
    for (int i = 0; i < 800; ++i) {
      const int64_t what = random.between(0, 9);
      if (what < 5) {
        Traced call;
        call.estimate = random.between(1, amount);
        const int64_t before = limit.held();
        const TimeNs at = limit.earliest(now, call.estimate);
        ASSERT_EQ(limit.held(), before) << "asking holds nothing";
        if (at == kNever) {
          ASSERT_GT(held + call.estimate, amount) << "only what is held can block for ever";
        } else {
          if (at > now) {
            Limit then = limit;
            ASSERT_GT(then.earliest(at - nanoseconds(1), call.estimate), at - nanoseconds(1));
          }
          if (at - now < period) now = at;
        }
        if (at <= now) {
          limit.reserve(now, call.hold, call.estimate);
          held += call.estimate;
          calls.push_back(call);
        }
      } else if (!calls.empty()) {
        const auto which =
            static_cast<size_t>(random.between(0, static_cast<int64_t>(calls.size()) - 1));
        Traced& call = calls[which];
        if (!call.sent && random.between(0, 9) == 0) {
          limit.refund(now, call.hold);
          held -= call.estimate;
          calls.erase(calls.begin() + static_cast<int64_t>(which));
        } else if (!call.sent) {
          limit.sent(now, call.hold);
          call.sent = true;
          if (!at_end) {
            held -= call.estimate;
            call.entries.push_back(entries.size());
            entries.push_back(Counted{now, call.estimate});
          }
        } else if (random.between(0, 1) == 0) {  // some output, or older news
          const int64_t most = overruns ? 2 * call.estimate : call.estimate;
          const int64_t tokens = random.between(0, most);
          const bool charged = limit.progress(now, call.hold, tokens);
          ASSERT_EQ(charged, charge == ChargeModel::kRealtime && tokens > call.seen);
          if (charged) {
            held -= std::min(tokens, call.estimate) - std::min(call.seen, call.estimate);
            entries.push_back(Counted{now, tokens - call.seen});
            call.seen = tokens;
          }
        } else {
          const int64_t most = overruns ? 2 * call.estimate : call.estimate;
          const bool usage_known = random.between(0, 3) > 0;
          const int64_t reserved = std::max(call.estimate, call.seen);
          const int64_t used = usage_known ? random.between(0, most) : reserved;
          const int64_t actual = std::max(used, call.seen);  // what was seen is charged for good
          limit.settle(now, call.hold,
                       usage_known ? known(used) : of_kind(Settlement::Kind::kUnknown));
          if (at_end) {
            held -= call.estimate - std::min(call.seen, call.estimate);
            entries.push_back(Counted{now, actual - call.seen});
          } else if (actual > call.estimate) {
            entries.push_back(Counted{now, actual - call.estimate});
          } else if (charge == ChargeModel::kActual) {
            entries[call.entries[0]].cost = actual;
          }
          calls.erase(calls.begin() + static_cast<int64_t>(which));
        }
      }
      now = now + DurationNs{random.between(0, period.ns / 20)};
      ASSERT_EQ(limit.held(), held) << "seed " << seed << " step " << i;
      const int64_t used = limit.used(now);
      ASSERT_GE(used, sum_in_window(entries, now, window)) << "seed " << seed << " step " << i;
      ASSERT_LE(used, sum_in_window(entries, now, longer)) << "seed " << seed << " step " << i;
      if (!overruns) {
        ASSERT_LE(used + held, amount) << "seed " << seed << " step " << i;
      }
    }
    if (!overruns) {
      EXPECT_LE(sim::most_in_any_window(entries, window), amount);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    EveryCharge, LimitTraces,
    testing::Values(Trace{ChargeModel::kArrival, false}, Trace{ChargeModel::kCompletion, false},
                    Trace{ChargeModel::kRealtime, false}, Trace{ChargeModel::kActual, false},
                    Trace{ChargeModel::kArrival, true}, Trace{ChargeModel::kCompletion, true},
                    Trace{ChargeModel::kRealtime, true}, Trace{ChargeModel::kActual, true}));

TEST(LimitLearning, ADeclaredGridIsNotDoubtedForWhatAnswersShow) {
  LimitSpec spec = per_period(LimitKind::kRequests, 2, seconds(10), ChargeModel::kArrival);
  spec.shape = Shape::kFixed;
  Limit limit(spec);
  limit.set_windows(kStart, kStart + seconds(10), kStart + seconds(20));
  const TimeNs late = kStart + seconds(7);
  Hold holds[2];
  for (Hold& hold : holds) {
    limit.reserve(late, hold, 1);
    limit.sent(late, hold);
  }
  Observation shown;
  shown.limit = 2;
  shown.remaining = 0;
  shown.reset = seconds(3);
  limit.observe(late + milliseconds(5), holds, shown);
  EXPECT_EQ(limit.earliest(late + milliseconds(5), 1), kStart + seconds(12))
      << "two seconds after the edge, for the clocks of both sides may differ";
}

TEST(LimitLearning, TheLowerOfConfiguredAndToldCounts) {
  LimitSpec spec = per_period(LimitKind::kRequests, 10, seconds(10), ChargeModel::kArrival);
  Limit limit(spec);
  Observation shown;
  shown.limit = 4;
  shown.remaining = 4;
  EXPECT_TRUE(limit.observe(kStart, nullptr, shown));
  EXPECT_EQ(limit.effective_amount(kStart), 4);
  shown.limit = 40;
  shown.remaining = 40;
  limit.observe(kStart, nullptr, shown);
  EXPECT_EQ(limit.effective_amount(kStart), 10);
}

TEST(LimitLearning, UseByOthersIsCounted) {
  Limit limit(per_period(LimitKind::kRequests, 10, seconds(10), ChargeModel::kArrival));
  Hold hold;
  limit.reserve(kStart, hold, 1);
  limit.sent(kStart, hold);
  Observation shown;
  shown.limit = 10;
  shown.remaining = 10;
  limit.observe(kStart, nullptr, shown);  // from here on answers are looked at
  Hold next;
  limit.reserve(kStart, next, 1);
  limit.sent(kStart, next);
  shown.remaining = 3;
  limit.observe(kStart + milliseconds(5), &next, shown);
  EXPECT_EQ(limit.foreign(), 5);
  EXPECT_EQ(limit.earliest(kStart + milliseconds(5), 3), kStart + milliseconds(5));
  EXPECT_GT(limit.earliest(kStart + milliseconds(5), 4), kStart + milliseconds(5));
}

TEST(LimitLearning, ARefusalClosesUntilItsRetryAfterAndNotShorter) {
  Limit limit(per_period(LimitKind::kRequests, 10, seconds(10), ChargeModel::kArrival));
  Refusal refusal;
  refusal.retry_after = seconds(5);
  limit.refused(kStart, nullptr, refusal);
  refusal.retry_after = seconds(1);
  limit.refused(kStart + seconds(1), nullptr, refusal);
  EXPECT_EQ(limit.earliest(kStart + seconds(1), 1), kStart + seconds(5));
}

}  // namespace
}  // namespace llmq::core
