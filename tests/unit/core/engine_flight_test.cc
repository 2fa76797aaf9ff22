// Requests that share one call: each ends once, as the call ends, unless it leaves before.
#include <gtest/gtest.h>

#include <cstdint>
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
using sim::per_period;
using sim::Want;

Answer answer_after(DurationNs latency, Status status = Status::kOk) {
  Answer answer;
  answer.latency = latency;
  answer.status = status;
  return answer;
}

TEST(EngineFlight, AllEndWithTheOneCallThatTheyShare) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 10, seconds(60))}));
  sim.world.answer = [](const Call&) {
    Answer answer = answer_after(seconds(1));
    answer.usage = Usage{7, 5, 0, 0};
    return answer;
  };
  Job& first = sim.join(Want{});
  sim.run_for(milliseconds(500));
  Job& second = sim.join(Want{}, &first);
  EXPECT_EQ(second.record->state, State::kProcessing) << "as the call";
  const Counters& counters = sim.model(0).counters;
  EXPECT_EQ(counters.submitted, 2u);
  EXPECT_EQ(counters.processing, 2u);
  EXPECT_EQ(counters.pending, 0u);
  sim.run_all();
  for (const Job* job : {&first, &second}) {
    EXPECT_EQ(job->outcomes, 1);
    EXPECT_EQ(job->state, State::kCompleted);
  }
  EXPECT_EQ(first.flight->attempts.size(), 1u);
  EXPECT_EQ(sim.sent_calls(0).size(), 1u);
  EXPECT_EQ(counters.attempts, 1u);
  EXPECT_EQ(counters.completed, 2u);
  EXPECT_EQ(counters.joined, 1u);
  EXPECT_EQ(counters.input_tokens, 7u) << "used once";
  EXPECT_EQ(counters.processing, 0u);
  EXPECT_EQ(sim.model(0).records, 0u);
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST(EngineFlight, OneThatLeavesDoesNotEndTheCallTheLastDoes) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) { return answer_after(seconds(1)); };
  Job& leader = sim.join(Want{});
  Job& follower = sim.join(Want{}, &leader);
  Job& other = sim.submit(Want{});
  sim.cancel(leader);
  EXPECT_EQ(leader.state, State::kCancelled);
  EXPECT_TRUE(follower.flight->running());
  EXPECT_FALSE(other.running());
  sim.cancel(follower);
  EXPECT_EQ(follower.state, State::kCancelled);
  EXPECT_TRUE(follower.flight->attempts[0].aborted);
  EXPECT_EQ(follower.flight->outcomes, 1);
  EXPECT_TRUE(other.running()) << "in the same step";
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.cancelled, 2u);
}

TEST(EngineFlight, ADeadlineIsThatOfTheRequestAlone) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) { return answer_after(seconds(2)); };
  Want hasty;
  hasty.deadline = sim.now() + seconds(1);
  Job& first = sim.join(hasty);
  Job& second = sim.join(Want{}, &first);
  sim.run_all();
  EXPECT_EQ(first.state, State::kExpired);
  EXPECT_EQ((first.ended - first.submitted).ns / 1'000'000, 1000);
  EXPECT_EQ(second.state, State::kCompleted);
}

TEST(EngineFlight, EndsWithTheLastDeadline) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) { return answer_after(seconds(100)); };
  Want want;
  want.deadline = sim.now() + seconds(1);
  Job& first = sim.join(want);
  want.deadline = sim.now() + seconds(3);
  want.timeout_ms = 2500;  // of the first alone is the time-out
  Job& second = sim.join(want, &first);
  sim.run_all();
  EXPECT_EQ(first.state, State::kExpired);
  EXPECT_EQ(second.state, State::kExpired);
  ASSERT_EQ(first.flight->attempts.size(), 1u);
  EXPECT_TRUE(first.flight->attempts[0].aborted);
  EXPECT_EQ((*first.flight->attempts[0].ended - first.submitted).ns / 1'000'000, 3000);
}

