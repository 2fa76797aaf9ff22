#include "core/limit/projection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/limit/limit.h"
#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::per_period;

constexpr TimeNs kStart{1'000'000'000'007};
constexpr DurationNs kPeriod = seconds(60);
constexpr int64_t kCell = 1'000'000'000;  // ns

// 64 .. 2,047 tokens; nine of ten at 60 tokens/s, the tenth so slow that silence tells nothing.
OutputHistory some_history(uint64_t seed) {
  OutputHistory history;
  Random random(seed);
  for (int i = 0; i < 640; ++i) {
    const int64_t length = random.between(64, 127) << random.between(0, 4);
    const int64_t speed = random.between(0, 9) == 0 ? 1 : 600;  // tokens per 10 s
    history.add(length, length, DurationNs{length * 10 * kCell / speed});
  }
  return history;
}

OutputHistory brisk_history(uint64_t seed) {
  OutputHistory history;
  Random random(seed);
  for (int i = 0; i < 640; ++i) {
    const int64_t length = random.between(64, 127) << random.between(0, 4);
    history.add(length, length, DurationNs{length * kCell / 60});
  }
  return history;
}

// A stream as the oracle knows it: what was heard, and when.
struct Heard {
  Projection::StreamId id = 0;
  const OutputHistory* outputs = nullptr;
  TimeNs at;
  int64_t seen = 0;
  int64_t certain = 0;
  int64_t held = 0;
};

struct Sum {
  int64_t mean = 0;
  int64_t variance = 0;
};

// What one stream adds until a boundary, from what was heard of it alone.
Sum expected_of(const Heard& stream, TimeNs now, int64_t boundary, const Pace& pace) {
  const int64_t cell = stream.at.ns / pace.cell.ns;
  const int64_t past = stream.at.ns - cell * pace.cell.ns;
  const int64_t anchor = cell + (2 * past >= pace.cell.ns ? 1 : 0);
  // Silence speaks after 2 cells, and then whenever the age has doubled.
  int64_t least = stream.seen;
  for (int64_t due = cell + 2; due <= now.ns / pace.cell.ns;) {
    const int64_t age = due - anchor;
    least = stream.seen + stream.outputs->least_in(DurationNs{pace.cell.ns * age});
    if (age >= kCurveCells / 2) break;
    due += std::max<int64_t>(age, 1);
  }
  const std::optional<OutputCurve> curve = stream.outputs->to_come(pace, stream.seen, least);
  if (!curve) return {stream.held * kTokenParts, 0};
  const SummedCurve summed(*curve);
  const auto age = static_cast<size_t>(std::clamp<int64_t>(boundary - anchor, 0, kCurveCells));
  return {stream.certain * kTokenParts + summed.mean[age], summed.variance[age]};
}

// Tokens that only leave the ledger after the boundary that is looked at.
constexpr int64_t kInTheWay = int64_t{1} << 30;

// With how much room for the streams may a call of nothing start now? Nothing of the ledger leaves
// until so many boundaries have passed, and all of it then: they alone decide.
bool starts_with(Projection& projection, TimeNs now, int64_t cells, DurationNs period,
                 int64_t tokens) {
  SlidingLedger ledger(period);
  const int64_t cell = period.ns / kCellsOfPeriod;
  const TimeNs boundary{(now.ns / cell + cells) * cell};
  // A bucket of the ledger leaves with its last entry.
  ledger.charge(boundary + DurationNs{cell / 2} - period, kInTheWay);
  projection.touch();
  return projection.earliest(now, TimeNs{}, ledger, kInTheWay + tokens, {}, {}) == now;
}

// The least such room.
int64_t room_for(Projection& projection, TimeNs now, int64_t cells, DurationNs period) {
  int64_t too_little = -1;
  int64_t enough = int64_t{1} << 28;
  while (enough - too_little > 1) {
    const int64_t middle = too_little + (enough - too_little) / 2;
    if (starts_with(projection, now, cells, period, middle)) {
      enough = middle;
    } else {
      too_little = middle;
    }
  }
  return enough;
}

class ProjectionOracle : public testing::TestWithParam<ChargeModel> {};

