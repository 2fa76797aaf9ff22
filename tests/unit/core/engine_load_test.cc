// Overload: how many attempts run, against a provider that takes so many calls at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
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

Answer failing(Status status, DurationNs retry_after = {}) {
  Answer answer;
  answer.status = status;
  answer.retry_after = retry_after;
  return answer;
}

// Takes `capacity` calls at a time and refuses what comes beyond. It counts by itself how full it
// is: what the tests hold llmq against.
struct Server {
  int64_t capacity = 0;
  DurationNs least = seconds(1);
  DurationNs most = seconds(3);
  DurationNs refusal = milliseconds(50);
  DurationNs retry_after{};
  Random random{7};
  std::multiset<int64_t> ends;
  uint64_t accepted = 0;
  uint64_t refused = 0;
  int64_t worked = 0;  // ns of calls

  Answer operator()(const Call& call) {
    ends.erase(ends.begin(), ends.upper_bound(call.now.ns));
    if (static_cast<int64_t>(ends.size()) >= capacity) {
      ++refused;
      Answer answer = failing(Status::kOverloaded, retry_after);
      answer.latency = refusal;
      return answer;
    }
    ++accepted;
    Answer answer;
    answer.latency = {random.between(least.ns, most.ns)};
    worked += answer.latency.ns;
    ends.insert((call.now + answer.latency).ns);
    return answer;
  }
  void forget() { accepted = refused = static_cast<uint64_t>(worked = 0); }
  double share_refused() const {
    return static_cast<double>(refused) / static_cast<double>(accepted + refused);
  }
  double use(DurationNs time) const {
    return static_cast<double>(worked) /
           (static_cast<double>(capacity) * static_cast<double>(time.ns));
  }
};

// A model that never runs out of work.
struct Backlog {
  EngineSim sim;
  Server server;
  uint32_t timeout_ms = 0;

  explicit Backlog(int64_t capacity, const ModelSpec& spec = ModelSpec{}, uint32_t timeout = 0)
      : timeout_ms(timeout) {
    server.capacity = capacity;
    sim.add_model(spec);
    sim.world.answer = [this](const Call& call) { return server(call); };
    refill();
  }
  void refill() {
    Want want;
    want.max_attempts = 60;
    want.timeout_ms = timeout_ms;
    while (sim.engine.live() < 600) sim.submit(want);
    sim.after(milliseconds(100), [this] { refill(); });
  }
  void run_for(DurationNs time) {
    server.forget();
    sim.run_for(time);
  }
  int64_t bound() { return sim.model(0).first().load.bound(); }
};

// Beside those that run on, one goes first.
TEST(EngineLoad, APauseDoesNotWaitForWhatStillRuns) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(200)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = seconds(60);
    if (call.job.id != 51 || call.attempt > 1) return answer;
    answer = failing(Status::kOverloaded, seconds(1));
    answer.latency = seconds(10);
    return answer;
  };
  for (int i = 0; i < 51; ++i) sim.submit(Want{});
  sim.run_for(milliseconds(10'100));
  const Job& next = sim.submit(Want{});
  sim.run_for(seconds(3));
  ASSERT_FALSE(next.attempts.empty() && sim.jobs[50].attempts.size() == 1);
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 52u);
}

