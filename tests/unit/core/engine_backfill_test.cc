// EASY backfilling: who may pass a blocked head, and what the head is promised.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/limit/sliding_ledger.h"
#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::concurrency;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

Want tokens(uint32_t input, uint8_t priority = 0) {
  Want want;
  want.input_tokens = input;
  want.priority = priority;
  return want;
}

TEST(EngineBackfill, ASmallOnePassesIfTheHeadStartsNoLater) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(10))}));
  const TimeNs begin = sim.now();
  sim.submit(tokens(60));
  sim.run_for(seconds(1));
  sim.submit(tokens(10));
  Job& head = sim.submit(tokens(80));  // fits when the 60 have left: 10 of the 100 stay free
  EXPECT_EQ(sim.model(0).head_at, begin + seconds(10));
  Job& fits = sim.submit(tokens(10));
  Job& too_much = sim.submit(tokens(11));
  EXPECT_TRUE(fits.running());
  EXPECT_FALSE(too_much.running());
  EXPECT_FALSE(sim.submit(tokens(1)).running()) << "what was left at that time is taken";
  EXPECT_EQ(sim.model(0).head_at, begin + seconds(10));
  sim.run_for(seconds(20));
  EXPECT_EQ(head.attempts[0].started.ns / 1'000'000, (begin + seconds(10)).ns / 1'000'000 + 1);
  sim.run_all();
}

// Room for somebody behind appears before the head's time: that needs a wake-up of its own.
TEST(EngineBackfill, WhoWillFitEarlierIsWokenForIt) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(10)),
                            per_period(LimitKind::kRequests, 2, seconds(3))}));
  sim.check_wake_ups = sim.check_promises = true;
  const TimeNs begin = sim.now();
  sim.submit(tokens(50));
  sim.submit(tokens(0));
  sim.submit(tokens(90));
  Job& small = sim.submit(tokens(10));
  EXPECT_FALSE(small.running()) << "no request is left";
  sim.run_for(seconds(4));
  ASSERT_EQ(small.attempts.size(), 1u);
  EXPECT_LE(small.attempts[0].started, begin + seconds(3) + milliseconds(1));
  sim.run_all();
}

TEST(EngineBackfill, NobodyPassesWhereOnlyAnEndHelps) {
  EngineSim sim;
  ModelSpec spec = model_with(
      {per_period(LimitKind::kTokens, 100, seconds(10), ChargeModel::kCompletion), concurrency(9)});
  sim.add_model(spec);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(5);
    return answer;
  };
  sim.submit(tokens(50));
  sim.submit(tokens(80));
  EXPECT_EQ(sim.model(0).head_at, kNever);
  EXPECT_FALSE(sim.submit(tokens(1)).running()) << "a stream of small ones would starve it";
  EXPECT_TRUE(sim.submit(tokens(0)).running()) << "it needs nothing of that";
  EXPECT_TRUE(sim.submit(tokens(50, 1)).running()) << "nothing was promised: urgent goes first";
  sim.run_all();
}

TEST(EngineBackfill, APromiseHoldsAgainstUrgentWork) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(10))}));
  sim.check_promises = true;
  const TimeNs begin = sim.now();
  sim.submit(tokens(50));
  Job& head = sim.submit(tokens(100, 4));
  for (int i = 0; i < 5; ++i) sim.submit(tokens(50, 1));
  sim.run_for(seconds(11));
  ASSERT_EQ(head.attempts.size(), 1u);
  EXPECT_LE(head.attempts[0].started, begin + seconds(10) + milliseconds(1));
  sim.run_all();
}

TEST(EngineBackfill, CancelOfTheHeadFreesThoseBehind) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(10))}));
  sim.submit(tokens(50));
  Job& head = sim.submit(tokens(100));
  Job& small = sim.submit(tokens(50));
  EXPECT_FALSE(small.running());
  sim.cancel(head);
  EXPECT_TRUE(small.running());
  EXPECT_EQ(sim.model(0).head, nullptr);
  sim.run_all();
}

// Saturated, sizes log-normal as in algorithms.md 2.2: what the largest wait under first come,
// first served, with nobody passing, is computed here from the window alone.
struct Trace {
  std::vector<uint32_t> sizes;
  int64_t amount = 90'000;
  DurationNs period = seconds(60);
};

