// A deployment that does not work, or whose key is refused: who waits, who goes elsewhere, who
// ends.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::concurrency;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::Want;

Answer failing(Status status) {
  Answer answer;
  answer.status = status;
  return answer;
}

class EngineHealth : public testing::Test {
 protected:
  EngineHealth() { sim.check_wake_ups = true; }
  // Calls to `deployment` fail with `status` until `end`.
  void outage(DeploymentIndex deployment, Status status, TimeNs end) {
    sim.world.answer = [deployment, status, end](const Call& call) {
      const bool out = call.job.attempts.back().deployment == deployment && call.now < end;
      return out ? failing(status) : Answer{};
    };
  }
  void submit(int count, Want want = {}) {
    for (int i = 0; i < count; ++i) sim.submit(want);
  }
  size_t attempts() const {
    size_t all = 0;
    for (const Job& job : sim.jobs) all += job.attempts.size();
    return all;
  }
  size_t ended_with(Status status) const {
    size_t all = 0;
    for (const Job& job : sim.jobs) all += job.outcomes == 1 && job.status == status;
    return all;
  }
  CircuitBreaker& breaker(DeploymentIndex deployment = 0) {
    return sim.deployment(0, deployment).breaker;
  }

  EngineSim sim;
  const TimeNs begin = sim.now();
};

