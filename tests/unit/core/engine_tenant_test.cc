// Tenants: fair parts, weights, caps, limits of their own, counters.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
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

Want of_tenant(TenantIndex tenant, uint32_t tokens = 0) {
  Want want;
  want.tenant = tenant;
  want.input_tokens = tokens;
  return want;
}

LimitSpec per_tenant(LimitSpec spec) {
  spec.per_tenant = true;
  return spec;
}

std::array<int64_t, 4> tokens_started(const EngineSim& sim) {
  std::array<int64_t, 4> sums{};
  for (const Job& job : sim.jobs) {
    if (!job.attempts.empty()) sums[job.tenant] += job.input_tokens;
  }
  return sums;
}

TEST(EngineTenants, ShareALimitByWeightWhateverTheSizesAre) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 10'000, seconds(10))}));
  sim.check_wake_ups = sim.check_promises = true;
  sim.add_tenant(1, TenantSpec{kWeightOne, 0, 0});
  sim.add_tenant(2, TenantSpec{3 * kWeightOne, 0, 0});
  Random random(1);
  for (int i = 0; i < 4000; ++i) sim.submit(of_tenant(1, 50));
  for (int i = 0; i < 1500; ++i) {
    sim.submit(of_tenant(2, static_cast<uint32_t>(random.between(100, 300))));
  }
  sim.run_for(seconds(200));
  auto sums = tokens_started(sim);
  sums[1] -= 10'000;  // which it got while it was alone
  EXPECT_NEAR(static_cast<double>(sums[2]) / static_cast<double>(sums[1]), 3.0, 0.15);
  EXPECT_GE(sums[1] + sums[2], 189'000) << "and nothing is wasted";
}

TEST(EngineTenants, OneThatSubmitsMoreGetsNoMore) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(4)}));
  for (int i = 0; i < 10'000; ++i) sim.submit(of_tenant(1));
  for (int i = 0; i < 20; ++i) sim.submit(of_tenant(2));
  sim.run_for(milliseconds(120));
  int64_t second = 0;
  for (const Job& job : sim.jobs) second += job.tenant == 2 && job.outcomes == 1 ? 1 : 0;
  EXPECT_EQ(second, 20) << "half of what was started since they came";
}

TEST(EngineTenants, ALoneOneGetsTheWholeLimit) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 100, seconds(1))}));
  sim.add_tenant(1, TenantSpec{1, 0, 0});
  sim.submit(of_tenant(2));
  for (int i = 0; i < 1100; ++i) sim.submit(of_tenant(1));
  sim.run_for(seconds(10));
  EXPECT_GE(sim.model(0).counters.completed, 1000u) << "100 at once and 100 a second";
}

TEST(EngineTenants, ActualUsageCountsNotTheEstimate) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 10'000, seconds(10)), concurrency(5)}));
  std::array<int64_t, 3> used{};
  sim.world.answer = [&used](const Call& call) {
    Answer answer;
    const int64_t percent = call.job.tenant == 1 ? 20 : 100;
    answer.usage = Usage{call.job.input_tokens * percent / 100, 0, 0, 0};
    used[call.job.tenant] += answer.usage->input_tokens;
    return answer;
  };
  for (core::TenantIndex i = 0; i < 8000; ++i) sim.submit(of_tenant(1 + i % 2, 200));
  sim.run_for(seconds(150));
  EXPECT_NEAR(static_cast<double>(used[1]) / static_cast<double>(used[2]), 1.0, 0.05);
}

