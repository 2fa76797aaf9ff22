// The end of everything: what is there ends as the mode says, once, and then the engine is closed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

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

// Request 1 runs for a second, 2 waits for a retry, 3 stands in line.
struct Busy {
  Busy() {
    sim.add_model(model_with({concurrency(1)}));
    sim.add_model(ModelSpec{});  // of the one that is retried
    sim.world.answer = [](const Call& call) {
      Answer answer;
      if (call.job.id == 1) answer.latency = seconds(1);
      if (call.job.id == 2 && call.attempt == 1) {
        answer.latency = DurationNs{};
        answer.status = Status::kServer;
      }
      return answer;
    };
    Want want;
    running = &sim.submit(want);
    want.model = 1;
    delayed = &sim.submit(want);
    want.model = 0;
    waiting = &sim.submit(want);
    sim.run_for(milliseconds(1));
  }
  EngineSim sim;
  Job* running;
  Job* delayed;
  Job* waiting;
};

TEST(EngineShutdown, OfAnIdleEngineIsImmediate) {
  for (const StopMode mode : {StopMode::kDrain, StopMode::kCancel, StopMode::kAbort}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.shut_down(mode, sim.now() + seconds(1));
    EXPECT_EQ(sim.closed, 1);
    EXPECT_EQ(sim.engine.next_wake(), kNever);
  }
}

TEST(EngineShutdown, DrainLetsEverythingEnd) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain);
  EXPECT_EQ(busy.sim.closed, 0);
  busy.sim.run_all();
  EXPECT_EQ(busy.running->state, State::kCompleted);
  EXPECT_EQ(busy.delayed->state, State::kCompleted);
  EXPECT_EQ(busy.waiting->state, State::kCompleted);
  EXPECT_EQ(busy.sim.closed, 1);
}

TEST(EngineShutdown, CancelLetsWhatRunsEnd) {
  Busy busy;
  busy.sim.shut_down(StopMode::kCancel);
  EXPECT_EQ(busy.delayed->state, State::kCancelled);
  EXPECT_EQ(busy.delayed->status, Status::kClosing);
  EXPECT_EQ(busy.waiting->state, State::kCancelled);
  EXPECT_EQ(busy.waiting->status, Status::kClosing);
  EXPECT_TRUE(busy.running->running());
  EXPECT_EQ(busy.sim.closed, 0);
  busy.sim.run_all();
  EXPECT_EQ(busy.running->state, State::kCompleted);
  EXPECT_EQ(busy.sim.closed, 1);
}

TEST(EngineShutdown, AbortEndsEverythingInTheStep) {
  Busy busy;
  busy.sim.shut_down(StopMode::kAbort);
  for (Job* job : {busy.running, busy.delayed, busy.waiting}) {
    EXPECT_EQ(job->state, State::kCancelled);
    EXPECT_EQ(job->status, Status::kClosing);
  }
  EXPECT_TRUE(busy.running->attempts[0].aborted);
  EXPECT_EQ(busy.running->attempts[0].status, Status::kClosing);
  EXPECT_EQ(busy.sim.closed, 1);
  busy.sim.run_all();
}

TEST(EngineShutdown, DrainAbortsWhatStillRunsAtItsDeadline) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.hangs = true;
    return answer;
  };
  Job& running = sim.submit(Want{});
  Job& waiting = sim.submit(Want{});
  const TimeNs deadline = sim.now() + seconds(5);
  sim.shut_down(StopMode::kDrain, deadline);
  sim.run_all();
  EXPECT_EQ(sim.closed, 1);
  for (const Job* job : {&running, &waiting}) {
    EXPECT_EQ(job->state, State::kCancelled);
    EXPECT_EQ(job->status, Status::kClosing);
    EXPECT_GE(job->ended, deadline);
    EXPECT_LE(job->ended, deadline + milliseconds(1));
  }
}

TEST(EngineShutdown, FasterThanItsDeadlineLeavesNothingBehind) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain, busy.sim.now() + seconds(3600));
  busy.sim.run_for(seconds(60));
  EXPECT_EQ(busy.sim.closed, 1);
  EXPECT_EQ(busy.sim.engine.next_wake(), kNever);
}

