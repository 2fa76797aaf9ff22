#include "core/limit/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
#include "tests/support/windows.h"

namespace llmq::core {
namespace {

using sim::concurrency;
using sim::Counted;
using sim::per_period;

constexpr TimeNs kStart{1'000'000'000'007};

Settlement unknown() { return Settlement{}; }

Settlement known(int64_t input_tokens) {
  return Settlement{Settlement::Kind::kKnown, Usage{input_tokens, 0, 0, 0}};
}

TEST(Limiter, BoundsConcurrencyWhereNoLimitDoes) {
  Limiter limiter({per_period(LimitKind::kRequests, 100, seconds(6))}, 2);
  ASSERT_EQ(limiter.limits().size(), 2u);
  EXPECT_TRUE(limiter.is_implicit(1));
  Reservation one;
  Reservation two;
  limiter.reserve(kStart, {0, 0}, one);
  limiter.reserve(kStart, {0, 0}, two);
  const Verdict verdict = limiter.earliest(kStart, {0, 0});
  EXPECT_EQ(verdict.at, kNever);
  EXPECT_EQ(verdict.limit, 1);
}

// A reservation is used again: what an earlier attempt held of other limits is nothing of this one.
TEST(Limiter, OfALimitThatJoinsWhileAnAttemptRunsItHoldsNothing) {
  const LimitSpec tokens = per_period(LimitKind::kTokens, 100'000, seconds(60));
  Limiter one({per_period(LimitKind::kRequests, 100, seconds(60)), tokens}, 256);
  Limiter other({}, 256);
  for (const bool sent_before : {false, true}) {
    Reservation reservation;
    one.reserve(kStart, {1500, 0}, reservation);
    one.sent(kStart, reservation);
    one.settle(kStart, reservation, known(1500));
    other.change(kStart, {}, 256, {});
    other.reserve(kStart, {10, 0}, reservation);
    if (sent_before) other.sent(kStart, reservation);
    other.change(kStart, {per_period(LimitKind::kTokens, 2'000, seconds(60)), concurrency(2)}, 256,
                 {});
    other.sent(kStart, reservation);
    other.settle(kStart, reservation, known(20));
    for (Limit* limit : other.limits()) EXPECT_EQ(limit->held(), 0) << sent_before;
  }
}

TEST(Limiter, ACalendarLimitThatComesBackKnowsWhatWasUsed) {
  LimitSpec day = per_period(LimitKind::kRequests, 1'000, seconds(86'400));
  day.shape = Shape::kFixed;
  day.calendar = Calendar::kDay;
  Limiter limiter({day}, 256);
  const auto begin_day = [&] {
    limiter.limits()[0]->set_windows(kStart, kStart + seconds(86'400), kStart + seconds(172'800));
  };
  begin_day();
  Reservation reservation;
  limiter.reserve(kStart, {0, 0}, reservation);
  limiter.sent(kStart, reservation);
  const TimeNs later = kStart + seconds(3'600);
  limiter.settle(later, reservation, known(0));
  limiter.change(later, {}, 256, {});
  const size_t places = limiter.limits().size();
  limiter.change(later, {day}, 256, {});
  EXPECT_EQ(limiter.limits().size(), places);
  begin_day();
  EXPECT_EQ(limiter.limits()[0]->used(later), 1);
}

TEST(Limiter, LeavesConcurrencyToTheLimitThatIsThere) {
  Limiter limiter({concurrency(500)}, 2);
  EXPECT_EQ(limiter.limits().size(), 1u);
  EXPECT_FALSE(limiter.is_implicit(0));
  EXPECT_EQ(limiter.limits()[0]->spec().amount, 500);
}

TEST(Limiter, SaysWhichLimitIsTooSmall) {
  const Limiter limiter({per_period(LimitKind::kRequests, 1, seconds(6)),
                         per_period(LimitKind::kInputTokens, 100, seconds(6)),
                         per_period(LimitKind::kTokens, 150, seconds(6))},
                        1);
  EXPECT_EQ(limiter.too_small_for({100, 50}), -1);
  EXPECT_EQ(limiter.too_small_for({101, 0}), 1);
  EXPECT_EQ(limiter.too_small_for({100, 51}), 2);
}

TEST(Limiter, TheLatestLimitDecides) {
  Limiter limiter({per_period(LimitKind::kRequests, 10, seconds(6)),
                   per_period(LimitKind::kTokens, 100, seconds(60)),
                   per_period(LimitKind::kTokens, 100, seconds(6))},
                  10);
  EXPECT_EQ(limiter.earliest(kStart, {100, 0}).at, kStart);
  EXPECT_EQ(limiter.earliest(kStart, {100, 0}).limit, -1);
  Reservation reservation;
  limiter.reserve(kStart, {100, 0}, reservation);
  limiter.sent(kStart, reservation);
  const Verdict verdict = limiter.earliest(kStart, {1, 0});
  EXPECT_EQ(verdict.at, kStart + seconds(60));
  EXPECT_EQ(verdict.limit, 1);
}

TEST(Limiter, TakesAShareOfEveryLimitOrOfNone) {
  Limiter limiter({per_period(LimitKind::kRequests, 10, seconds(6)),
                   per_period(LimitKind::kTokens, 100, seconds(6)), concurrency(1)},
                  10);
  Reservation reservation;
  limiter.reserve(kStart, {60, 0}, reservation);
  for (const Limit* limit : limiter.limits()) EXPECT_GT(limit->held(), 0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.earliest(kStart, {60, 0}).at, kNever);
    EXPECT_EQ(limiter.limits()[0]->held(), 1) << "a refusal by one limit leaves the others alone";
    EXPECT_EQ(limiter.limits()[1]->held(), 60);
    EXPECT_EQ(limiter.limits()[2]->held(), 1);
  }
  limiter.refund(kStart, reservation);
  for (Limit* limit : limiter.limits()) {
    EXPECT_EQ(limit->held(), 0);
    EXPECT_EQ(limit->used(kStart), 0);
  }
}

TEST(Limiter, CountsACallAsSentOnce) {
  Limiter limiter({per_period(LimitKind::kRequests, 10, seconds(6))}, 10);
  Reservation reservation;
  limiter.reserve(kStart, {0, 0}, reservation);
  limiter.sent(kStart, reservation);
  limiter.sent(kStart + seconds(1), reservation);
  EXPECT_EQ(limiter.limits()[0]->used(kStart + seconds(1)), 1);
  EXPECT_EQ(limiter.limits()[0]->held(), 0);
}

TEST(Limiter, TellsWhetherALimitPerPeriodGrew) {
  Limiter limiter({per_period(LimitKind::kTokens, 100, seconds(6)), concurrency(10)}, 10);
  const auto settles = [&limiter](const Settlement& settlement) {
    Reservation reservation;
    limiter.reserve(kStart, {30, 0}, reservation);
    limiter.sent(kStart, reservation);
    return limiter.settle(kStart, reservation, settlement);
  };
  EXPECT_TRUE(settles(known(10)));
  EXPECT_FALSE(settles(known(30)));
  EXPECT_FALSE(settles(unknown())) << "a free slot is not room per period";
}

TEST(Limiter, AmendsAsLongAsAChargeLiesInAWindow) {
  Limiter limiter({per_period(LimitKind::kTokens, 100, seconds(6)),
                   per_period(LimitKind::kInputTokens, 100, seconds(60))},
                  10);
  Reservation reservation;
  limiter.reserve(kStart, {30, 0}, reservation);
  limiter.sent(kStart, reservation);
  limiter.settle(kStart, reservation, unknown());
  EXPECT_TRUE(limiter.amend(kStart + seconds(10), reservation, Usage{5, 0, 0, 0}));
  EXPECT_EQ(limiter.limits()[1]->used(kStart + seconds(10)), 5);
  EXPECT_EQ(limiter.limits()[0]->used(kStart + seconds(10)), 0);
  EXPECT_FALSE(limiter.amend(kStart + seconds(60), reservation, Usage{7, 0, 0, 0}));
}

TEST(Limiter, AmendsNothingOnceEveryChargeHasLeft) {
  Limiter limiter({per_period(LimitKind::kRequests, 100, seconds(6)),
                   per_period(LimitKind::kTokens, 100, seconds(6))},
                  10);
  Reservation reservation;
  limiter.reserve(kStart, {30, 0}, reservation);
  limiter.sent(kStart, reservation);
  limiter.settle(kStart, reservation, unknown());
  EXPECT_FALSE(limiter.amend(kStart + seconds(60), reservation, Usage{5, 0, 0, 0}));
}

// I1 for several limits at once, I2 for concurrency: calls start at the first moment that all
// limits allow.
TEST(Limiter, I1_NeverMoreThanAnyAmountInAnyWindow) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    std::vector<LimitSpec> specs;
    const LimitKind kinds[] = {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kInputTokens,
                               LimitKind::kOutputTokens};
    for (const LimitKind kind : kinds) {
      if (random.between(0, 2) == 0) continue;
      const int64_t amount =
          kind == LimitKind::kRequests ? random.between(1, 50) : random.between(100, 2000);
      const DurationNs period = seconds(random.between(1, 30));
      specs.push_back(
          per_period(kind, amount, period, ChargeModel::kActual, default_jitter(period)));
    }
    const int64_t slots = random.between(1, 20);
    Limiter limiter(specs, slots);
    struct Running {
      Reservation reservation;
      int64_t input;
      int64_t output;
      bool sent = false;
    };
    std::deque<Running> running;
    std::vector<std::vector<Counted>> counted(specs.size());
    TimeNs now = kStart;
    for (int i = 0; i < 500; ++i) {
      const int64_t input = random.between(0, 50);
      const int64_t output = random.between(0, 50);
      ASSERT_EQ(limiter.too_small_for({input, output}), -1);
      TimeNs latest = now;
      for (Limit* limit : limiter.limits()) {
        latest = std::max(latest, limit->earliest(now, limit->cost_of(Demand{input, output})));
      }
      const Verdict verdict = limiter.earliest(now, {input, output});
      ASSERT_EQ(verdict.at, latest);
      ASSERT_EQ(verdict.limit < 0, verdict.at == now);
      if (verdict.at != kNever) {
        now = verdict.at;
        Running& call = running.emplace_back();
        call.input = input;
        call.output = output;
        limiter.reserve(now, {input, output}, call.reservation);
        ASSERT_LE(static_cast<int64_t>(running.size()), slots);
      }
      // Some leave, some end; if nothing else helps, one must.
      while (!running.empty() && (verdict.at == kNever || random.between(0, 2) > 0)) {
        const auto which =
            static_cast<size_t>(random.between(0, static_cast<int64_t>(running.size()) - 1));
        Running& call = running[which];
        now = now + DurationNs{random.between(0, 100'000'000)};
        if (!call.sent) {
          limiter.sent(now, call.reservation);
          call.sent = true;
          for (size_t k = 0; k < specs.size(); ++k) {
            counted[k].push_back(
                Counted{now, limiter.limits()[k]->cost_of(Demand{call.input, call.output})});
          }
        } else {
          limiter.settle(now, call.reservation, unknown());
          running.erase(running.begin() + static_cast<int64_t>(which));
          break;
        }
      }
    }
    for (size_t k = 0; k < specs.size(); ++k) {
      ASSERT_LE(sim::most_in_any_window(counted[k], specs[k].period + specs[k].jitter),
                specs[k].amount)
          << "seed " << seed << " limit " << k;
    }
    for (Running& call : running) {
      if (call.sent) {
        limiter.settle(now, call.reservation, unknown());
      } else {
        limiter.refund(now, call.reservation);
      }
    }
    for (Limit* limit : limiter.limits()) {
      EXPECT_EQ(limit->held(), 0) << "I3: seed " << seed;
      EXPECT_EQ(limit->used(now + seconds(3600)), 0);
    }
  }
}

}  // namespace
}  // namespace llmq::core