Trace some_trace(uint64_t seed) {
  Random random(seed);
  Trace trace;
  for (int i = 0; i < 3000; ++i) {
    double normal = -6;
    for (int k = 0; k < 12; ++k) normal += static_cast<double>(random.between(0, 1'000'000)) / 1e6;
    const double size = 800 * std::exp(1.2 * normal);
    trace.sizes.push_back(static_cast<uint32_t>(std::clamp(size, 50.0, 15'000.0)));
  }
  return trace;
}

// A closed line of 200: the next comes when one has started.
DurationNs longest_wait_of_big_fifo(const Trace& trace) {
  struct Charged {
    TimeNs at;
    int64_t cost;
  };
  std::vector<TimeNs> starts;
  std::vector<Charged> charged;
  size_t expired = 0;
  int64_t used = 0;
  TimeNs now{};
  DurationNs longest{};
  for (size_t i = 0; i < trace.sizes.size(); ++i) {
    while (used + trace.sizes[i] > trace.amount) {
      now = std::max(now, charged[expired].at + trace.period);
      used -= charged[expired++].cost;
    }
    used += trace.sizes[i];
    charged.push_back({now, trace.sizes[i]});
    starts.push_back(now);
    const TimeNs came = i < 200 ? TimeNs{} : starts[i - 200];
    if (trace.sizes[i] * 10 >= trace.amount) longest = std::max(longest, now - came);
  }
  return longest;
}

TEST(EngineBackfill, BigRequestsDoNotStarve) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Trace trace = some_trace(seed);
    EngineSim sim(seed);
    sim.check_promises = true;
    sim.promise_slack = DurationNs{trace.period.ns / 256};
    sim.add_model(model_with(
        {per_period(LimitKind::kTokens, trace.amount, trace.period), concurrency(1000)}));
    size_t next = 0;
    const auto submit_one = [&] {
      if (next < trace.sizes.size()) sim.submit(tokens(trace.sizes[next++]));
    };
    const TimeNs begin = sim.now();
    size_t arrived = 0;
    sim.world.answer = [&](const Call&) {
      ++arrived;
      return Answer{};
    };
    while (next < 200) submit_one();
    for (size_t seen = 0; next < trace.sizes.size();) {
      sim.run_for(milliseconds(100));
      for (; seen < arrived; ++seen) submit_one();
    }
    sim.run_all();
    DurationNs longest{};
    int64_t total = 0;
    TimeNs end{};
    for (const Job& job : sim.jobs) {
      total += job.input_tokens;
      end = std::max(end, job.attempts[0].started);
      if (job.input_tokens * 10 < trace.amount) continue;
      longest = std::max(longest, job.attempts[0].started - job.submitted);
    }
    const DurationNs fifo = longest_wait_of_big_fifo(trace);
    EXPECT_LE(longest.ns, fifo.ns * 13 / 10) << "seed " << seed;
    const double ideal = static_cast<double>(total) / static_cast<double>(trace.amount) * 60.0 - 60;
    EXPECT_LE(static_cast<double>((end - begin).ns) / 1e9, ideal / 0.95) << "95 % of the limit";
  }
}

TEST(EngineBackfill, I7_NoHeadIsPutOffInRandomTraces) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    EngineSim sim(seed);
    // One after the other, so that every compiler draws them in the same order.
    const int64_t tokens_allowed = random.between(100, 1000);
    const DurationNs tokens_period = milliseconds(random.between(1000, 20'000));
    const DurationNs margin = milliseconds(random.between(0, 100));
    const int64_t requests_allowed = random.between(2, 30);
    const DurationNs requests_period = milliseconds(random.between(1000, 20'000));
    sim.add_model(model_with({per_period(LimitKind::kTokens, tokens_allowed, tokens_period,
                                         ChargeModel::kActual, margin),
                              per_period(LimitKind::kRequests, requests_allowed, requests_period),
                              concurrency(random.between(5, 50))}));
    sim.check_promises = sim.check_wake_ups = true;
    // Who joins a bucket of a ledger keeps what is in it there for as long as a bucket takes.
    sim.promise_slack =
        DurationNs{std::max(tokens_period, requests_period).ns / SlidingLedger::kBuckets};
    sim.world.answer = [&random](const Call& call) {
      Answer answer;
      answer.latency = milliseconds(random.between(1, 3000));
      answer.usage = Usage{random.between(0, call.job.input_tokens), 0, 0, 0};
      return answer;
    };
    for (int i = 0; i < 150; ++i) {
      const auto size = static_cast<uint32_t>(random.between(0, 100));
      Want want = tokens(size, static_cast<uint8_t>(random.between(0, 4)));
      want.tenant = static_cast<TenantIndex>(random.between(0, 3));
      Job& job = sim.submit(want);
      if (random.between(0, 9) == 0) sim.after(seconds(3), [&sim, &job] { sim.cancel(job); });
      sim.run_for(milliseconds(random.between(0, 300)));
    }
    sim.run_all();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    EXPECT_LE(sim.ticks, 2 * 150u) << "I12: wake-ups per request";
    EXPECT_EQ(sim.engine.next_wake(), kNever) << "I12: none when idle";
  }
}

}  // namespace
}  // namespace llmq::core