TEST(EngineFlight, TheTimeOutOfAnAttemptStaysWhenALaterDeadlineJoins) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return answer_after(call.attempt == 1 ? seconds(100) : milliseconds(10));
  };
  Want want;
  want.timeout_ms = 2000;
  want.deadline = sim.now() + seconds(1);
  Job& first = sim.join(want);
  sim.run_for(milliseconds(500));
  want.deadline = kNever;
  Job& second = sim.join(want, &first);
  sim.run_all();
  EXPECT_EQ(first.state, State::kExpired);
  EXPECT_EQ(second.state, State::kCompleted);
  ASSERT_EQ(first.flight->attempts.size(), 2u);
  EXPECT_EQ(first.flight->attempts[0].status, Status::kTimeout);
}

TEST(EngineFlight, ARetryIsForThoseWhoCanWaitForIt) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    Answer answer = answer_after(milliseconds(10));
    if (call.attempt > 1) return answer;
    answer.status = Status::kOverloaded;
    answer.retry_after = seconds(10);
    return answer;
  };
  Want hasty;
  hasty.deadline = sim.now() + seconds(5);
  Job& first = sim.join(hasty);
  Job& second = sim.join(Want{}, &first);
  sim.run_for(seconds(1));
  EXPECT_EQ(first.state, State::kExpired) << "it cannot make it: said at once";
  EXPECT_EQ(second.record->state, State::kPending);
  EXPECT_EQ(sim.model(0).counters.pending, 1u);
  sim.run_all();
  EXPECT_EQ(second.state, State::kCompleted);
  EXPECT_EQ(sim.model(0).counters.retries, 1u);
}

TEST(EngineFlight, OutputThatWasSeenIsNotSeenTwice) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    Answer answer = answer_after(seconds(1), call.attempt == 1 ? Status::kServer : Status::kOk);
    answer.output = {{milliseconds(100), 1}};
    return answer;
  };
  Job& strict = sim.join(Want{});
  Want patient;
  patient.restarts = true;
  Job& restarts = sim.join(patient, &strict);
  sim.run_all();
  EXPECT_EQ(strict.state, State::kFailed);
  EXPECT_EQ(strict.status, Status::kServer);
  EXPECT_EQ(restarts.state, State::kCompleted);
  EXPECT_EQ(restarts.flight->attempts.size(), 2u);
}

TEST(EngineFlight, AllFailWhereNobodyMaySeeItAnew) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer = answer_after(seconds(1), Status::kServer);
    answer.output = {{milliseconds(100), 1}};
    return answer;
  };
  Job& first = sim.join(Want{});
  Job& second = sim.join(Want{}, &first);
  sim.run_all();
  EXPECT_EQ(first.status, Status::kServer);
  EXPECT_EQ(second.status, Status::kServer);
  EXPECT_EQ(first.flight->attempts.size(), 1u);
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST(EngineFlight, AnUrgentFollowerTakesTheCallAlong) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) { return answer_after(seconds(1)); };
  sim.submit(Want{});
  Want batch;
  batch.priority = 4;
  Want normal;
  Job& shared = sim.join(batch);
  Job& other = sim.submit(normal);
  Want urgent;
  urgent.priority = 1;
  Job& follower = sim.join(urgent, &shared);
  sim.run_all();
  EXPECT_LT(shared.ended, other.ended);
  EXPECT_EQ(shared.ended, follower.ended);
}

TEST(EngineFlight, AnUrgentFollowerCountsFromTheRetryOn) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) {
    const bool fails = call.job.id == 1 && call.attempt == 1;
    return answer_after(seconds(1), fails ? Status::kServer : Status::kOk);
  };
  Want batch;
  batch.priority = 4;
  Job& shared = sim.join(batch);  // runs
  Want urgent;
  urgent.priority = 1;
  sim.join(urgent, &shared);
  EXPECT_EQ(shared.flight->record->priority, 4);
  sim.run_for(milliseconds(1500));
  ASSERT_NE(shared.flight->record, nullptr);
  EXPECT_EQ(shared.flight->record->priority, 1);
  sim.run_all();
  EXPECT_EQ(shared.state, State::kCompleted);
}

