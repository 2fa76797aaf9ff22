// Which request starts when.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
#include "tests/support/sliding_provider.h"
#include "tests/support/windows.h"

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

Want tokens(uint32_t input, uint32_t output = 0) {
  Want want;
  want.input_tokens = input;
  want.output_tokens = output;
  return want;
}

TEST(EngineAdmission, StartsInTheOrderOfSubmission) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(2)), concurrency(3)}));
  for (int i = 0; i < 200; ++i) sim.submit(tokens(30));
  sim.run_all();
  TimeNs last{};
  for (const Job& job : sim.jobs) {
    ASSERT_EQ(job.state, State::kCompleted);
    EXPECT_GE(job.attempts[0].started, last) << "request " << job.id;
    last = job.attempts[0].started;
  }
}

TEST(EngineAdmission, ABigRequestInFrontIsNotOvertaken) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(2))}));
  sim.submit(tokens(50));
  Job& big = sim.submit(tokens(100));
  Job& small = sim.submit(tokens(1));
  EXPECT_FALSE(big.running());
  EXPECT_FALSE(small.running()) << "it would fit, but stands behind";
  sim.run_all();
  EXPECT_LE(big.attempts[0].started, small.attempts[0].started);
}

TEST(EngineAdmission, I7_StartsAtTheFirstMillisecondThatAllLimitsAllow) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 2, seconds(3)),
                            per_period(LimitKind::kTokens, 100, seconds(7))}));
  sim.submit(tokens(60));
  sim.submit(tokens(40));
  const TimeNs begin = sim.now();
  Job& third = sim.submit(tokens(1));
  sim.run_all();
  EXPECT_GE(third.attempts[0].started, begin + seconds(7));
  EXPECT_LE(third.attempts[0].started, begin + seconds(7) + milliseconds(1));
}

TEST(EngineAdmission, SaysWhyTheFirstInLineWaits) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 10, seconds(3)),
                            per_period(LimitKind::kTokens, 100, seconds(7)), concurrency(2)}));
  const Model& model = sim.model(0);
  EXPECT_EQ(model.blocked_by, -1);
  const TimeNs begin = sim.now();
  sim.submit(tokens(100));
  EXPECT_EQ(model.blocked_by, -1) << "nobody waits";
  Job& waiting = sim.submit(tokens(1));
  EXPECT_EQ(model.blocked_by, 1);
  EXPECT_EQ(model.blocked_until, begin + seconds(7));
  sim.cancel(waiting);
  EXPECT_EQ(model.blocked_by, -1);
  EXPECT_EQ(model.blocked_until, TimeNs{});
}

TEST(EngineAdmission, SaysThatOnlyAFreeSlotHelps) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.submit(Want{});
  sim.submit(Want{});
  EXPECT_EQ(sim.model(0).blocked_by, 0);
  EXPECT_EQ(sim.model(0).blocked_until, kNever);
}

TEST(EngineAdmission, MaxInFlightBoundsWhatHasNoConcurrencyLimit) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  for (int i = 0; i < 1000; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.running(0), 256);
  sim.run_all();
  EXPECT_EQ(sim.most_running(0), 256);

  ModelSpec spec;
  spec.max_in_flight = 3;
  EngineSim small;
  small.add_model(spec);
  for (int i = 0; i < 20; ++i) small.submit(Want{});
  small.run_all();
  EXPECT_EQ(small.most_running(0), 3);
}

TEST(EngineAdmission, ConcurrencyIsExactAndAlwaysUsed) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(7)}));
  Random random(5);
  sim.world.answer = [&random](const Call&) {
    Answer answer;
    answer.latency = milliseconds(random.between(1, 200));
    return answer;
  };
  constexpr int kRequests = 300;
  for (int i = 0; i < kRequests; ++i) sim.submit(Want{});
  while (sim.model(0).queue.size() > 0) {
    ASSERT_EQ(sim.running(0), 7) << "a slot is free and somebody waits";
    sim.run_for(milliseconds(1));
  }
  sim.run_all();
  EXPECT_EQ(sim.most_running(0), 7);
}

TEST(EngineAdmission, RefusesWhatCanNeverFit) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(6))}));
  const Job& job = sim.submit(tokens(60, 41));
  EXPECT_EQ(job.outcomes, 1);
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.status, Status::kOversize);
  EXPECT_TRUE(job.attempts.empty());
  EXPECT_TRUE(sim.submit(tokens(60, 40)).running());
}

TEST(EngineAdmission, OversizeDoesNotDisturbTheLine) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(2)), concurrency(1)}));
  sim.submit(tokens(100));
  Job& waiting = sim.submit(tokens(100));
  EXPECT_EQ(sim.submit(tokens(1000)).status, Status::kOversize);
  sim.run_all();
  EXPECT_EQ(waiting.state, State::kCompleted);
}

