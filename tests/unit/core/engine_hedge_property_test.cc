// Second calls in random worlds: whatever fails, is cancelled, goes or is shut down, each request
// ends once, nothing is held in the end, the budget is kept, and no deployment is called twice at a
// time for one request (the simulator looks at each start).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;
using sim::Job;
using sim::per_period;
using sim::Want;

class World {
 public:
  explicit World(uint64_t seed) : sim(seed), random_(seed * 7919 + 5) {
    ModelSpec spec;
    spec.hedge.enabled = true;
    spec.hedge.after = milliseconds(random_.between(0, 3) * 100);
    spec.hedge.percent = percent = random_.between(0, 2) == 0 ? 2 : random_.between(3, 100);
    spec.retry.base = milliseconds(50);
    spec.sends_at_start = random_.between(0, 1) == 0;
    spec.fails_in_outage = random_.between(0, 3) == 0;
    some_limits(spec);
    sim.add_model(spec);
    for (int64_t i = random_.between(1, 3); i > 0; --i) {
      DeploymentSpec other = spec;
      some_limits(other);
      sim.add_deployment(0, other);
      ++places_;
    }
    sim.check_wake_ups = true;
    describe();
    // A quiet beginning, from which it learns what is slow.
    for (int64_t i = random_.between(0, 400); i > 0; --i)
      sim.after(until(30'000), [this] { submit(); });
    for (int i = 0; i < 200; ++i) sim.after(until(60'000), [this] { submit(); });
    for (int64_t i = random_.between(0, 60); i > 0; --i)
      sim.after(until(60'000), [this] { cancel(); });
    if (random_.between(0, 2) == 0) {
      const auto mode = static_cast<StopMode>(random_.between(0, 2));
      const auto place = static_cast<DeploymentIndex>(random_.between(0, places_ - 1));
      sim.after(until(60'000), [this, place, mode] { sim.remove(0, place, mode); });
    }
    if (random_.between(0, 3) == 0) {
      const auto mode = static_cast<StopMode>(random_.between(0, 2));
      sim.after(until(60'000), [this, mode] {
        sim.shut_down(mode, sim.now() + milliseconds(random_.between(0, 20'000)));
      });
    }
  }

  EngineSim sim;
  int64_t percent = 0;

 private:
  DurationNs until(int64_t ms) { return milliseconds(random_.between(0, ms)); }

  void some_limits(DeploymentSpec& spec) {
    spec.limits.clear();
    if (random_.between(0, 1) == 0) {
      spec.limits.push_back(
          per_period(LimitKind::kRequests, random_.between(20, 200), seconds(10)));
    }
    if (random_.between(0, 1) == 0) {
      spec.limits.push_back(
          per_period(LimitKind::kTokens, random_.between(5'000, 50'000), seconds(10)));
    }
    if (random_.between(0, 1) == 0) spec.limits.push_back(sim::concurrency(random_.between(2, 20)));
    if (random_.between(0, 4) == 0) {
      spec.limits.push_back(per_period(LimitKind::kRequests, random_.between(20, 90), seconds(5)));
      spec.limits.back().per_tenant = true;
    }
  }

  void describe() {
    const int64_t failures = random_.between(0, 2) * random_.between(0, 30);  // per cent
    const int64_t slow = random_.between(5, 40);                              // per cent
    sim.world.connect = [this](const Call&) { return milliseconds(random_.between(0, 30)); };
    sim.world.connect_fails = [this](const Call&) { return random_.between(0, 99) == 0; };
    sim.world.answer = [this, failures, slow](const Call&) {
      Answer answer;
      const bool is_slow = random_.between(1, 100) <= slow;
      answer.latency =
          milliseconds(is_slow ? random_.between(500, 5'000) : random_.between(20, 120));
      answer.hangs = random_.between(0, 99) == 0;
      if (random_.between(0, 1) == 0) answer.usage = Usage{9, 9, 0, 0};
      if (random_.between(0, 2) == 0) answer.output = {{{answer.latency.ns / 2}, 1}};
      if (random_.between(1, 100) > failures) return answer;
      constexpr Status kFailures[] = {Status::kServer,     Status::kBadRequest,
                                      Status::kOverloaded, Status::kRateLimited,
                                      Status::kAuth,       Status::kQuotaExhausted};
      answer.status = kFailures[random_.between(0, 5)];
      answer.usage.reset();
      if (random_.between(0, 3) == 0) answer.retry_after = milliseconds(random_.between(1, 2'000));
      return answer;
    };
  }

  void submit() {
    Want want;
    want.tenant = static_cast<TenantIndex>(random_.between(0, 2));
    want.priority = static_cast<uint8_t>(random_.between(0, 4));
    want.input_tokens = static_cast<uint32_t>(random_.between(1, 100));
    want.output_tokens = static_cast<uint32_t>(random_.between(1, 100));
    want.streams = random_.between(0, 1) == 0;
    want.restarts = random_.between(0, 1) == 0;
    want.late_usage = random_.between(0, 3) == 0;
    want.max_attempts = static_cast<uint8_t>(random_.between(1, 4));
    want.timeout_ms = static_cast<uint32_t>(random_.between(500, 20'000));  // some hang
    if (random_.between(0, 3) == 0)
      want.deadline = sim.now() + milliseconds(random_.between(1, 10'000));
    if (random_.between(0, 4) > 0) {
      sim.submit(want);
      return;
    }
    const Job& job = sim.join(want, last_);
    if (job.flight != nullptr && job.tenant == want.tenant) last_ = nullptr;
  }

  void cancel() {
    if (sim.jobs.empty()) return;
    const int64_t last = static_cast<int64_t>(sim.jobs.size()) - 1;
    Job& job = sim.jobs[static_cast<size_t>(random_.between(0, last))];
    const bool is_call = job.record != nullptr && job.record->role == Role::kFlight;
    if (!is_call) sim.cancel(job);
  }

  Random random_;
  int64_t places_ = 1;
  const Job* last_ = nullptr;
};

class EngineHedges : public testing::TestWithParam<uint64_t> {};

TEST_P(EngineHedges, I3_I9_EachRequestEndsOnceAndNothingIsHeld) {
  constexpr uint64_t kSeedsEach = 60;
  uint64_t hedges = 0;
  uint64_t won = 0;
  for (uint64_t i = 0; i < kSeedsEach; ++i) {
    const uint64_t seed = GetParam() * kSeedsEach + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    EngineSim& sim = world.sim;
    sim.run_all();
    int64_t all = 0;
    int64_t second = 0;
    for (const Job& job : sim.jobs) {
      ASSERT_EQ(job.outcomes, 1) << "I9: request " << job.id;
      EXPECT_EQ(job.runs(), 0);
      for (const sim::Attempt& attempt : job.attempts) {
        (attempt.is_hedge ? second : all) += job.input_tokens + job.output_tokens;
      }
    }
    EXPECT_LE(second * 100, all * world.percent) << "the budget";
    Model& model = sim.model(0);
    EXPECT_EQ(sim.engine.live(), 0u);
    EXPECT_EQ(model.counters.pending + model.counters.processing, 0u);
    EXPECT_EQ(model.records, 0u);
    EXPECT_TRUE(model.running.empty());
    for (const auto& deployment : model.deployments) {
      if (deployment == nullptr) continue;
      EXPECT_EQ(deployment->processing, 0u);
      EXPECT_EQ(deployment->in_flight.input_tokens + deployment->in_flight.output_tokens, 0);
      for (Limit* limit : deployment->limiter.limits()) EXPECT_EQ(limit->held(), 0) << "I3";
    }
    hedges += model.counters.hedges;
    won += model.counters.hedges_won;
    if (testing::Test::HasFailure()) return;  // one seed tells enough
  }
  EXPECT_GT(hedges, 500u) << "else this shows nothing";
  EXPECT_GT(won, 100u);
  EXPECT_LT(won, hedges);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineHedges, testing::Range<uint64_t>(0, 6));

}  // namespace
}  // namespace llmq::core
