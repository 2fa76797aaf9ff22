// Budgets of retries: who is tried again at once, and who waits for room.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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
using sim::Want;

ModelSpec without_breaker(int64_t at_a_time) {
  ModelSpec spec = model_with({concurrency(at_a_time)});
  spec.breaker.enabled = false;
  spec.adaptive_concurrency = false;
  return spec;
}

// Of every hundred calls so many fail, drawn.
auto brown_out(int percent, Random& random) {
  return [percent, &random](const Call&) {
    Answer answer;
    answer.latency = milliseconds(500);
    if (random.between(0, 99) < percent) answer.status = Status::kServer;
    return answer;
  };
}

// The most retries at any time that ran, or had failed within the last 54 s, beyond a tenth of the
// attempts of the last 66 s: what a window in buckets of 6 s is sure to keep within three. Counted
// from what the provider saw alone.
int64_t most_beyond_budget(const EngineSim& sim) {
  struct Change {
    TimeNs at;
    int64_t attempts;
    int64_t retries;
  };
  std::vector<Change> changes;
  for (const Job& job : sim.jobs) {
    for (const Attempt& attempt : job.attempts) {
      const bool retry = attempt.number > 1;
      const bool failed = attempt.status != Status::kOk;
      changes.push_back({attempt.started, 1, retry ? 1 : 0});
      changes.push_back({attempt.started + seconds(66), -1, 0});
      if (!retry) continue;
      const TimeNs ended = attempt.ended.value_or(kNever);
      changes.push_back({failed ? std::max(ended, attempt.started + seconds(54)) : ended, 0, -1});
    }
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.at < b.at; });
  int64_t attempts = 0;
  int64_t retries = 0;
  int64_t most = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    attempts += changes[i].attempts;
    retries += changes[i].retries;
    if (i + 1 < changes.size() && changes[i + 1].at == changes[i].at) continue;
    most = std::max(most, retries - attempts / 10);
  }
  return most;
}

class EngineRetryBudget : public testing::Test {
 protected:
  EngineRetryBudget() { sim.check_wake_ups = true; }
  void submit(int count, Want want = {}) {
    want.max_attempts = 60;
    for (int i = 0; i < count; ++i) sim.submit(want);
  }
  void expect_all_completed() {
    for (const Job& job : sim.jobs) ASSERT_EQ(job.state, State::kCompleted) << job.id;
  }
  EngineSim sim;
  Random random{5};
};

TEST_F(EngineRetryBudget, ThirtyOfAHundredMayFailAndNobodyWaitsLong) {
  sim.add_model(without_breaker(50));
  sim.world.answer = brown_out(30, random);
  submit(6'000);
  const TimeNs begin = sim.now();
  sim.run_all();
  expect_all_completed();
  // 6,000 / 0.7 attempts of 0.5 s, 50 at a time, take 86 s; some retries have to wait at the end.
  EXPECT_LE(sim.now(), begin + seconds(140));
}

TEST_F(EngineRetryBudget, WhereMostFailRetriesStayATenth) {
  sim.add_model(without_breaker(50));
  sim.world.answer = brown_out(80, random);
  submit(3'000);
  sim.run_for(seconds(120));
  size_t attempts = 0;
  size_t retries = 0;
  for (const Job& job : sim.jobs) {
    attempts += job.attempts.size();
    if (!job.attempts.empty()) retries += job.attempts.size() - 1;
  }
  EXPECT_GE(attempts, 3'000u) << "those that have not failed go first";
  EXPECT_LE(retries, attempts / 4 + 120 * 3 * 2) << "a few more went well, and three at a time";
}

TEST_F(EngineRetryBudget, WhatHasNotGoneWellKeepsWithinIt) {
  for (const int percent : {20, 50, 90}) {
    EngineSim own(static_cast<uint64_t>(percent));
    own.add_model(without_breaker(40));
    own.world.answer = brown_out(percent, random);
    Want want;
    want.max_attempts = 60;
    want.deadline = own.now() + seconds(900);
    for (int i = 0; i < 2'000; ++i) {
      want.deadline = own.now() + seconds(900);
      own.at(own.now() + milliseconds(100 * i), [&own, want] { own.submit(want); });
    }
    own.run_all();
    // Three at a time, each of which stays failed for a minute: 0.5 s each and at least 0.5 s
    // before.
    EXPECT_LE(most_beyond_budget(own), 3 + 3 * 120) << percent;
    EXPECT_EQ(own.engine.live(), 0u);
  }
}

TEST_F(EngineRetryBudget, AFewAreTriedAgainWithoutWaiting) {
  sim.add_model(without_breaker(50));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt < 5) answer.status = Status::kServer;
    return answer;
  };
  submit(3);
  const TimeNs begin = sim.now();
  sim.run_all();
  expect_all_completed();
  EXPECT_LE(sim.now(), begin + seconds(4 * 30)) << "their own delays alone";
}

TEST_F(EngineRetryBudget, WhoWaitsForRoomHoldsUpNobodyAndCanBeCancelled) {
  sim.add_model(without_breaker(20));
  bool works = false;
  sim.world.answer = [&works](const Call& call) {
    Answer answer;
    answer.latency = seconds(1);
    if (!works && call.job.id <= 40) answer.status = Status::kServer;
    return answer;
  };
  submit(40);
  sim.run_for(seconds(40));
  sim.cancel(sim.jobs[7]);
  submit(100);
  sim.run_for(seconds(8));
  for (size_t i = 40; i < 140; ++i) EXPECT_EQ(sim.jobs[i].state, State::kCompleted);
  works = true;
  sim.run_all();
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(sim.jobs[i].outcomes, 1);
  EXPECT_EQ(sim.jobs[7].state, State::kCancelled);
}

TEST_F(EngineRetryBudget, OneTenantsRetriesDoNotUseUpTheOthers) {
  sim.add_model(without_breaker(50));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = milliseconds(200);
    if (call.job.tenant == 1 || call.attempt == 1) answer.status = Status::kServer;
    return answer;
  };
  Want bad;
  bad.tenant = 1;
  submit(500, bad);
  sim.run_for(seconds(30));
  Want good;
  good.tenant = 2;
  submit(3, good);
  sim.run_for(seconds(30));
  for (size_t i = 500; i < 503; ++i) EXPECT_EQ(sim.jobs[i].state, State::kCompleted);
  sim.shut_down(StopMode::kAbort);
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST_F(EngineRetryBudget, RefusalsByLimitsAreNotCounted) {
  sim.add_model(without_breaker(200));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt == 1) answer.status = Status::kRateLimited;
    return answer;
  };
  submit(200);
  const TimeNs begin = sim.now();
  sim.run_all();
  expect_all_completed();
  EXPECT_LE(sim.now(), begin + seconds(2));
}

TEST_F(EngineRetryBudget, ClassesThatAreNotNamedAreNotTriedAgain) {
  ModelSpec spec = without_breaker(10);
  spec.retry.on = retry_class(Status::kTimeout);
  sim.add_model(spec);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kServer;
    return answer;
  };
  submit(5);
  sim.run_all();
  for (const Job& job : sim.jobs) {
    EXPECT_EQ(job.state, State::kFailed);
    EXPECT_EQ(job.attempts.size(), 1u);
  }
}

}  // namespace
}  // namespace llmq::core