TEST(EngineTenants, MayNotWaitBeyondTheirCaps) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.add_model(model_with({concurrency(1)}));
  sim.add_tenant(1, TenantSpec{kWeightOne, 3, 0});
  sim.add_tenant(2, TenantSpec{kWeightOne, 0, 1000});
  for (int i = 0; i < 3; ++i) {
    Want want = of_tenant(1);
    want.model = static_cast<ModelIndex>(i % 2);
    EXPECT_EQ(sim.submit(want).outcomes, 0);
  }
  const Job& refused = sim.submit(of_tenant(1));
  EXPECT_EQ(refused.state, State::kFailed);
  EXPECT_EQ(refused.status, Status::kQueueFull);
  Want big = of_tenant(2);
  big.bytes = 600;
  EXPECT_EQ(sim.submit(big).outcomes, 0);
  EXPECT_EQ(sim.submit(big).status, Status::kQueueFull);
  big.bytes = 400;
  EXPECT_EQ(sim.submit(big).outcomes, 0) << "just as much as it may";
  EXPECT_EQ(sim.submit(of_tenant(3)).outcomes, 0) << "others have no cap";
  sim.run_all();
  EXPECT_EQ(sim.submit(of_tenant(1)).outcomes, 0) << "there is room again";
  big.bytes = 1000;
  EXPECT_EQ(sim.submit(big).outcomes, 0);
  sim.run_all();
}

TEST(EngineTenants, OwnLimitsHoldEachAndNobodyElse) {
  EngineSim sim;
  sim.add_model(
      model_with({per_tenant(per_period(LimitKind::kRequests, 2, seconds(10))), concurrency(100)}));
  sim.check_wake_ups = true;
  for (int i = 0; i < 6; ++i) sim.submit(of_tenant(1));
  for (int i = 0; i < 2; ++i) sim.submit(of_tenant(2));
  sim.run_for(seconds(1));
  EXPECT_EQ(tokens_started(sim)[0], 0);
  int started[3] = {};
  for (const Job& job : sim.jobs) started[job.tenant] += job.attempts.empty() ? 0 : 1;
  EXPECT_EQ(started[1], 2);
  EXPECT_EQ(started[2], 2) << "it stood behind the first, who is held by its own limit";
  const uint64_t ticks = sim.ticks;
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 8u);
  EXPECT_LE(sim.ticks - ticks, 4u) << "one wake-up per window";
}

TEST(EngineTenants, OwnConcurrencyFreesWithTheEnd) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(concurrency(1))}));
  sim.check_wake_ups = true;
  for (int i = 0; i < 10; ++i) sim.submit(of_tenant(static_cast<TenantIndex>(i % 2)));
  EXPECT_EQ(sim.running(0), 2);
  sim.run_all();
  EXPECT_EQ(sim.most_running(0), 2);
  EXPECT_EQ(sim.model(0).counters.completed, 10u);
}

TEST(EngineTenants, AParkedOneHoldsNothingOfTheModel) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 3, seconds(10)),
                            per_tenant(per_period(LimitKind::kTokens, 100, seconds(10)))}));
  sim.submit(of_tenant(1, 100));
  sim.submit(of_tenant(1, 100));
  EXPECT_TRUE(sim.submit(of_tenant(2, 100)).running());
  EXPECT_TRUE(sim.submit(of_tenant(3, 100)).running()) << "the parked one reserves no request";
  EXPECT_EQ(sim.model(0).block, Block::kNone);
  sim.run_all();
}

TEST(EngineTenants, OwnLimitRefusesWhatIsTooLarge) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(per_period(LimitKind::kTokens, 100, seconds(10)))}));
  EXPECT_EQ(sim.submit(of_tenant(1, 101)).status, Status::kOversize);
}

// It would wait for its own limits, and then go alone.
TEST(EngineTenants, OwnLimitThatIsLoweredEndsWhatBecameTooLarge) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(per_period(LimitKind::kTokens, 100, seconds(10)))}));
  sim.submit(of_tenant(1, 60));
  const Job& large = sim.submit(of_tenant(1, 90));
  const Job& small = sim.submit(of_tenant(1, 30));
  const ModelSpec lower = model_with({per_tenant(per_period(LimitKind::kTokens, 80, seconds(10)))});
  sim.step(ModelChanged{0, &lower});
  EXPECT_EQ(large.status, Status::kOversize);
  EXPECT_EQ(large.outcomes, 1);
  sim.run_all();
  EXPECT_EQ(small.state, State::kCompleted);
}

