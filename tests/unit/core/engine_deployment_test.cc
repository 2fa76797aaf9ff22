// A model that can be called at several places.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Attempt;
using sim::Call;
using sim::concurrency;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

LimitSpec requests(int64_t amount) { return per_period(LimitKind::kRequests, amount, seconds(10)); }
LimitSpec tokens(int64_t amount) { return per_period(LimitKind::kTokens, amount, seconds(10)); }

DeploymentSpec place_with(std::vector<LimitSpec> limits) {
  DeploymentSpec spec;
  spec.limits = std::move(limits);
  return spec;
}

Want of_tokens(uint32_t input) {
  Want want;
  want.input_tokens = input;
  return want;
}

class EngineDeployments : public testing::Test {
 protected:
  // One model with a deployment for each list of limits.
  void places(const std::vector<std::vector<LimitSpec>>& limits) {
    sim.check_wake_ups = true;
    sim.add_model(model_with(limits[0]));
    for (size_t i = 1; i < limits.size(); ++i) sim.add_deployment(0, place_with(limits[i]));
  }
  DeploymentIndex place_of(const Job& job) const { return job.attempts.back().deployment; }
  size_t started_at(DeploymentIndex deployment) const {
    return sim.sent_calls(0, deployment).size();
  }

  EngineSim sim;
  const TimeNs begin = sim.now();
};