TEST(EngineFlight, WhatCannotStartIsRefusedAndLeavesNothing) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(60))}));
  TenantSpec tenant;
  tenant.max_pending_bytes = 10;
  sim.add_tenant(1, tenant);
  Want big;
  big.input_tokens = 1000;
  EXPECT_EQ(sim.join(big).status, Status::kOversize);
  Want late;
  late.deadline = sim.now();
  EXPECT_EQ(sim.join(late).status, Status::kDeadline);
  Want heavy;
  heavy.tenant = 1;
  heavy.bytes = 11;
  EXPECT_EQ(sim.join(heavy).status, Status::kQueueFull);
  heavy.bytes = 5;  // of the call and of the request
  Job& fits = sim.join(heavy);
  EXPECT_EQ(fits.state, State::kPending);
  sim.run_all();
  EXPECT_EQ(fits.state, State::kCompleted) << "what was refused has given its bytes back";
  sim.shut_down(StopMode::kDrain);
  EXPECT_EQ(sim.join(Want{}).status, Status::kClosing);
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST(EngineFlight, ADeadlineThatCannotBeMetSaysSo) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(60))}));
  sim.submit(Want{});
  sim.run_for(seconds(1));
  Want want;
  want.deadline = sim.now() + seconds(10);
  Job& job = sim.join(want);
  EXPECT_EQ(job.status, Status::kDeadline);
  EXPECT_GT(job.estimate.ns, seconds(50).ns);
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST(EngineFlight, EndsByShutdownAndByRemovalOfItsModel) {
  for (const StopMode mode : {StopMode::kCancel, StopMode::kAbort}) {
    EngineSim sim;
    sim.add_model(model_with({concurrency(1)}));
    sim.add_model(model_with({concurrency(1)}));
    sim.world.answer = [](const Call&) { return answer_after(seconds(1)); };
    Job& runs = sim.join(Want{});
    Job& runs_too = sim.join(Want{}, &runs);
    Job& waits = sim.join(Want{});
    Job& waits_too = sim.join(Want{}, &waits);
    sim.remove(0, mode);
    EXPECT_EQ(waits.status, Status::kClosing);
    EXPECT_EQ(waits_too.status, Status::kClosing);
    const State expected = mode == StopMode::kAbort ? State::kCancelled : State::kCompleted;
    Want elsewhere;
    elsewhere.model = 1;
    Job& at_other = sim.join(elsewhere);
    sim.run_all();
    EXPECT_EQ(runs.state, expected);
    EXPECT_EQ(runs_too.state, expected);
    EXPECT_EQ(at_other.state, State::kCompleted);
    EXPECT_EQ(sim.gone.size(), 1u);
    sim.shut_down(mode);
    EXPECT_EQ(sim.closed, 1);
  }
}

TEST(EngineFlight, LateUsageIsThatOfTheCall) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kTokens, 1000, seconds(60))});
  spec.late_charges_max = 10;
  sim.add_model(spec);
  Want want;
  want.input_tokens = 100;
  Job& first = sim.join(want);
  want.late_usage = true;
  sim.join(want, &first);
  sim.run_all();
  Limit& limit = *sim.model(0).first().limiter.limits()[0];
  EXPECT_EQ(limit.used(sim.now()), 100);
  EXPECT_EQ(sim.usage_known(*first.flight, Usage{40, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(limit.used(sim.now()), 40);
}

TEST(EngineFlight, AFollowerWaitsAsLongAsTheCall) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(60))}));
  sim.submit(Want{});
  Job& job = sim.join(Want{});
  const WaitEstimate own = sim.engine.wait_estimate(sim.now(), *job.record);
  EXPECT_EQ(own.place, 1u);
  EXPECT_EQ(own.p50.ns, sim.engine.wait_estimate(sim.now(), *job.flight->record).p50.ns);
  sim.run_all();
}

TEST(EngineSubmit, WhatIsAnsweredAlreadyEndsAtOnceAndUsesNothing) {
  EngineSim sim;
  sim.watch(0);
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(60))}));
  Request record;
  record.id = 1;
  Actions actions;
  sim.engine.step(Now{sim.now(), 0}, Submit{&record, true}, actions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<FinishRequest>(actions[0]));
  EXPECT_EQ(record.state, State::kCompleted);
  EXPECT_EQ(sim.model(0).counters.completed, 1u);
  EXPECT_EQ(sim.model(0).counters.attempts, 0u);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 0);
  sim.shut_down(StopMode::kDrain);
  Request late;
  late.id = 2;
  actions.clear();
  sim.engine.step(Now{sim.now(), 0}, Submit{&late, true}, actions);
  EXPECT_EQ(late.status, Status::kClosing);
}

}  // namespace
}  // namespace llmq::core