TEST(EngineTenants, CancelOfTheOneThatDidNotFitLetsTheNextGo) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(per_period(LimitKind::kTokens, 100, seconds(10)))}));
  sim.submit(of_tenant(1, 60));
  Job& big = sim.submit(of_tenant(1, 100));
  Job& small = sim.submit(of_tenant(1, 40));
  EXPECT_FALSE(small.running()) << "first come, first served within a tenant";
  sim.cancel(big);
  EXPECT_TRUE(small.running());
  sim.run_all();
}

TEST(EngineTenants, UrgentWorkOfAParkedOneIsTried) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(per_period(LimitKind::kTokens, 100, seconds(10)))}));
  sim.submit(of_tenant(1, 60));
  sim.submit(of_tenant(1, 100));
  Want urgent = of_tenant(1, 40);
  urgent.priority = 1;
  EXPECT_TRUE(sim.submit(urgent).running());
  sim.run_all();
}

TEST(EngineTenants, LateUsageCorrectsOwnLimits) {
  EngineSim sim;
  sim.add_model(model_with({per_tenant(per_period(LimitKind::kTokens, 100, seconds(60)))}));
  Want want = of_tenant(1, 100);
  want.late_usage = true;
  Job& first = sim.submit(want);
  Job& second = sim.submit(of_tenant(1, 50));
  sim.run_for(seconds(1));
  EXPECT_TRUE(second.attempts.empty());
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kOk);
  EXPECT_TRUE(second.running());
  sim.run_all();
}

TEST(EngineTenants, I1_OwnLimitsOfManyComeAndGo) {
  EngineSim sim;
  const DurationNs period = seconds(2);
  sim.add_model(
      model_with({per_tenant(per_period(LimitKind::kRequests, 2, period)), concurrency(50)}));
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    sim.submit(of_tenant(static_cast<TenantIndex>(i / 10 + random.between(0, 5))));
    sim.run_for(milliseconds(20));
  }
  EXPECT_LE(sim.model(0).accounts.with_own_limits(), 100u) << "unused ones are dropped";
  sim.run_all();
  for (TenantIndex tenant = 0; tenant < 310; ++tenant) {
    std::vector<sim::Counted> calls;
    for (const Job& job : sim.jobs) {
      if (job.tenant == tenant) calls.push_back({*job.attempts[0].sent, 1});
    }
    ASSERT_LE(sim::most_in_any_window(calls, period), 2) << "tenant " << tenant;
  }
}

TEST(EngineTenants, EachHasItsCounters) {
  EngineSim sim;
  ModelSpec spec = model_with({concurrency(10)});
  spec.prices = Prices{2'000'000, 1'000'000, 4'000'000};
  sim.add_model(spec);
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.usage = Usage{10, 5, 4, 0};
    if (call.job.id == 2) answer.status = Status::kBadRequest;
    return answer;
  };
  for (int i = 0; i < 3; ++i) sim.submit(of_tenant(7));
  sim.submit(of_tenant(8));
  sim.run_all();
  const Counters& counters = *sim.engine.usage_of(0, 7);
  EXPECT_EQ(counters.submitted, 3u);
  EXPECT_EQ(counters.completed, 2u);
  EXPECT_EQ(counters.failed, 1u);
  EXPECT_EQ(counters.attempts, 3u);
  EXPECT_EQ(counters.input_tokens, 30u);
  EXPECT_EQ(counters.output_tokens, 15u);
  EXPECT_EQ(counters.cost_micros, 3u * (6 * 2 + 4 * 1 + 5 * 4));
  EXPECT_EQ(sim.engine.usage_of(0, 8)->completed, 1u);
  EXPECT_EQ(sim.engine.usage_of(0, 9), nullptr);
  EXPECT_EQ(sim.engine.usage_of(1, 7), nullptr);
  EXPECT_EQ(sim.model(0).counters.input_tokens, 40u);
}

}  // namespace
}  // namespace llmq::core
