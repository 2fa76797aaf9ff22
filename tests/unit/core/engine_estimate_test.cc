// What a request is told about its wait, and what is refused because it cannot make its deadline.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

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

WaitEstimate estimate(EngineSim& sim, const Job& job) {
  return sim.engine.wait_estimate(sim.now(), *job.record);
}

TEST(WaitEstimates, PlaceIsTheOrderOfStarts) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    EngineSim sim(seed);
    sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(1))}));
    const int64_t tenants = seed % 2 == 0 ? 0 : random.between(1, 10);
    for (TenantIndex tenant = 1; tenant <= tenants; ++tenant) {
      sim.add_tenant(tenant, TenantSpec{kWeightOne << random.between(0, 3), 0, 0});
    }
    for (int i = 0; i < 200; ++i) {
      Want want;
      want.tenant = static_cast<TenantIndex>(random.between(0, tenants));
      sim.submit(want);
    }
    for (Job& job : sim.jobs) {
      if (random.between(0, 9) == 0) sim.cancel(job);
    }
    std::vector<std::pair<uint64_t, const Job*>> places;
    for (const Job& job : sim.jobs) {
      if (job.record == nullptr || job.running()) continue;
      places.emplace_back(estimate(sim, job).place, &job);
    }
    sim.run_all();
    std::sort(places.begin(), places.end());
    for (size_t i = 0; i < places.size(); ++i) {
      ASSERT_EQ(places[i].first, i + 1) << "seed " << seed;
      if (i == 0) continue;
      ASSERT_GT(places[i].second->attempts[0].started, places[i - 1].second->attempts[0].started)
          << "seed " << seed << " place " << i + 1;
    }
  }
}

TEST(WaitEstimates, PlaceCountsMoreUrgentOnesFirst) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  std::vector<const Job*> jobs;
  for (const int priority : {0, 4, 0, 1, 2, 1}) {
    Want want;
    want.priority = static_cast<uint8_t>(priority);
    jobs.push_back(&sim.submit(want));
  }
  std::vector<uint64_t> places;
  for (size_t i = 1; i < jobs.size(); ++i) places.push_back(estimate(sim, *jobs[i]).place);
  EXPECT_EQ(places, (std::vector<uint64_t>{5, 4, 1, 3, 2}));
  sim.run_all();
}

TEST(WaitEstimates, PlaceDeepInALongLineIsNearlyRight) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  for (int i = 0; i <= 30'000; ++i) sim.submit(Want{});
  for (const size_t place : {1u, 4000u, 15'000u, 26'500u, 30'000u}) {
    EXPECT_EQ(estimate(sim, sim.jobs[place]).place, place);
  }
  sim.shut_down(StopMode::kAbort);
}

TEST(WaitEstimates, HalfStartWithinP50AndMostWithinP90) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 10'000, seconds(10)), concurrency(50)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.usage = Usage{call.job.input_tokens / 2, 0, 0, 0};  // estimates are twice what is used
    return answer;
  };
  Random random(2);
  struct Told {
    const Job* job;
    WaitEstimate estimate;
  };
  std::vector<Told> told;
  for (int i = 0; i < 3000; ++i) {
    Want want;
    want.input_tokens = static_cast<uint32_t>(random.between(100, 300));
    Job& job = sim.submit(want);
    if (i > 1500 && job.record != nullptr && !job.running()) {
      told.push_back({&job, estimate(sim, job)});
    }
    sim.run_for(milliseconds(random.between(0, 180)));
  }
  sim.run_all();
  ASSERT_GT(told.size(), 500u);
  size_t within_p90 = 0;
  double ratios = 0;
  for (const Told& one : told) {
    const DurationNs wait = one.job->attempts[0].started - one.job->submitted;
    ratios += static_cast<double>(wait.ns) /
              static_cast<double>(std::max<int64_t>(one.estimate.p50.ns, 1'000'000));
    EXPECT_LE(one.estimate.p50, one.estimate.p90);
    if (wait <= one.estimate.p90 + milliseconds(500)) ++within_p90;
  }
  const double mean = ratios / static_cast<double>(told.size());
  EXPECT_GT(mean, 0.5);
  EXPECT_LT(mean, 2.0);
  EXPECT_GE(static_cast<double>(within_p90), 0.7 * static_cast<double>(told.size()));
}

TEST(WaitEstimates, NameWhatBlocks) {
  EngineSim sim;
  const PoolIndex pool = sim.add_pool({per_period(LimitKind::kTokens, 100, seconds(60))});
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 10, seconds(10)), concurrency(5)});
  spec.pools = {pool};
  spec.limits.push_back(per_period(LimitKind::kInputTokens, 90, seconds(600)));
  spec.limits.back().per_tenant = true;
  sim.add_model(spec);
  Want want;
  want.input_tokens = 80;
  EXPECT_EQ(estimate(sim, sim.submit(want)).place, 0u) << "it runs";
  want.tenant = 1;
  const WaitEstimate pooled = estimate(sim, sim.submit(want));
  EXPECT_EQ(pooled.reason, WaitEstimate::Reason::kPool);
  EXPECT_EQ(pooled.limit, 2);
  EXPECT_EQ(pooled.place, 1u);
  EXPECT_EQ(pooled.p50, seconds(60));
  want.tenant = 0;
  EXPECT_EQ(estimate(sim, sim.submit(want)).reason, WaitEstimate::Reason::kTenant);
  sim.shut_down(StopMode::kAbort);
}