TEST_F(EngineHealth, AnOutageHoldsTheQueueAndFailsNobody) {
  sim.add_model(model_with({concurrency(50)}));
  outage(0, Status::kServer, begin + seconds(600));
  submit(2'000);
  sim.run_for(seconds(590));
  EXPECT_EQ(ended_with(Status::kOk), 0u);
  EXPECT_LE(attempts(), 50u + 20 + 3 * 9);
  sim.run_all();
  EXPECT_EQ(ended_with(Status::kOk), 2'000u);
  EXPECT_LE(sim.now(), begin + seconds(600 + 2 * 144 + 10));
}

TEST_F(EngineHealth, WhoWatchesIsToldOfEachChange) {
  using State = CircuitBreaker::State;
  sim.keep_notices = true;
  sim.add_model(model_with({concurrency(20)}));
  outage(0, Status::kServer, begin + seconds(3));
  submit(100);
  sim.run_all();
  std::vector<std::pair<State, State>> changes;
  for (const Notice& notice : sim.notices) {
    if (notice.kind != Notice::kBreakerChanged) continue;
    changes.emplace_back(static_cast<State>(notice.before), static_cast<State>(notice.after));
    if (changes.size() > 1) continue;
    EXPECT_EQ(notice.status, Status::kServer);
    EXPECT_GE(notice.until, notice.at + seconds(4));
    EXPECT_LE(notice.until, notice.at + seconds(6));
  }
  const std::vector<std::pair<State, State>> expected = {{State::kClosed, State::kOpen},
                                                         {State::kOpen, State::kHalfOpen},
                                                         {State::kHalfOpen, State::kClosed}};
  EXPECT_EQ(changes, expected);
}

TEST_F(EngineHealth, ProbesDoNotUseUpAttempts) {
  sim.add_model(model_with({}));
  outage(0, Status::kTransport, begin + seconds(1'800));
  Want want;
  want.max_attempts = 2;
  submit(30, want);
  sim.run_all();
  EXPECT_EQ(ended_with(Status::kOk), 30u);
}

TEST_F(EngineHealth, ADeadlineBoundsTheWait) {
  sim.add_model(model_with({concurrency(20)}));
  outage(0, Status::kServer, kNever);
  Want want;
  want.deadline = begin + seconds(60);
  submit(100, want);
  sim.run_for(seconds(61));
  EXPECT_EQ(ended_with(Status::kDeadline), 100u);
}

TEST_F(EngineHealth, FailFastEndsWhatWaitsAndWhatComes) {
  ModelSpec spec = model_with({concurrency(20)});
  spec.fails_in_outage = true;
  sim.add_model(spec);
  outage(0, Status::kServer, begin + seconds(100));
  submit(100);
  sim.run_for(seconds(1));
  EXPECT_EQ(ended_with(Status::kServer), 100u);
  const Job& later = sim.submit(Want{});
  EXPECT_EQ(later.status, Status::kServer);
  EXPECT_TRUE(later.attempts.empty());
  sim.run_for(seconds(300));
  for (int i = 0; i < 3; ++i) {  // three find out
    EXPECT_EQ(sim.submit(Want{}).outcomes, 0);
    sim.run_for(seconds(1));
  }
  EXPECT_TRUE(breaker().is_closed());
}

TEST_F(EngineHealth, TheOthersTakeWhatAnOutageLeaves) {
  sim.add_model(model_with({concurrency(50)}));
  for (int i = 0; i < 2; ++i) sim.add_deployment(0, model_with({concurrency(50)}));
  outage(0, Status::kServer, begin + seconds(600));
  submit(5'000);
  sim.run_for(seconds(60));
  EXPECT_EQ(ended_with(Status::kOk), 5'000u);
  EXPECT_FALSE(breaker(0).is_closed());
  EXPECT_TRUE(breaker(1).is_closed());
}

TEST_F(EngineHealth, RefusalsByLimitsAndFaultsOfRequestsAreNeutral) {
  for (const Status status : {Status::kRateLimited, Status::kBadRequest, Status::kContextTooLong,
                              Status::kProcessing, Status::kContentFilter}) {
    EngineSim own;
    own.add_model(model_with({}));
    own.world.answer = [status](const Call&) { return failing(status); };
    Want want;
    want.max_attempts = 1;
    for (int i = 0; i < 100; ++i) own.submit(want);
    own.run_all();
    EXPECT_TRUE(own.deployment(0, 0).breaker.is_closed()) << status_name(status);
  }
}

TEST_F(EngineHealth, CancelledProbesDoNotKeepItHalfOpen) {
  sim.add_model(model_with({concurrency(20)}));
  outage(0, Status::kServer, begin + seconds(1));
  submit(100);
  sim.run_for(seconds(1));
  ASSERT_FALSE(breaker().is_closed());
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.hangs = true;
    return answer;
  };
  sim.run_for(seconds(20));  // the probes hang
  sim.world.answer = nullptr;
  std::vector<Job*> probes;
  for (Job& job : sim.jobs) {
    if (job.running()) probes.push_back(&job);
  }
  ASSERT_EQ(probes.size(), 3u);
  for (Job* job : probes) sim.cancel(*job);
  sim.run_for(seconds(1));
  EXPECT_TRUE(breaker().is_closed());
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST_F(EngineHealth, OverloadOpensItOnlyWhereNothingElseRuns) {
  sim.add_model(model_with({}));
  int running = 0;  // it takes four at a time
  sim.world.answer = [&running, this](const Call&) {
    if (running >= 4) return failing(Status::kOverloaded);
    ++running;
    Answer answer;
    answer.latency = seconds(1);
    sim.after(milliseconds(999), [&running] { --running; });
    return answer;
  };
  Want want;
  want.max_attempts = 60;
  submit(600, want);
  sim.run_for(seconds(60));
  EXPECT_TRUE(breaker().is_closed());
  sim.world.answer = [](const Call&) { return failing(Status::kOverloaded); };
  sim.run_for(seconds(60));
  EXPECT_FALSE(breaker().is_closed());
}

TEST_F(EngineHealth, ARefusedKeyIsLeftForABetterOne) {
  sim.add_model(model_with({concurrency(5)}));
  sim.add_deployment(0, model_with({concurrency(5)}));
  outage(0, Status::kAuth, kNever);
  Want want;
  want.max_attempts = 1;
  submit(100, want);
  sim.run_for(seconds(10));
  EXPECT_EQ(ended_with(Status::kOk), 100u);
  EXPECT_EQ(sim.sent_calls(0, 0).size(), 5u) << "only those that were on their way";
}

TEST_F(EngineHealth, WithoutAnotherOneRequestsEndUntilTheKeyIsRenewed) {
  sim.add_model(model_with({concurrency(2)}));
  outage(0, Status::kAuth, begin + seconds(100));
  submit(50);
  sim.run_for(seconds(1));
  EXPECT_EQ(ended_with(Status::kAuth), 50u);
  EXPECT_LE(attempts(), 4u);
  sim.run_for(seconds(101));
  EXPECT_EQ(sim.submit(Want{}).status, Status::kAuth);
  sim.step(KeyRenewed{0, 0});
  sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.jobs.back().status, Status::kOk);
  EXPECT_EQ(sim.jobs.back().outcomes, 1);
}

TEST_F(EngineHealth, AfterSomeTimeOneFindsOutWhetherTheKeyIsGoodAgain) {
  sim.add_model(model_with({concurrency(2)}));
  outage(0, Status::kAuth, begin + seconds(100));
  submit(50);
  sim.run_for(seconds(302));
  submit(10);
  sim.run_for(seconds(1));
  EXPECT_EQ(ended_with(Status::kOk), 10u);
}

TEST_F(EngineHealth, WhatComesBackIsNotSentEverythingAtOnce) {
  sim.add_model(model_with({}));
  sim.world.answer = [this](const Call& call) {
    Answer answer = call.now < begin + seconds(10) ? failing(Status::kServer) : Answer{};
    answer.latency = milliseconds(100);
    return answer;
  };
  submit(2'000);
  sim.run_for(seconds(9));
  ASSERT_FALSE(breaker().is_closed());
  while (!breaker().is_closed()) sim.run_for(milliseconds(10));
  sim.forget_most_running(0);
  sim.run_for(milliseconds(110));
  EXPECT_LE(sim.most_running(0), 8);
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.most_running(0), 256);
}

}  // namespace
}  // namespace llmq::core