TEST(EngineLoad, NothingIsBoundedWhileNothingIsWrong) {
  Backlog run(100'000);
  run.run_for(seconds(60));
  EXPECT_EQ(run.server.refused, 0u);
  EXPECT_EQ(run.bound(), AdaptiveConcurrency::kUnbounded);
  EXPECT_EQ(run.sim.most_running(0), 256);
}

TEST(EngineLoad, AsManyRunAsTheProviderTakes) {
  for (const int64_t capacity : {1, 2, 5, 8, 20, 50, 120, 200}) {
    Backlog run(capacity);
    run.run_for(seconds(10));
    EXPECT_LE(run.server.refused, 300u) << "while it finds out";
    run.run_for(seconds(300));
    EXPECT_LE(run.server.share_refused(), 0.005 + 1.0 / static_cast<double>(8 * capacity));
    EXPECT_GE(run.server.use(seconds(300)), 0.93) << capacity;
    EXPECT_GE(run.bound(), capacity - 1 - capacity / 10);
    EXPECT_LE(run.bound(), capacity + 1);
  }
}

TEST(EngineLoad, AnswersOfAMillisecondMakeNoDifference) {
  Backlog run(8);
  run.server.least = milliseconds(1);
  run.server.most = milliseconds(10);
  run.server.refusal = milliseconds(1);
  run.run_for(seconds(10));
  run.run_for(seconds(30));
  EXPECT_LE(run.server.share_refused(), 0.03);
  EXPECT_GE(run.bound(), 7);
  EXPECT_LE(run.bound(), 9);
}

TEST(EngineLoad, FollowsAProviderThatTakesMore) {
  Backlog run(8);
  run.run_for(seconds(60));
  EXPECT_LE(run.bound(), 9);
  run.server.capacity = 120;
  run.run_for(seconds(120));
  run.run_for(seconds(60));
  EXPECT_GE(run.server.use(seconds(60)), 0.9);
  EXPECT_LE(run.server.share_refused(), 0.02);
}

TEST(EngineLoad, FollowsAProviderThatTakesLess) {
  Backlog run(120);
  run.run_for(seconds(60));
  run.server.capacity = 10;
  run.run_for(seconds(20));
  run.run_for(seconds(60));
  EXPECT_LE(run.bound(), 11);
  EXPECT_LE(run.server.share_refused(), 0.02);
  EXPECT_GE(run.server.use(seconds(60)), 0.93);
}

TEST(EngineLoad, StrayRefusalsCostLittle) {
  const auto running_at = [](int64_t per_10000) {
    Backlog run(100'000);
    Random random(3);
    run.sim.world.answer = [&, per_10000](const Call& call) {
      return random.between(1, 10'000) <= per_10000 ? failing(Status::kOverloaded)
                                                    : run.server(call);
    };
    run.run_for(seconds(600));
    return static_cast<double>(run.server.worked) / static_cast<double>(seconds(600).ns);
  };
  EXPECT_GE(running_at(1), 240) << "calls at a time, of 256";
  EXPECT_GE(running_at(10), 180);
  EXPECT_GE(running_at(100), 40);
}

TEST(EngineLoad, AnOutageIsFollowedByASlowStart) {
  Backlog run(100'000);
  run.run_for(seconds(10));
  run.server.capacity = 0;
  run.run_for(seconds(30));
  EXPECT_EQ(run.bound(), 1);
  EXPECT_LE(run.server.refused, 1'500u) << "256 at first, then one after another";
  run.server.capacity = 100'000;
  run.sim.forget_most_running(0);
  run.run_for(seconds(30));
  EXPECT_GE(run.sim.most_running(0), 200);
}

TEST(EngineLoad, RetryAfterOfAnOverloadClosesTheModelThenOneGoesFirst) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  bool overloaded = true;
  sim.world.answer = [&overloaded](const Call&) {
    if (overloaded) return failing(Status::kOverloaded, seconds(7));
    Answer answer;
    answer.latency = seconds(1);
    return answer;
  };
  sim.submit(Want{});
  sim.run_for(milliseconds(20));
  const TimeNs refused = sim.now() - milliseconds(10);
  overloaded = false;
  for (int i = 0; i < 40; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.model(0).block, Block::kGate);
  sim.run_until(refused + seconds(7) - milliseconds(1));
  EXPECT_EQ(sim.running(0), 0);
  for (const int running : {1, 2, 4, 8}) {
    sim.run_for(milliseconds(1'000));
    EXPECT_EQ(sim.running(0), running);
  }
  sim.run_all();
  EXPECT_EQ(sim.model(0).first().load.bound(), 1 + 41) << "one more for each that went well";
}

TEST(EngineLoad, OverloadIsNotQuota) {
  EngineSim sim;
  LimitSpec rate = per_period(LimitKind::kRequests, 100, seconds(60));
  rate.shape = Shape::kAuto;
  sim.add_model(model_with({rate}));
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kOverloaded) : Answer{};
  };
  for (int i = 0; i < 40; ++i) sim.submit(Want{});
  sim.run_for(seconds(30));
  EXPECT_GT(sim.model(0).first().load.overloads(), 0u);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->effective_amount(sim.now()), 100);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->closed_until().ns, 0);
}

TEST(EngineLoad, AConfiguredLimitIsTheMost) {
  Backlog run(100, model_with({concurrency(40)}));
  run.run_for(seconds(30));
  EXPECT_EQ(run.sim.most_running(0), 40);
  run.server.capacity = 10;
  run.run_for(seconds(60));
  EXPECT_LE(run.bound(), 11);
  run.server.capacity = 100;
  run.sim.forget_most_running(0);
  run.run_for(seconds(120));
  EXPECT_EQ(run.sim.most_running(0), 40);
  EXPECT_EQ(run.bound(), AdaptiveConcurrency::kUnbounded);
}

TEST(EngineLoad, OfTheModelsOfAPoolOnlyTheOverloadedOneIsBound) {
  EngineSim sim;
  const PoolIndex pool = sim.add_pool({concurrency(30)});
  ModelSpec spec;
  spec.pools = {pool};
  sim.add_model(spec);
  sim.add_model(spec);
  Server servers[2];
  servers[0].capacity = 4;
  servers[1].capacity = 1'000;
  sim.world.answer = [&servers](const Call& call) { return servers[call.job.model](call); };
  Want want;
  want.max_attempts = 60;
  for (int i = 0; i < 2'000; ++i) {
    want.model = static_cast<ModelIndex>(i % 2);
    sim.submit(want);
  }
  sim.run_for(seconds(30));
  EXPECT_LE(sim.model(0).first().load.bound(), 5);
  EXPECT_FALSE(sim.model(1).first().load.bounds());
  EXPECT_GE(sim.running(1), 20) << "it has what the other one leaves";
}

TEST(EngineLoad, TimeOutsAreOverload) {
  Backlog run(8, ModelSpec{}, 5'000);
  run.sim.world.answer = [&run](const Call& call) {
    Answer answer = run.server(call);
    answer.hangs = answer.status != Status::kOk;
    return answer;
  };
  run.run_for(seconds(120));
  run.run_for(seconds(120));
  EXPECT_GE(run.bound(), 7);
  EXPECT_LE(run.bound(), 12);
  EXPECT_GE(run.server.use(seconds(120)), 0.9);
}

TEST(EngineLoad, ARefusalThatNamesConcurrencyTellsTheBound) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1'000, seconds(60))}));
  Server server;
  server.capacity = 3;
  sim.world.answer = [&server](const Call& call) {
    Answer answer = server(call);
    if (answer.status == Status::kOk) return answer;
    answer.status = Status::kRateLimited;
    answer.observed.emplace().refused = true;
    answer.observed->refusal.kind_told = true;
    answer.observed->refusal.kind = LimitKind::kConcurrency;
    answer.observed->refusal.limit = 3;
    return answer;
  };
  for (int i = 0; i < 20; ++i) sim.submit(Want{});
  sim.run_for(milliseconds(50));
  EXPECT_EQ(sim.model(0).first().load.bound(), 3) << "of the first refusal";
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->effective_amount(sim.now()), 1'000);
  sim.run_all();
}

TEST(EngineLoad, ARefusalForARateIsNotOverload) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1'000, seconds(60))}));
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kRateLimited) : Answer{};
  };
  for (int i = 0; i < 20; ++i) sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(sim.model(0).first().load.overloads(), 0u);
}

TEST(EngineLoad, WhereNoRateIsKnownABareRefusalIsOverload) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kRateLimited) : Answer{};
  };
  for (int i = 0; i < 20; ++i) sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(sim.model(0).first().load.overloads(), 20u);
}

TEST(EngineLoad, CanBeSwitchedOff) {
  ModelSpec spec;
  spec.adaptive_concurrency = false;
  Backlog run(8, spec);
  run.run_for(seconds(5));
  EXPECT_EQ(run.bound(), AdaptiveConcurrency::kUnbounded);
  EXPECT_EQ(run.sim.most_running(0), 256);
  spec.adaptive_concurrency = true;
  run.sim.step(ModelChanged{0, &spec});
  run.run_for(seconds(5));
  EXPECT_LE(run.bound(), 9);
  spec.adaptive_concurrency = false;
  run.sim.forget_most_running(0);
  run.sim.step(ModelChanged{0, &spec});
  EXPECT_EQ(run.bound(), AdaptiveConcurrency::kUnbounded);
  EXPECT_GE(run.sim.most_running(0), 200);
}

}  // namespace
}  // namespace llmq::core
