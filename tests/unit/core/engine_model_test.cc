// Models come, wait until they are ready, and go.
#include <gtest/gtest.h>

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

TEST(EngineModel, HoldsEverythingUntilItIsReady) {
  EngineSim sim;
  ModelSpec spec = model_with({concurrency(2)});
  spec.ready = false;
  sim.add_model(spec);
  for (int i = 0; i < 3; ++i) sim.submit(Want{});
  sim.run_for(seconds(100));
  EXPECT_EQ(sim.running(0), 0);
  sim.step(ModelReady{0, true});
  EXPECT_EQ(sim.running(0), 2);
  sim.step(ModelReady{0, false});
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 2u) << "what runs goes on, the third waits";
  sim.step(ModelReady{0, true});
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 3u);
}

TEST(EngineModel, ThatIsNotReadyKeepsDeadlines) {
  EngineSim sim;
  ModelSpec spec;
  spec.ready = false;
  sim.add_model(spec);
  Want want;
  want.deadline = sim.now() + seconds(1);
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
}

TEST(EngineModel, GoesAtOnceIfItIsIdle) {
  for (const StopMode mode : {StopMode::kDrain, StopMode::kCancel, StopMode::kAbort}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.remove(0, mode);
    EXPECT_EQ(sim.gone, std::vector<ModelIndex>{0});
    EXPECT_EQ(sim.engine.model(0), nullptr);
  }
}

// One running for a second, one in line.
struct Busy {
  Busy() {
    sim.add_model(model_with({concurrency(1)}));
    sim.world.answer = [](const Call&) {
      Answer answer;
      answer.latency = seconds(1);
      return answer;
    };
    running = &sim.submit(Want{});
    waiting = &sim.submit(Want{});
  }
  EngineSim sim;
  Job* running;
  Job* waiting;
};

TEST(EngineModel, RemovalThatDrainsLetsEverythingEnd) {
  Busy busy;
  busy.sim.remove(0, StopMode::kDrain);
  EXPECT_TRUE(busy.sim.gone.empty());
  const Job& late = busy.sim.submit(Want{});
  EXPECT_EQ(late.state, State::kCancelled);
  EXPECT_EQ(late.status, Status::kClosing);
  busy.sim.run_all();
  EXPECT_EQ(busy.running->state, State::kCompleted);
  EXPECT_EQ(busy.waiting->state, State::kCompleted);
  EXPECT_EQ(busy.sim.gone, std::vector<ModelIndex>{0});
}

TEST(EngineModel, RemovalThatCancelsLetsWhatRunsEnd) {
  Busy busy;
  busy.sim.remove(0, StopMode::kCancel);
  EXPECT_EQ(busy.waiting->status, Status::kClosing);
  EXPECT_TRUE(busy.sim.gone.empty());
  busy.sim.run_all();
  EXPECT_EQ(busy.running->state, State::kCompleted);
  EXPECT_EQ(busy.sim.gone, std::vector<ModelIndex>{0});
}

TEST(EngineModel, RemovalThatAbortsEndsEverythingInTheStep) {
  Busy busy;
  busy.sim.remove(0, StopMode::kAbort);
  EXPECT_EQ(busy.running->status, Status::kClosing);
  EXPECT_TRUE(busy.running->attempts[0].aborted);
  EXPECT_EQ(busy.waiting->status, Status::kClosing);
  EXPECT_EQ(busy.sim.gone, std::vector<ModelIndex>{0});
  busy.sim.run_all();
}

TEST(EngineModel, RemovalMayBeAskedForAgainAndHarder) {
  Busy busy;
  busy.sim.remove(0, StopMode::kDrain);
  busy.sim.remove(0, StopMode::kAbort);
  EXPECT_EQ(busy.sim.gone, std::vector<ModelIndex>{0});
  busy.sim.run_all();
}

TEST(EngineModel, RemovalThatCancelsRetriesNothing) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.remove(0, StopMode::kCancel);
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 1u);
  EXPECT_EQ(job.status, Status::kClosing);
  EXPECT_EQ(sim.gone.size(), 1u);
}

TEST(EngineModel, RemovalLeavesTheOthersAlone) {
  Busy busy;
  Want other;
  other.model = busy.sim.add_model(ModelSpec{});
  Job& job = busy.sim.submit(other);
  busy.sim.remove(0, StopMode::kAbort);
  EXPECT_TRUE(job.running());
  busy.sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
}

TEST(EngineModel, RemovalForgetsItsWakeUp) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(3600))}));
  sim.submit(Want{});
  sim.submit(Want{});
  sim.run_for(seconds(1));
  sim.remove(0, StopMode::kCancel);
  EXPECT_EQ(sim.gone.size(), 1u);
  EXPECT_EQ(sim.engine.next_wake(), kNever);
}

TEST(EngineModel, AnIndexMayBeUsedAgain) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.submit(Want{});
  sim.remove(0, StopMode::kAbort);
  ASSERT_EQ(sim.engine.model(0), nullptr);
  const ModelSpec spec = model_with({concurrency(3)});
  sim.step(ModelAdded{0, &spec});
  for (int i = 0; i < 5; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.running(0), 3);
  EXPECT_EQ(sim.model(0).counters.submitted, 5u) << "it counts from nothing";
  sim.run_all();
}

TEST(EngineModel, RemovalDuringShutdownGoesToo) {
  Busy busy;
  busy.sim.shut_down(StopMode::kDrain);
  busy.sim.remove(0, StopMode::kCancel);
  busy.sim.run_all();
  EXPECT_EQ(busy.sim.closed, 1);
  EXPECT_EQ(busy.sim.gone.size(), 1u);
}

}  // namespace
}  // namespace llmq::core
