// An account whose quota is used up: what waits fails or waits on, and one call finds out.
#include <gtest/gtest.h>

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

constexpr DurationNs kRecheck = seconds(300);

// The quota is used up until `back`.
struct Account {
  TimeNs back{};
  DurationNs told{};
  int refused = 0;

  Answer operator()(const Call& call) {
    Answer answer;
    if (call.now >= back) return answer;
    ++refused;
    answer.status = Status::kQuotaExhausted;
    answer.retry_after = told;
    return answer;
  }
};

ModelSpec spec_of(bool blocks, int64_t at_a_time = 2) {
  ModelSpec spec = model_with({concurrency(at_a_time)});
  spec.quota.blocks = blocks;
  spec.quota.recheck = kRecheck;
  return spec;
}

TEST(EngineQuota, WhatWaitsFailsAtOnceAndWhatComesToo) {
  EngineSim sim;
  sim.check_wake_ups = true;
  sim.add_model(spec_of(false));
  Account account{sim.now() + seconds(1'000)};
  sim.world.answer = [&account](const Call& call) { return account(call); };
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(account.refused, 2) << "the second was on its way";
  for (const Job& job : sim.jobs) EXPECT_EQ(job.status, Status::kQuotaExhausted);
  Job& later = sim.submit(Want{});
  EXPECT_EQ(later.state, State::kFailed);
  EXPECT_EQ(later.status, Status::kQuotaExhausted);
  EXPECT_TRUE(later.attempts.empty());
}

TEST(EngineQuota, ThenOneFindsOutAndTheOthersWaitForIt) {
  EngineSim sim;
  sim.check_wake_ups = true;
  sim.add_model(spec_of(false, 20));
  Account account{sim.now() + seconds(400)};
  sim.world.answer = [&account](const Call& call) { return account(call); };
  sim.submit(Want{});
  sim.run_for(kRecheck + seconds(1));
  for (int i = 0; i < 5; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.running(0), 1);
  sim.run_for(seconds(1));
  EXPECT_EQ(account.refused, 2);
  EXPECT_EQ(sim.jobs.back().status, Status::kQuotaExhausted);
  sim.run_for(kRecheck);
  for (int i = 0; i < 5; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.running(0), 1);
  sim.run_all();
  EXPECT_EQ(account.refused, 2);
  EXPECT_EQ(sim.jobs.back().status, Status::kOk);
  EXPECT_FALSE(sim.model(0).first().quota.suspended());
}

TEST(EngineQuota, I10_OneFindsOutAlsoBehindABlockedHead) {
  EngineSim sim;
  ModelSpec spec = spec_of(true, 20);
  spec.limits.push_back(sim::per_period(LimitKind::kTokens, 100, seconds(1'000)));
  sim.add_model(spec);
  Account account{sim.now() + seconds(5'000)};
  sim.world.answer = [&account](const Call& call) {
    return call.job.input_tokens == 60 ? Answer{} : account(call);
  };
  const auto tokens = [](uint32_t count) {
    Want want;
    want.input_tokens = count;
    return want;
  };
  sim.submit(tokens(60));
  Job& refused = sim.submit(tokens(10));
  sim.run_for(seconds(1));
  sim.cancel(refused);
  sim.submit(tokens(80));
  const Job& small = sim.submit(tokens(5));
  const Job& other = sim.submit(tokens(5));
  sim.run_for(kRecheck - milliseconds(500));
  EXPECT_EQ(small.attempts.size(), 1U);
  EXPECT_EQ(other.attempts.size(), 0U) << "the other one has not been answered";
  EXPECT_EQ(account.refused, 2);
}

TEST(EngineQuota, WhatWaitsIsHeldWhereItBlocks) {
  EngineSim sim;
  sim.check_wake_ups = true;
  sim.add_model(spec_of(true));
  Account account{sim.now() + seconds(3'000)};
  sim.world.answer = [&account](const Call& call) { return account(call); };
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.running(0), 0);
  EXPECT_EQ(sim.model(0).block, Block::kQuota);
  const WaitEstimate wait = sim.engine.wait_estimate(sim.now(), *sim.jobs.back().record);
  EXPECT_EQ(wait.reason, WaitEstimate::Reason::kQuota);
  EXPECT_GE(wait.p50, kRecheck - seconds(2));
  sim.run_all();
  EXPECT_EQ(account.refused, 2 + 9) << "one each time";
  for (const Job& job : sim.jobs) {
    EXPECT_EQ(job.status, Status::kOk) << "more than its 8 attempts, for these do not count";
  }
}

TEST(EngineQuota, TheTimeThatIsToldCounts) {
  for (const bool blocks : {false, true}) {
    EngineSim sim;
    sim.add_model(spec_of(blocks));
    Account account{sim.now() + seconds(3'600), seconds(3'600)};
    sim.world.answer = [&account](const Call& call) { return account(call); };
    sim.submit(Want{});
    sim.run_for(seconds(3'599));
    Job& early = sim.submit(Want{});
    EXPECT_EQ(early.state, blocks ? State::kPending : State::kFailed);
    sim.run_for(seconds(2));
    sim.submit(Want{});
    sim.run_all();
    EXPECT_EQ(account.refused, 1);
    EXPECT_EQ(sim.jobs.back().status, Status::kOk);
  }
}

TEST(EngineQuota, TheResetOfWhatIsUsedUpIsATimeThatIsTold) {
  EngineSim sim;
  sim.add_model(spec_of(true));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kQuotaExhausted;
    Observation* const day = answer.observed.emplace().of(LimitKind::kRequests, seconds(86'400));
    day->remaining = 0;
    day->reset = seconds(20'800);
    return answer;
  };
  Job& job = sim.submit(Want{});
  const TimeNs start = sim.now();
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.model(0).first().quota.until(), start + milliseconds(10) + seconds(20'800));
  sim.cancel(job);
}

TEST(EngineQuota, DeadlinesBoundTheWait) {
  EngineSim sim;
  sim.add_model(spec_of(true));
  Account account{kNever};
  sim.world.answer = [&account](const Call& call) { return account(call); };
  Want want;
  want.deadline = sim.now() + seconds(10);
  Job& first = sim.submit(want);
  Job& patient = sim.submit(Want{});
  Want later = want;
  later.deadline = sim.now() + seconds(400);
  Job& second = sim.submit(later);
  sim.run_for(seconds(1));
  EXPECT_EQ(first.status, Status::kDeadline) << "it cannot make it";
  Job& third = sim.submit(want);
  EXPECT_EQ(third.status, Status::kDeadline);
  sim.run_for(seconds(500));
  EXPECT_EQ(second.status, Status::kDeadline);
  EXPECT_EQ(patient.state, State::kPending);
  sim.cancel(patient);
  sim.run_all();
}

TEST(EngineQuota, AProbeThatEndsWithoutAnAnswerIsFollowedByAnother) {
  for (const int how : {0, 1, 2}) {
    EngineSim sim;
    sim.check_wake_ups = true;
    sim.add_model(spec_of(true));
    bool used_up = true;
    sim.world.answer = [&](const Call& call) {
      Answer answer;
      if (used_up) answer.status = Status::kQuotaExhausted;
      answer.hangs = !used_up && how < 2 && call.job.id == 1;
      if (how == 2 && !used_up && call.job.id == 1 && call.attempt == 2) {
        answer.status = Status::kServer;
      }
      return answer;
    };
    Want want;
    if (how == 1) want.timeout_ms = 5'000;
    Job& first = sim.submit(want);
    sim.run_for(seconds(1));
    used_up = false;
    Job& second = sim.submit(Want{});
    sim.run_for(kRecheck);
    if (how == 0) sim.cancel(first);
    sim.run_for(seconds(60));
    if (how == 1) sim.cancel(first);
    EXPECT_EQ(second.status, Status::kOk);
    sim.run_all();
  }
}

TEST(EngineQuota, ModelsOfAPoolDrawOnOneAccount) {
  EngineSim sim;
  const PoolIndex pool = sim.add_pool({concurrency(20)});
  ModelSpec spec = spec_of(false);
  spec.pools = {pool};
  sim.add_model(spec);
  spec.quota.blocks = true;
  sim.add_model(spec);
  sim.add_model(spec_of(false));
  Account account{sim.now() + seconds(100)};
  sim.world.answer = [&account](const Call& call) {
    return call.job.model == 2 ? Answer{} : account(call);
  };
  sim.submit(Want{});
  sim.run_for(seconds(1));
  Want other;
  other.model = 1;
  Job& held = sim.submit(other);
  EXPECT_EQ(held.state, State::kPending);
  EXPECT_TRUE(held.attempts.empty());
  other.model = 2;
  Job& free = sim.submit(other);
  EXPECT_TRUE(free.running()) << "it has another account";
  sim.run_for(kRecheck + seconds(1));
  EXPECT_EQ(held.status, Status::kOk);
  EXPECT_FALSE(sim.model(0).first().quota.suspended()) << "the probe of one opens both";
}

TEST(EngineQuota, OtherSettingsLetItFindOutAtOnce) {
  EngineSim sim;
  const ModelSpec spec = spec_of(true);
  sim.add_model(spec);
  Account account{sim.now() + seconds(5)};
  sim.world.answer = [&account](const Call& call) { return account(call); };
  Job& first = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.run_for(seconds(10));
  Job& third = sim.submit(Want{});
  EXPECT_FALSE(third.running());
  sim.step(ModelChanged{0, &spec});
  EXPECT_TRUE(third.running());
  sim.run_all();
  EXPECT_EQ(first.status, Status::kOk);
  EXPECT_EQ(second.status, Status::kOk);
}

}  // namespace
}  // namespace llmq::core