// The reservation turns into a charge when the bytes leave; from then on time alone makes room, and
// the one that waits must be woken then - not when some attempt happens to end.
TEST(EngineAdmission, I7_WakesWhenASentCallLeavesTheWindowThoughItStillRuns) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 2, seconds(1))});
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return milliseconds(50); };
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(60);
    return answer;
  };
  for (int i = 0; i < 6; ++i) sim.submit(Want{});
  const TimeNs begin = sim.now();
  sim.run_for(seconds(10));
  for (const Job& job : sim.jobs) {
    const int64_t rounds = static_cast<int64_t>(job.id - 1) / 2;
    ASSERT_FALSE(job.attempts.empty()) << "request " << job.id << " was forgotten";
    EXPECT_LE(job.attempts[0].started, begin + milliseconds(1060 * rounds + 5)) << job.id;
  }
}

TEST(EngineAdmission, I1_AllLimitsHoldWhenTheBytesLeaveLate) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EngineSim sim(seed);
    ModelSpec spec =
        model_with({per_period(LimitKind::kRequests, 10, seconds(1)), concurrency(30)});
    spec.sends_at_start = false;
    sim.add_model(spec);
    Random random(seed);
    sim.world.connect = [&random](const Call&) { return milliseconds(random.between(0, 1500)); };
    sim.world.connect_fails = [&random](const Call&) { return random.between(0, 9) == 0; };
    sim.world.answer = [&random](const Call&) {
      Answer answer;
      answer.latency = milliseconds(random.between(1, 800));
      return answer;
    };
    for (int i = 0; i < 150; ++i) sim.submit(Want{});
    sim.run_all();
    EXPECT_LE(sim::most_in_any_window(sim.sent_calls(0), seconds(1)), 10) << "seed " << seed;
    EXPECT_EQ(sim.model(0).counters.completed, 150u);
  }
}

struct Load {
  int64_t requests;
  int64_t tokens;
  DurationNs period;
};

class EngineAgainstProvider : public testing::TestWithParam<Load> {};

// I1 and I5 in one: a provider that counts exactly refuses nothing, and a lone user gets 99 % of
// T/(T+J) x N.
TEST_P(EngineAgainstProvider, I1_I5_NoRefusalAndNothingWasted) {
  const auto [requests, token_amount, period] = GetParam();
  const DurationNs jitter = default_jitter(period);
  for (uint64_t seed = 0; seed < 3; ++seed) {
    EngineSim sim(seed);
    sim.add_model(model_with(
        {per_period(LimitKind::kRequests, requests, period, ChargeModel::kArrival, jitter),
         per_period(LimitKind::kTokens, token_amount, period, ChargeModel::kArrival, jitter),
         concurrency(requests)}));
    sim::SlidingProvider by_requests(requests, period.ns);
    sim::SlidingProvider by_tokens(token_amount, period.ns);
    Random random(seed);
    sim.world.travel = [&random, jitter = jitter](const Call&) {
      return DurationNs{random.between(0, jitter.ns)};
    };
    sim.world.answer = [&](const Call& call) {
      Answer answer;
      answer.latency = milliseconds(random.between(1, 100));
      const bool fits = by_requests.arrives(call.now.ns, 1) &&
                        by_tokens.arrives(call.now.ns, call.job.input_tokens);
      if (!fits) answer.status = Status::kRateLimited;
      return answer;
    };
    constexpr int64_t kWindows = 12;
    const auto size = static_cast<uint32_t>(token_amount / requests);
    int64_t submitted = 0;
    const auto submit_one = [&] {
      ++submitted;
      sim.submit(tokens(size));
    };
    // The first window's worth trickles in, then the line is never empty.
    const TimeNs begin = sim.now();
    while (sim.now() < begin + period) {
      submit_one();
      sim.run_for(DurationNs{random.between(0, 2 * period.ns / requests)});
    }
    while (submitted < requests * (kWindows + 4)) submit_one();
    sim.run_for(period);
    const size_t before = sim.sent_calls(0).size();
    sim.run_for(DurationNs{kWindows * period.ns});
    const size_t after = sim.sent_calls(0).size();
    const double share = static_cast<double>(period.ns) / static_cast<double>((period + jitter).ns);
    EXPECT_GE(static_cast<double>(after - before),
              0.99 * share * static_cast<double>(requests * (kWindows - 1)))
        << "seed " << seed;
    sim.run_all();
    EXPECT_EQ(by_requests.refused(), 0) << "seed " << seed;
    EXPECT_EQ(by_tokens.refused(), 0) << "seed " << seed;
    EXPECT_EQ(sim.model(0).counters.completed, static_cast<uint64_t>(submitted));
    // From first to last: windows are packed without a gap that anybody could see.
    const std::vector<sim::Counted> calls = sim.sent_calls(0);
    const double windows = static_cast<double>((calls.back().at - calls.front().at).ns) /
                           static_cast<double>((period + jitter).ns);
    EXPECT_LE(windows * 0.99, static_cast<double>(submitted) / static_cast<double>(requests) + 1.0);
  }
}

INSTANTIATE_TEST_SUITE_P(SeveralLimits, EngineAgainstProvider,
                         testing::Values(Load{10, 1000, seconds(1)}, Load{300, 60'000, seconds(6)},
                                         Load{500, 30'000, seconds(60)},
                                         Load{3000, 90'000, seconds(60)},
                                         Load{1000, 5000, seconds(3600)}));

}  // namespace
}  // namespace llmq::core