TEST(WaitEstimates, OfAGateAndARetry) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(5)}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kRateLimited;
    answer.retry_after = seconds(30);
    return answer;
  };
  Job& first = sim.submit(Want{});
  sim.run_for(milliseconds(20));
  EXPECT_EQ(estimate(sim, first).reason, WaitEstimate::Reason::kRetry);
  EXPECT_GE(estimate(sim, first).p50, seconds(29));
  const WaitEstimate gate = estimate(sim, sim.submit(Want{}));
  EXPECT_EQ(gate.reason, WaitEstimate::Reason::kGate);
  EXPECT_NEAR(static_cast<double>(gate.p50.ns), 30e9, 0.05e9);
  sim.shut_down(StopMode::kAbort);
}

TEST(EngineEarlyRefusal, SaysHowLongItWouldHaveTaken) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 10, seconds(60))}));
  for (int i = 0; i < 25; ++i) sim.submit(Want{});
  Want want;
  want.deadline = sim.now() + seconds(119);
  const Job& late = sim.submit(want);
  EXPECT_EQ(late.state, State::kExpired);
  EXPECT_EQ(late.status, Status::kDeadline);
  EXPECT_EQ(late.estimate, seconds(120));
  want.deadline = sim.now() + seconds(121);
  const Job& in_time = sim.submit(want);
  EXPECT_EQ(in_time.outcomes, 0);
  sim.run_all();
  EXPECT_EQ(in_time.state, State::kCompleted);
}

TEST(EngineEarlyRefusal, WaitsForTheGateToo) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(5)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id == 1) {
      answer.status = Status::kRateLimited;
      answer.retry_after = seconds(30);
    }
    return answer;
  };
  sim.submit(Want{});
  sim.run_for(milliseconds(20));
  Want want;
  want.deadline = sim.now() + seconds(20);
  EXPECT_EQ(sim.submit(want).status, Status::kDeadline);
  sim.shut_down(StopMode::kAbort);
}

// The same world twice: once the deadline is told, once it is not. Who is refused at once started
// too late in the other.
TEST(EngineEarlyRefusal, NeverHitsOneThatWouldHaveMadeIt) {
  int refused = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    const auto run = [seed](EngineSim& sim, bool with_deadline) {
      Random random(seed);
      std::vector<LimitSpec> limits;
      const ChargeModel charge =
          random.between(0, 1) == 0 ? ChargeModel::kActual : ChargeModel::kArrival;
      limits.push_back(per_period(LimitKind::kTokens, random.between(200, 1000),
                                  milliseconds(random.between(1000, 30'000)), charge));
      if (random.between(0, 1) == 0) {
        limits.push_back(per_period(LimitKind::kRequests, random.between(2, 10),
                                    milliseconds(random.between(1000, 30'000))));
      }
      limits.push_back(concurrency(random.between(2, 20)));
      sim.add_model(model_with(limits));
      sim.world.answer = [](const Call& call) {
        Answer answer;
        answer.latency = milliseconds(static_cast<int64_t>(call.job.id * 7919 % 2000) + 1);
        const auto part = static_cast<int64_t>(call.job.id * 31 % 11);
        if (part > 1) answer.usage = Usage{call.job.input_tokens * part / 10, 0, 0, 0};
        return answer;
      };
      const int64_t tenants = random.between(0, 2);
      const bool alike = random.between(0, 1) == 0;
      const int64_t many = random.between(5, 60);
      for (int64_t i = 0; i < many; ++i) {
        Want want;
        want.input_tokens = static_cast<uint32_t>(alike ? 50 : random.between(1, 100));
        want.tenant = static_cast<TenantIndex>(random.between(0, tenants));
        want.priority = static_cast<uint8_t>(random.between(0, 4));
        sim.submit(want);
        sim.run_for(milliseconds(random.between(0, 300)));
      }
      Want want;
      want.input_tokens = static_cast<uint32_t>(alike ? 50 : random.between(1, 100));
      want.tenant = static_cast<TenantIndex>(random.between(0, tenants));
      want.priority = static_cast<uint8_t>(random.between(0, 4));
      const DurationNs patience = milliseconds(random.between(1, 60'000));
      if (with_deadline) want.deadline = sim.now() + patience;
      const size_t last = sim.submit(want).id - 1;
      const bool early = sim.jobs[last].outcomes == 1;
      sim.run_all();
      struct Result {
        bool refused;
        bool made_it;
      };
      const Job& job = sim.jobs[last];
      return Result{early,
                    !job.attempts.empty() && job.attempts[0].started < job.submitted + patience};
    };
    EngineSim told(seed);
    EngineSim untold(seed);
    const auto with = run(told, true);
    const auto without = run(untold, false);
    if (!with.refused) continue;
    ++refused;
    EXPECT_FALSE(without.made_it) << "seed " << seed;
  }
  EXPECT_GE(refused, 15) << "and it does refuse";
}

}  // namespace
}  // namespace llmq::core
