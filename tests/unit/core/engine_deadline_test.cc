// Deadlines of requests and time-outs of attempts.
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
using sim::per_period;
using sim::Want;

Answer never() {
  Answer answer;
  answer.hangs = true;
  return answer;
}

Want due_in(const EngineSim& sim, DurationNs time) {
  Want want;
  want.deadline = sim.now() + time;
  return want;
}

TEST(EngineDeadline, InThePastIsAnOutcomeAtOnce) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  const Job& job = sim.submit(due_in(sim, DurationNs{}));
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_EQ(job.status, Status::kDeadline);
  EXPECT_TRUE(job.attempts.empty());
}

// One answer may lift what a limit of which nothing is known yet is met with.
TEST(EngineDeadline, IsNotRefusedForTheCareAtTheBeginning) {
  EngineSim sim;
  LimitSpec limit = per_period(LimitKind::kRequests, 3, seconds(60));
  limit.shape = Shape::kAuto;
  sim.add_model(model_with({limit}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(1);
    return answer;
  };
  sim.submit(Want{});
  sim.run_for(milliseconds(100));
  const Job& job = sim.submit(due_in(sim, seconds(15)));
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  ASSERT_FALSE(job.attempts.empty());
  EXPECT_LE(job.attempts.front().started, job.submitted + seconds(5));
}

TEST(EngineDeadline, EndsAWaitingRequest) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) { return never(); };
  sim.submit(Want{});
  Job& job = sim.submit(due_in(sim, seconds(3)));
  sim.run_for(seconds(10));
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_GE(job.ended, job.submitted + seconds(3));
  EXPECT_LE(job.ended, job.submitted + seconds(3) + milliseconds(1));
  EXPECT_TRUE(job.attempts.empty());
}

TEST(EngineDeadline, EndsARunningRequestAndFreesItsSlot) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) { return call.job.id == 1 ? never() : Answer{}; };
  Job& job = sim.submit(due_in(sim, seconds(3)));
  Job& next = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_EQ(job.status, Status::kDeadline);
  EXPECT_TRUE(job.attempts[0].aborted);
  EXPECT_EQ(job.attempts[0].status, Status::kDeadline);
  EXPECT_EQ(next.state, State::kCompleted);
  EXPECT_EQ(next.attempts[0].started, job.ended);
}

TEST(EngineDeadline, OfTheFirstInLineLetsTheNextOneTry) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(60))}));
  Want half;
  half.input_tokens = 50;
  sim.submit(half);
  Want whole = due_in(sim, seconds(2));
  whole.input_tokens = 100;
  Job& big = sim.submit(whole);
  Job& small = sim.submit(half);
  sim.run_for(seconds(3));
  EXPECT_EQ(big.state, State::kExpired);
  EXPECT_EQ(small.state, State::kCompleted);
}

TEST(EngineDeadline, EndsARequestThatCannotMakeItsRetry) {
  EngineSim sim;
  ModelSpec spec;
  spec.retry.base = seconds(5);
  sim.add_model(spec);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(due_in(sim, seconds(2)));
  sim.run_for(milliseconds(20));
  EXPECT_EQ(job.state, State::kExpired) << "it is told so at once";
  EXPECT_EQ(job.status, Status::kDeadline);
}

TEST(EngineDeadline, HoldsAcrossRetries) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.status = Status::kServer;
    answer.hangs = call.attempt == 3;
    return answer;
  };
  Job& job = sim.submit(due_in(sim, seconds(40)));
  sim.run_all();
  ASSERT_EQ(job.attempts.size(), 3u);
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_LE(job.ended, job.submitted + seconds(40) + milliseconds(1));
}

TEST(EngineDeadline, OfABackInLineRetryHoldsToo) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.status = Status::kServer;
    answer.hangs = call.job.id == 2;
    return answer;
  };
  Job& retried = sim.submit(due_in(sim, seconds(30)));
  sim.submit(Want{});
  sim.run_for(seconds(31));
  EXPECT_EQ(retried.attempts.size(), 1u);
  EXPECT_EQ(retried.state, State::kExpired);
}

// The loop may lag, or the machine sleep: events of long after the deadline come before the Tick
// that ends the request. It must not cost quota any more.
TEST(EngineDeadline, NothingStartsAfterItsDeadlineWhenAnEndComesFirst) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = call.job.id == 1 ? seconds(5) : milliseconds(10);
    return answer;
  };
  sim.tick_lag = seconds(10);
  sim.submit(Want{});
  Job& job = sim.submit(due_in(sim, seconds(3)));
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_TRUE(job.attempts.empty()) << "it was started 2 s after its deadline";
}

TEST(EngineDeadline, NothingStartsAfterItsDeadlineWhenTheModelWakesFirst) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(2))}));
  sim.tick_lag = seconds(10);
  sim.submit(Want{});
  Job& job = sim.submit(due_in(sim, seconds(3)));
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_TRUE(job.attempts.empty()) << "it was started 9 s after its deadline";
}

TEST(EngineTimeout, IsATransientFailure) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) { return call.attempt < 3 ? never() : Answer{}; };
  Want want;
  want.timeout_ms = 200;
  Job& job = sim.submit(want);
  sim.run_all();
  ASSERT_EQ(job.attempts.size(), 3u);
  EXPECT_EQ(job.state, State::kCompleted);
  for (int i = 0; i < 2; ++i) {
    const sim::Attempt& attempt = job.attempts[static_cast<size_t>(i)];
    EXPECT_TRUE(attempt.aborted);
    EXPECT_EQ(attempt.status, Status::kTimeout);
    EXPECT_GE(*attempt.ended, attempt.started + milliseconds(200));
    EXPECT_LE(*attempt.ended, attempt.started + milliseconds(201));
  }
}

TEST(EngineTimeout, IsTheOutcomeOfTheLastAttempt) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) { return never(); };
  Want want;
  want.timeout_ms = 200;
  want.max_attempts = 2;
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.status, Status::kTimeout);
}

TEST(EngineTimeout, FreesTheSlotForTheNext) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) { return call.job.id == 1 ? never() : Answer{}; };
  Want want;
  want.timeout_ms = 200;
  want.max_attempts = 1;
  sim.submit(want);
  Job& next = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(next.state, State::kCompleted);
}

TEST(EngineTimeout, DoesNotRunWhileARequestWaits) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(5);
    return answer;
  };
  sim.submit(Want{});
  Want want;
  want.timeout_ms = 5500;
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.attempts.size(), 1u);
}

TEST(EngineTimeout, LaterThanTheDeadlineDoesNotMatter) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) { return never(); };
  Want want = due_in(sim, seconds(1));
  want.timeout_ms = 5000;
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_LE(job.ended, job.submitted + milliseconds(1001));
}

}  // namespace
}  // namespace llmq::core