TEST_F(EngineDeployments, EachHasLimitsOfItsOwn) {
  places({{requests(10)}, {requests(20)}});
  for (int i = 0; i < 60; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(started_at(0), 10u);
  EXPECT_EQ(started_at(1), 20u);
  sim.run_all();
  EXPECT_EQ(started_at(0), 20u);
  EXPECT_EQ(started_at(1), 40u);
  EXPECT_LE(sim.now(), begin + seconds(12));
}

TEST_F(EngineDeployments, TheOneWithMoreLeftIsAskedFirst) {
  places({{requests(10)}, {requests(20)}});
  for (int i = 0; i < 15; ++i) sim.submit(Want{});
  EXPECT_EQ(started_at(0), 5u);  // both have half of theirs left
  EXPECT_EQ(started_at(1), 10u);
  sim.run_all();
}

TEST_F(EngineDeployments, WeightsShareWhatSeveralCouldStart) {
  sim.check_wake_ups = true;
  ModelSpec spec = model_with({});
  spec.weight = 3;
  spec.max_in_flight = 1'000;
  sim.add_model(spec);
  DeploymentSpec other = place_with({});
  other.max_in_flight = 1'000;
  sim.add_deployment(0, other);
  for (int i = 0; i < 400; ++i) sim.submit(Want{});
  EXPECT_NEAR(static_cast<double>(started_at(0)), 300, 1);
  EXPECT_NEAR(static_cast<double>(started_at(1)), 100, 1);
  sim.run_all();
}

TEST_F(EngineDeployments, WhoWasAwayDoesNotMakeUpForIt) {
  ModelSpec spec = model_with({concurrency(1'000)});
  spec.weight = 2;
  sim.add_model(spec);
  sim.add_deployment(0, place_with({concurrency(1'000)}));
  for (int i = 0; i < 300; ++i) sim.submit(Want{});
  sim.remove(0, 1, StopMode::kDrain);
  sim.run_all();
  for (int i = 0; i < 3'000; ++i) {
    sim.submit(Want{});
    if (i % 500 == 0) sim.run_all();
  }
  sim.run_all();
  sim.add_deployment(0, place_with({concurrency(1'000)}));
  for (int i = 0; i < 300; ++i) sim.submit(Want{});
  EXPECT_NEAR(static_cast<double>(started_at(2)), 100, 2);
  sim.run_all();
}

TEST_F(EngineDeployments, ALowerOrderGoesFirstAndOthersTakeWhatItCannot) {
  sim.check_wake_ups = true;
  ModelSpec spec = model_with({concurrency(10)});
  spec.order = 5;
  sim.add_model(spec);
  sim.add_deployment(0, place_with({concurrency(10)}));  // of order 0
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  EXPECT_EQ(started_at(0), 0u);
  EXPECT_EQ(started_at(1), 10u);
  for (int i = 0; i < 4; ++i) sim.submit(Want{});
  EXPECT_EQ(started_at(0), 4u) << "what the first cannot take now";
  sim.run_all();
}

TEST_F(EngineDeployments, OfManyTwoAreDrawnAndAllShareTheWork) {
  sim.check_wake_ups = true;
  constexpr DeploymentIndex kMany = 40;
  sim.add_model(model_with({concurrency(20)}));
  for (DeploymentIndex i = 1; i < kMany; ++i) sim.add_deployment(0, place_with({concurrency(20)}));
  for (DeploymentIndex i = 0; i < 10 * kMany; ++i) sim.submit(Want{});
  size_t most = 0;
  for (DeploymentIndex i = 0; i < kMany; ++i) {
    EXPECT_GE(started_at(i), 5u);
    most = std::max(most, started_at(i));
  }
  EXPECT_LE(most, 14u) << "two choices keep the fullest near the mean";
  for (DeploymentIndex i = 0; i < 10 * kMany; ++i) sim.submit(Want{});
  for (DeploymentIndex i = 0; i < kMany; ++i) EXPECT_EQ(started_at(i), 20u) << "none is left idle";
  sim.run_all();
}

TEST_F(EngineDeployments, OfEqualsTheOneThatAnswersFirst) {
  places({{}, {}});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    const bool slow = call.job.attempts.back().deployment == 0;
    answer.latency = slow ? milliseconds(900) : milliseconds(100);
    return answer;
  };
  for (int i = 0; i < 200; ++i) {
    sim.submit(Want{});
    sim.run_for(milliseconds(50));
  }
  EXPECT_GT(started_at(1), 150u);
  EXPECT_GT(started_at(0), 2u);  // but not deserted: who waits there is counted too
  sim.run_all();
}

TEST_F(EngineDeployments, ARetryAfterClosesOneAlone) {
  places({{concurrency(2)}, {concurrency(2)}});
  sim.world.answer = [this](const Call& call) {
    Answer answer;
    if (call.job.attempts.back().deployment != 0 || call.now > begin + seconds(5)) return answer;
    answer.status = Status::kRateLimited;
    answer.retry_after = seconds(30);
    return answer;
  };
  for (int i = 0; i < 100; ++i) sim.submit(Want{});
  sim.run_for(seconds(20));
  EXPECT_EQ(started_at(0), 2u);
  EXPECT_EQ(sim.model(0).counters.completed, 98u);  // the others waited for their retry
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 100u);
}

TEST_F(EngineDeployments, ABlockedFrontWaitsForTheFirstThatCanTakeIt) {
  places({{tokens(100)}, {tokens(1000)}});
  sim.check_promises = true;
  sim.submit(of_tokens(60));  // each has room for so much, the second has more of its limit left
  sim.submit(of_tokens(960));
  sim.run_for(seconds(1));
  Job& big = sim.submit(of_tokens(500));
  EXPECT_FALSE(big.running());
  EXPECT_EQ(sim.model(0).blocked_at, &sim.deployment(0, 1));
  // Small ones take what it cannot use.
  const size_t before = started_at(0) + started_at(1);
  for (int i = 0; i < 4; ++i) sim.submit(of_tokens(10));
  EXPECT_GE(started_at(0) + started_at(1), before + 4);
  sim.run_all();
  EXPECT_EQ(place_of(big), 1u);
  EXPECT_LE(big.attempts[0].started, begin + seconds(10) + milliseconds(100));
}

TEST_F(EngineDeployments, OneThatNoPlaceCanEverTakeIsOversize) {
  places({{tokens(100)}, {tokens(1000)}});
  Job& fits = sim.submit(of_tokens(900));
  Job& large = sim.submit(of_tokens(1001));
  EXPECT_EQ(large.status, Status::kOversize);
  sim.run_all();
  EXPECT_EQ(fits.state, State::kCompleted);
  EXPECT_EQ(place_of(fits), 1u);
}

TEST_F(EngineDeployments, AUsedUpQuotaSendsTheCallElsewhere) {
  places({{}, {requests(5)}});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.attempts.back().deployment == 0) answer.status = Status::kQuotaExhausted;
    return answer;
  };
  Want once;
  once.max_attempts = 1;
  for (int i = 0; i < 10; ++i) sim.submit(once);
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 10u);
}

TEST_F(EngineDeployments, WithEveryQuotaUsedUpRequestsFail) {
  places({{}, {}});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kQuotaExhausted;
    return answer;
  };
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.model(0).counters.failed, 10u);
  EXPECT_EQ(sim.submit(Want{}).status, Status::kQuotaExhausted);
  sim.run_all();
}

TEST_F(EngineDeployments, AnotherOneHelpsAtOnce) {
  places({{requests(1)}});
  for (int i = 0; i < 5; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(started_at(0), 1u);
  sim.add_deployment(0, place_with({requests(4)}));
  EXPECT_EQ(started_at(1), 4u);
  sim.run_all();
}

TEST_F(EngineDeployments, OneThatIsDrainedEndsWhatItRuns) {
  places({{concurrency(1)}, {concurrency(1)}});
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.remove(0, 0, StopMode::kDrain);
  EXPECT_TRUE(sim.deployments_gone.empty());
  sim.run_all();
  EXPECT_EQ(sim.deployments_gone, std::vector<DeploymentIndex>{0});
  EXPECT_EQ(started_at(0), 1u);
  EXPECT_EQ(started_at(1), 9u);
  EXPECT_EQ(sim.model(0).counters.completed, 10u);
  EXPECT_EQ(sim.model(0).counters.retries, 0u);
}

// While the first in line waits for the places that stay, somebody else may come.
TEST_F(EngineDeployments, NobodyWaitsAtOneThatHasGone) {
  places({{concurrency(1)}, {concurrency(1)}});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = seconds(call.job.attempts.back().deployment == 0 ? 1 : 5);
    return answer;
  };
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.remove(0, 0, StopMode::kDrain);
  sim.run_for(milliseconds(1'100));
  ASSERT_EQ(sim.deployments_gone.size(), 1u);
  sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 11u);
}

TEST_F(EngineDeployments, WhatRunsAtOneThatIsTakenAwayIsTriedElsewhere) {
  places({{concurrency(4)}, {concurrency(1)}});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(1);
    return answer;
  };
  Want once;
  once.max_attempts = 1;
  for (int i = 0; i < 5; ++i) sim.submit(once);
  sim.run_for(milliseconds(100));
  EXPECT_EQ(started_at(0), 4u);
  sim.remove(0, 0, StopMode::kAbort);
  EXPECT_EQ(sim.deployments_gone.size(), 1u);
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 5u);
}

// It is no failure: neither what may be tried again nor how often and when bounds it.
TEST_F(EngineDeployments, WhatIsTakenAwayIsTriedAtOnceWhateverMayBeTriedAgain) {
  sim.check_wake_ups = true;
  ModelSpec spec = model_with({concurrency(8)});
  spec.retry.on = 0;
  spec.retry.base = spec.retry.cap = seconds(30);
  spec.retry.budget.at_a_time = 1;
  sim.add_model(spec);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(1);
    return answer;
  };
  for (int i = 0; i < 8; ++i) sim.submit(Want{});
  sim.run_for(milliseconds(100));
  EXPECT_EQ(started_at(0), 8u);
  sim.add_deployment(0, place_with({concurrency(8)}));
  sim.remove(0, 0, StopMode::kCancel);
  sim.run_for(milliseconds(10));
  EXPECT_EQ(started_at(1), 8u);
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 8u);
}

TEST_F(EngineDeployments, WithoutAnyRequestsWait) {
  places({{}});
  sim.remove(0, 0, StopMode::kDrain);
  Job& waits = sim.submit(Want{});
  Want late;
  late.deadline = sim.now() + seconds(1);
  Job& expires = sim.submit(late);
  sim.run_for(seconds(2));
  EXPECT_EQ(waits.state, State::kPending);
  EXPECT_EQ(sim.model(0).block, Block::kNotReady);
  EXPECT_EQ(expires.state, State::kExpired);
  sim.add_deployment(0, place_with({}));
  sim.run_all();
  EXPECT_EQ(waits.state, State::kCompleted);
}

TEST_F(EngineDeployments, UsageThatComesLateCountsNowhereIfItsPlaceIsGone) {
  places({{tokens(100)}, {tokens(100)}});
  Want want = of_tokens(10);
  want.late_usage = true;
  Job& job = sim.submit(want);
  sim.run_for(seconds(1));
  sim.remove(0, place_of(job), StopMode::kDrain);
  Usage usage;
  usage.input_tokens = 50;
  EXPECT_EQ(sim.usage_known(job, usage), Status::kStale);
  sim.run_all();
}

TEST_F(EngineDeployments, APoolJoinsThoseOfOneAccount) {
  const PoolIndex account = sim.add_pool({requests(10)});
  ModelSpec spec = model_with({});
  spec.pools = {account};
  sim.check_wake_ups = true;
  sim.add_model(spec);
  DeploymentSpec same = place_with({requests(3)});
  same.pools = {account};
  sim.add_deployment(0, same);
  sim.add_deployment(0, place_with({requests(2)}));
  for (int i = 0; i < 30; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(started_at(0) + started_at(1), 10u);
  EXPECT_EQ(started_at(2), 2u);
  sim.run_all();
}

// Whatever happens: no limit of any place is exceeded, everybody gets one outcome, nobody who could
// start is forgotten.
class EngineDeploymentProperties : public testing::TestWithParam<uint64_t> {};

TEST_P(EngineDeploymentProperties, EachPlaceKeepsItsLimits) {
  for (uint64_t seed = GetParam() * 25; seed < GetParam() * 25 + 25; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    EngineSim sim(seed);
    sim.check_wake_ups = true;
    std::vector<std::vector<LimitSpec>> limits;
    const auto some_limits = [&random, &limits] {
      std::vector<LimitSpec> some;
      some.push_back(requests(random.between(2, 20)));
      if (random.between(0, 1) == 0) some.push_back(tokens(random.between(50, 400)));
      if (random.between(0, 1) == 0) some.push_back(concurrency(random.between(1, 6)));
      limits.push_back(some);
      return some;
    };
    sim.add_model(model_with(some_limits()));
    const int64_t more = random.between(1, 4);
    for (int64_t i = 0; i < more; ++i) sim.add_deployment(0, place_with(some_limits()));
    sim.world.answer = [&random](const Call&) {
      Answer answer;
      answer.latency = milliseconds(random.between(1, 3000));
      const int64_t what = random.between(0, 99);
      if (what < 5) {
        answer.status = Status::kServer;
      } else if (what < 10) {
        answer.status = Status::kRateLimited;
        answer.retry_after = milliseconds(random.between(0, 8000));
      } else if (what < 13) {
        answer.status = Status::kOverloaded;
      } else if (what < 14) {
        answer.status = Status::kQuotaExhausted;
        answer.retry_after = seconds(random.between(1, 20));
      }
      return answer;
    };
    for (int i = 0; i < 150; ++i) {
      sim.after(milliseconds(random.between(0, 60'000)), [&sim, &random] {
        Want want = of_tokens(static_cast<uint32_t>(random.between(1, 60)));
        want.priority = static_cast<uint8_t>(random.between(0, 4));
        if (random.between(0, 9) == 0) want.deadline = sim.now() + seconds(random.between(1, 30));
        Job& job = sim.submit(want);
        if (random.between(0, 9) == 0) {
          sim.after(milliseconds(random.between(0, 9000)), [&sim, &job] { sim.cancel(job); });
        }
      });
    }
    if (random.between(0, 1) == 0) {
      sim.after(seconds(20), [&sim, &random] {
        const auto gone = static_cast<DeploymentIndex>(random.between(0, 1));
        sim.remove(0, gone, random.between(0, 1) == 0 ? StopMode::kDrain : StopMode::kAbort);
      });
    }
    sim.run_all();
    for (const Job& job : sim.jobs) EXPECT_EQ(job.outcomes, 1) << "I9: request " << job.id;
    for (DeploymentIndex place = 0; place < limits.size(); ++place) {
      const LimitSpec& limit = limits[place][0];
      EXPECT_LE(sim::most_in_any_window(sim.sent_calls(0, place), limit.period), limit.amount)
          << "I1: deployment " << place;
      const auto& deployment = sim.model(0).deployments[place];
      if (deployment == nullptr) continue;
      EXPECT_EQ(deployment->processing, 0u) << "I3";
      for (Limit* one : deployment->limiter.limits()) EXPECT_EQ(one->held(), 0) << "I3";
    }
    if (testing::Test::HasFailure()) return;  // one seed tells enough
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineDeploymentProperties, testing::Range<uint64_t>(0, 8));

}  // namespace
}  // namespace llmq::core