// The sums that are kept equal those over all streams, whatever happened and however long nothing
// did.
TEST_P(ProjectionOracle, SumsAreThoseOfAllStreams) {
  const Pace pace{DurationNs{kCell}, GetParam() == ChargeModel::kCompletion};
  const OutputHistory histories[] = {brisk_history(1), some_history(2), brisk_history(3)};
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Projection projection(kPeriod, GetParam());
    std::deque<Heard> streams;
    TimeNs now = kStart;
    for (int i = 0; i < 400; ++i) {
      const int64_t what = random.between(0, 9);
      if (what < 4 || streams.empty()) {
        Heard stream;
        stream.outputs = &histories[random.between(0, 2)];
        stream.at = now;
        stream.certain = random.between(0, 300);
        stream.held = stream.certain + random.between(1, 4'096);
        stream.id = projection.begin(now, *stream.outputs, stream.certain, stream.held);
        streams.push_back(stream);
      } else {
        const auto which = random.between(0, static_cast<int64_t>(streams.size()) - 1);
        Heard& stream = streams[static_cast<size_t>(which)];
        if (what < 5) {
          projection.sent(now, stream.id);
          stream.at = now;
        } else if (what < 8) {
          stream.seen += random.between(0, 500);
          stream.held = std::max<int64_t>(stream.held - random.between(0, 500), 0);
          stream.at = now;
          projection.progress(now, stream.id, stream.seen, stream.held);
        } else {
          projection.end(now, stream.id);
          streams.erase(streams.begin() + which);
        }
      }
      now = now + DurationNs{random.between(0, 3) == 0 ? random.between(0, 40 * kCell)
                                                       : random.between(0, kCell)};
      if (random.between(0, 60) == 0) now = now + seconds(1'000);
      int64_t held = 0;
      for (const Heard& stream : streams) held += stream.held;
      ASSERT_EQ(projection.held(), held);
      ASSERT_EQ(projection.streams(), streams.size());
      for (const int64_t cells : {1, 5, 17, 40, 59}) {
        Sum sum;
        for (const Heard& stream : streams) {
          const Sum one = expected_of(stream, now, now.ns / kCell + cells, pace);
          sum.mean += one.mean;
          sum.variance += one.variance;
        }
        // Four deviations are left free, and up to two tokens where they are rounded up.
        const double wanted = static_cast<double>(sum.mean) / static_cast<double>(kTokenParts) +
                              4 * std::sqrt(static_cast<double>(sum.variance));
        const auto tokens = static_cast<int64_t>(std::ceil(wanted));
        ASSERT_TRUE(starts_with(projection, now, cells, kPeriod, tokens + 2))
            << "seed " << seed << " step " << i << " cells " << cells;
        if (tokens == 0) continue;
        ASSERT_FALSE(starts_with(projection, now, cells, kPeriod, tokens - 1))
            << "seed " << seed << " step " << i << " cells " << cells;
      }
    }
    // Whatever has come and gone has left nothing behind.
    for (const Heard& stream : streams) projection.end(now, stream.id);
    for (const int64_t cells : {1, 30, 60}) EXPECT_EQ(room_for(projection, now, cells, kPeriod), 0);
  }
}

// While nothing happens, what was told is kept to the nanosecond: not before, and from then on.
TEST_P(ProjectionOracle, TellsTheEarliestStart) {
  const OutputHistory history = some_history(5);
  int later = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    Projection projection(kPeriod, GetParam());
    SlidingLedger ledger(kPeriod + milliseconds(250));
    const int64_t room = random.between(10'000, 24'000);
    TimeNs now = kStart;
    for (int i = 0; i < 60; ++i) {
      ledger.charge(now, random.between(0, 500));
      projection.touch();
      if (random.between(0, 2) == 0) projection.begin(now, history, 0, 4'096);
      const Projection::Ask ask{random.between(1, 50), &history};
      const Projection::Ask ahead{0, random.between(0, 1) == 0 ? &history : nullptr};
      const auto told = [&](TimeNs at, const Projection::Ask& beside) {
        Projection then = projection;
        SlidingLedger then_ledger = ledger;
        return then.earliest(at, TimeNs{}, then_ledger, room, ask, beside);
      };
      const TimeNs at = told(now, {});
      ASSERT_GE(at, now);
      EXPECT_GE(told(now, ahead), at) << "another one ahead puts nobody forward";
      if (at != kNever) {
        ASSERT_EQ(told(at, {}), at) << "seed " << seed << " step " << i;
        const TimeNs after = at + DurationNs{random.between(0, 20 * kCell)};
        ASSERT_EQ(told(after, {}), after) << "seed " << seed << " step " << i;
      }
      if (at > now) {
        ++later;
        const DurationNs wait{std::min((at - now).ns, 5 * kCell)};
        const TimeNs before = now + DurationNs{random.between(0, wait.ns - 1)};
        ASSERT_EQ(told(before, {}), at) << "seed " << seed << " step " << i;
      }
      now = now + DurationNs{random.between(0, kCell)};
    }
  }
  EXPECT_GT(later, 100) << "the test must not be trivial";
}

INSTANTIATE_TEST_SUITE_P(BothCharges, ProjectionOracle,
                         testing::Values(ChargeModel::kRealtime, ChargeModel::kCompletion));

// Of calls that are counted whole and end sooner than thought there may be a few at a time.
TEST(Projection, KeepsTwoCallsFreeWhereTheyAreCountedWhole) {
  OutputHistory alike;
  for (int i = 0; i < 300; ++i) alike.add(100, 100, seconds(2));
  const auto starts = [&alike](ChargeModel charge, int64_t room) {
    Projection projection(kPeriod, charge);
    SlidingLedger ledger(kPeriod);
    return projection.earliest(kStart, TimeNs{}, ledger, room, {0, &alike}, {}) == kStart;
  };
  EXPECT_TRUE(starts(ChargeModel::kRealtime, 100));
  EXPECT_FALSE(starts(ChargeModel::kRealtime, 99));
  EXPECT_TRUE(starts(ChargeModel::kCompletion, 300));
  EXPECT_FALSE(starts(ChargeModel::kCompletion, 299));
}

TEST(Projection, SeesRunningStreamsInTheLightOfANewPeriod) {
  const OutputHistory history = brisk_history(1);
  Projection projection(kPeriod, ChargeModel::kRealtime);
  const Projection::StreamId id = projection.begin(kStart, history, 10, 4'096);
  projection.change(kStart, seconds(6), ChargeModel::kRealtime);
  EXPECT_EQ(projection.held(), 4'096);
  EXPECT_GE(room_for(projection, kStart, 1, seconds(6)), 10);
  EXPECT_LE(room_for(projection, kStart, 1, seconds(6)), 30);
  const int64_t in_a_second = room_for(projection, kStart, 10, seconds(6));
  EXPECT_GT(in_a_second, 50);
  EXPECT_LE(in_a_second, 100);
  projection.end(kStart + seconds(1), id);
  EXPECT_EQ(room_for(projection, kStart + seconds(1), 59, seconds(6)), 0);
}

// A limit of 1,000 output tokens per minute, calls that reserve 400 and use 20.
struct UsesAPart {
  explicit UsesAPart(ChargeModel charge, Shape shape = Shape::kSliding)
      : limit([=] {
          LimitSpec spec = per_period(LimitKind::kOutputTokens, 1'000, kPeriod, charge);
          spec.shape = shape;
          return spec;
        }()) {
    for (int i = 0; i < 300; ++i) history.add(20, 20, seconds(2));
  }

  // How many start at once.
  int starts(const OutputHistory* outputs) {
    const Demand demand{0, 400, outputs};
    int count = 0;
    while (count < 64 && limit.earliest(kStart, demand) == kStart) {
      limit.reserve(kStart, holds[count], demand);
      limit.sent(kStart, holds[count++]);
    }
    return count;
  }

  OutputHistory history;
  Limit limit;
  Hold holds[64];
};

TEST(LimitProjection, StartsWhatIsExpectedToFit) {
  for (const ChargeModel charge : {ChargeModel::kRealtime, ChargeModel::kCompletion}) {
    UsesAPart known(charge);
    const int started = known.starts(&known.history);
    EXPECT_GE(started, 45);
    EXPECT_LE(started, 49) << "the last token is nobody's";
    EXPECT_EQ(known.limit.held(), started * 400) << "what is reserved is reserved";
    EXPECT_EQ(known.limit.projected(), static_cast<size_t>(started));
    UsesAPart unknown(charge);
    EXPECT_EQ(unknown.starts(nullptr), 2) << "too few outputs are known";
    EXPECT_EQ(unknown.limit.projected(), 0u);
  }
}

TEST(LimitProjection, OnlyWhereOutputIsCountedLateInASlidingWindow) {
  for (const ChargeModel charge :
       {ChargeModel::kActual, ChargeModel::kArrival, ChargeModel::kUnknown}) {
    UsesAPart one(charge);
    EXPECT_EQ(one.starts(&one.history), 2);
  }
  UsesAPart bucket(ChargeModel::kRealtime, Shape::kBucket);
  EXPECT_EQ(bucket.starts(&bucket.history), 2);
}

TEST(LimitProjection, SettlesToTheActualAndForgetsTheStream) {
  for (const ChargeModel charge : {ChargeModel::kRealtime, ChargeModel::kCompletion}) {
    UsesAPart one(charge);
    const int count = one.starts(&one.history);
    const TimeNs later = kStart + seconds(1);
    for (int i = 0; i < count; ++i) {
      one.limit.progress(later, one.holds[i], 10);
      Settlement settlement;
      settlement.kind = Settlement::Kind::kKnown;
      settlement.usage.output_tokens = 18;
      EXPECT_TRUE(one.limit.settle(later, one.holds[i], settlement));
    }
    EXPECT_EQ(one.limit.held(), 0);
    EXPECT_EQ(one.limit.projected(), 0u);
    EXPECT_EQ(one.limit.used(later), 18 * count);
  }
}

TEST(LimitProjection, WhatFitsAsAReservationIsNeverRefusedByIt) {
  UsesAPart one(ChargeModel::kRealtime);
  OutputHistory longer;
  for (int i = 0; i < 300; ++i) longer.add(5'000, 5'000, seconds(10));
  EXPECT_EQ(one.limit.earliest(kStart, Demand{0, 400, &longer}), kStart);
}

TEST(LimitProjection, NeedsAWindowForManyCalls) {
  UsesAPart one(ChargeModel::kRealtime);
  OutputHistory longer;
  for (int i = 0; i < 300; ++i) longer.add(30, 30, seconds(2));
  EXPECT_EQ(one.starts(&longer), 2) << "33 calls of 30 tokens are too few to be sure of their sum";
}

TEST(LimitProjection, CountsInFullWhoIsNotProjected) {
  UsesAPart one(ChargeModel::kRealtime);
  Hold unknown;
  one.limit.reserve(kStart, unknown, Demand{0, 700});
  EXPECT_EQ(one.starts(&one.history), 14);
  one.limit.refund(kStart, unknown);
  EXPECT_EQ(one.limit.earliest(kStart, Demand{0, 400, &one.history}), kStart);
}

// The engine learns from what ends, and then runs more at a time.
TEST(EngineProjection, RunsMoreAtATimeOnceEnoughHasEnded) {
  sim::EngineSim sim;
  sim.add_model(sim::model_with(
      {per_period(LimitKind::kOutputTokens, 4'000, seconds(6), ChargeModel::kRealtime)}));
  sim.check_wake_ups = true;
  sim.world.answer = [](const sim::Call& call) {
    sim::Answer answer;
    const int64_t tokens = 50 + call.job.id % 7 * 10;
    answer.latency = milliseconds(10 * tokens);
    answer.output = {{DurationNs{answer.latency.ns / 2}, tokens / 2}};
    answer.usage = Usage{0, tokens, 0, 0};
    return answer;
  };
  sim::Want want;
  want.output_tokens = 1'000;
  for (int i = 0; i < 2'000; ++i) sim.submit(want);
  while (sim.model(0).counters.completed < 150) sim.run_for(milliseconds(100));
  EXPECT_LE(sim.most_running(0), 5) << "each has reserved a quarter";
  sim.run_for(seconds(30));
  sim.forget_most_running(0);
  const uint64_t before = sim.model(0).counters.completed;
  sim.run_for(seconds(12));
  EXPECT_GE(sim.most_running(0), 6);
  // Two windows of 4,000 hold 100 calls of 80 tokens, less jitter and what must be left for chance.
  EXPECT_GE(sim.model(0).counters.completed - before, 80u);
  sim.run_all();
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 0);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->projected(), 0u);
}

}  // namespace
}  // namespace llmq::core