// I12: closed, with nothing to wait for.
TEST(EngineShutdown, I12_NothingWakesAClosedEngine) {
  for (const StopMode mode : {StopMode::kCancel, StopMode::kAbort}) {
    EngineSim sim;
    sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(3600))}));
    sim.submit(Want{});
    sim.submit(Want{});
    sim.run_for(seconds(1));
    ASSERT_NE(sim.engine.next_wake(), kNever) << "the second waits for the limit";
    sim.shut_down(mode);
    EXPECT_EQ(sim.closed, 1);
    EXPECT_EQ(sim.engine.next_wake(), kNever);
    EXPECT_EQ(sim.model(0).blocked_until, TimeNs{}) << "nobody waits";
  }
}

TEST(EngineShutdown, TwiceIsAllowedAndTheHarderModeWins) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain);
  EXPECT_TRUE(busy.running->running());
  busy.sim.shut_down(StopMode::kCancel);
  EXPECT_EQ(busy.waiting->state, State::kCancelled);
  busy.sim.shut_down(StopMode::kDrain);
  busy.sim.shut_down(StopMode::kAbort);
  EXPECT_EQ(busy.running->state, State::kCancelled);
  EXPECT_EQ(busy.sim.closed, 1);
  busy.sim.shut_down(StopMode::kAbort, busy.sim.now() + seconds(1));
  EXPECT_EQ(busy.sim.closed, 1);
  busy.sim.run_all();
}

TEST(EngineShutdown, I12_OfAClosedEngineSetsNoTimer) {
  EngineSim sim;
  sim.shut_down(StopMode::kDrain);
  ASSERT_EQ(sim.closed, 1);
  sim.shut_down(StopMode::kDrain, sim.now() + seconds(10));
  EXPECT_EQ(sim.engine.next_wake(), kNever);
}

TEST(EngineShutdown, ALaterCallBringsTheDeadlineForwardButDoesNotPutItOff) {
  for (const int64_t second : {2, 20}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.world.answer = [](const Call&) {
      Answer answer;
      answer.hangs = true;
      return answer;
    };
    Job& job = sim.submit(Want{});
    const TimeNs begin = sim.now();
    sim.shut_down(StopMode::kDrain, begin + seconds(10));
    sim.shut_down(StopMode::kDrain, begin + seconds(second));
    sim.run_all();
    const TimeNs due = begin + seconds(std::min<int64_t>(10, second));
    EXPECT_GE(job.ended, due);
    EXPECT_LE(job.ended, due + milliseconds(1));
  }
}

TEST(EngineShutdown, CancelRetriesNothing) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.shut_down(StopMode::kCancel);
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 1u);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_EQ(job.status, Status::kClosing);
}

TEST(EngineShutdown, DrainRetries) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt == 1) answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.shut_down(StopMode::kDrain);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(sim.closed, 1);
}

TEST(EngineShutdown, I9_WhatComesTooLateGetsItsOutcomeToo) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain);
  const Job& during = busy.sim.submit(Want{});
  EXPECT_EQ(during.state, State::kCancelled);
  EXPECT_EQ(during.status, Status::kClosing);
  busy.sim.run_all();
  const Job& after = busy.sim.submit(Want{});
  EXPECT_EQ(after.outcomes, 1);
  EXPECT_EQ(after.status, Status::kClosing);
  EXPECT_EQ(busy.sim.closed, 1);
}

TEST(EngineShutdown, CoversModelsAddedMeanwhile) {
  Busy busy;
  busy.sim.shut_down(StopMode::kCancel);
  Want want;
  want.model = busy.sim.add_model(ModelSpec{});
  EXPECT_EQ(busy.sim.submit(want).status, Status::kClosing);
  busy.sim.run_all();
  EXPECT_EQ(busy.sim.closed, 1);
}

TEST(EngineShutdown, CancelsByTheCallerStillWork) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain);
  busy.sim.cancel(*busy.running);
  EXPECT_EQ(busy.running->status, Status::kCancelled);
  busy.sim.run_all();
  EXPECT_EQ(busy.waiting->state, State::kCompleted);
  EXPECT_EQ(busy.sim.closed, 1);
}

}  // namespace
}  // namespace llmq::core
