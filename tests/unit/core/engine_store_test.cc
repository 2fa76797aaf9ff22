// The seam for a durable store, with a test double: no step is made before the store knows of it.
#include <gtest/gtest.h>

#include <optional>
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
using Step = Persist::Step;

ModelSpec durable(std::vector<LimitSpec> limits = {}) {
  ModelSpec spec = model_with(std::move(limits));
  spec.durable = true;
  return spec;
}

std::optional<DurationNs> after_5_ms(const Persist&) { return milliseconds(5); }

TEST(EngineStore, IsNotAskedForOrdinaryModels) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.submit(Want{});
  sim.run_all();
  EXPECT_TRUE(sim.persisted.empty());
}

TEST(EngineStore, KnowsOfEachStepBeforeItIsMade) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store = after_5_ms;
  Job& job = sim.submit(Want{});
  EXPECT_EQ(sim.persisted, (std::vector<Step>{Step::kAccepted, Step::kSending}));
  EXPECT_FALSE(job.running()) << "sending is not durable yet";
  sim.run_for(milliseconds(5));
  EXPECT_TRUE(job.running());
  sim.run_for(milliseconds(10));
  EXPECT_EQ(sim.persisted.back(), Step::kDone);
  EXPECT_EQ(job.outcomes, 0) << "done is not durable yet";
  sim.run_for(milliseconds(5));
  EXPECT_EQ(job.outcomes, 1);
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(sim.persisted.size(), 3u);
}

TEST(EngineStore, KnowsOfEachRetry) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store = after_5_ms;
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt < 3) answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 3u);
  EXPECT_EQ(sim.persisted, (std::vector<Step>{Step::kAccepted, Step::kSending, Step::kSending,
                                              Step::kSending, Step::kDone}));
}

TEST(EngineStore, ThatFailsBeforeSendingFailsTheRequestAndChargesNothing) {
  EngineSim sim;
  sim.add_model(durable({per_period(LimitKind::kRequests, 1, seconds(60)), concurrency(1)}));
  sim.world.store = after_5_ms;
  sim.world.store_ok = [first = true](const Persist& persist) mutable {
    const bool fails = first && persist.step == Step::kSending;
    if (fails) first = false;
    return !fails;
  };
  Job& job = sim.submit(Want{});
  Job& next = sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.status, Status::kInternal);
  EXPECT_TRUE(job.attempts.empty());
  EXPECT_EQ(next.state, State::kCompleted) << "slot and charge went to the next";
}

TEST(EngineStore, ThatFailsAtTheEndDelaysNoOutcome) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store_ok = [](const Persist& persist) { return persist.step != Step::kDone; };
  Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.outcomes, 1);
  EXPECT_EQ(job.state, State::kCompleted);
}

TEST(EngineStore, CancelWhileItWritesGivesTheSlotBackAtOnce) {
  EngineSim sim;
  sim.add_model(durable({concurrency(1)}));
  sim.world.store = after_5_ms;
  Job& job = sim.submit(Want{});
  Job& next = sim.submit(Want{});
  sim.cancel(job);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 1) << "the next one has it";
  sim.run_all();
  EXPECT_EQ(job.outcomes, 1);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_TRUE(job.attempts.empty());
  EXPECT_EQ(next.state, State::kCompleted);
}

TEST(EngineStore, DeadlineWhileItWritesEndsTheRequest) {
  EngineSim sim;
  sim.add_model(durable({concurrency(1)}));
  sim.world.store = [](const Persist&) { return seconds(5); };
  Want want;
  want.deadline = sim.now() + seconds(1);
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_TRUE(job.attempts.empty());
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 0);
}

TEST(EngineStore, NothingStartsAfterItsDeadlineWhenTheStoreAnswersFirst) {
  EngineSim sim;
  sim.add_model(durable({per_period(LimitKind::kRequests, 1, seconds(60))}));
  sim.world.store = [](const Persist&) { return seconds(5); };
  sim.tick_lag = seconds(20);
  Want want;
  want.deadline = sim.now() + seconds(1);
  Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_TRUE(job.attempts.empty()) << "it was started 4 s after its deadline";
}

TEST(EngineStore, I9_AbortWhileItWritesAbortsNoAttempt) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store = after_5_ms;
  Job& writing = sim.submit(Want{});
  sim.shut_down(StopMode::kAbort);
  EXPECT_EQ(sim.closed, 0) << "an outcome is on its way to the store";
  sim.run_all();
  EXPECT_EQ(writing.outcomes, 1);
  EXPECT_EQ(writing.status, Status::kClosing);
  EXPECT_TRUE(writing.attempts.empty());
  EXPECT_EQ(sim.closed, 1);
}

TEST(EngineStore, RemovedModelsWaitForIt) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store = after_5_ms;
  sim.submit(Want{});
  sim.remove(0, StopMode::kAbort);
  EXPECT_TRUE(sim.gone.empty());
  sim.run_all();
  EXPECT_EQ(sim.gone.size(), 1u);
}

TEST(EngineStore, RefusalsAtSubmitArePersistedToo) {
  EngineSim sim;
  sim.add_model(durable({per_period(LimitKind::kTokens, 10, seconds(6))}));
  sim.world.store = after_5_ms;
  Want want;
  want.input_tokens = 11;
  Job& job = sim.submit(want);
  EXPECT_EQ(job.outcomes, 0);
  sim.run_all();
  EXPECT_EQ(job.status, Status::kOversize);
  EXPECT_EQ(sim.persisted, (std::vector<Step>{Step::kAccepted, Step::kDone}));
}

TEST(EngineStore, IgnoresReportsOfAttemptsWhileItWritesTheNext) {
  EngineSim sim;
  sim.add_model(durable());
  sim.world.store = after_5_ms;
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt == 1) answer.status = Status::kServer;
    answer.latency = milliseconds(20);
    return answer;
  };
  Job& job = sim.submit(Want{});
  while (job.attempts.empty() || job.running()) sim.run_for(milliseconds(1));
  while (job.record->store_answers == 0) sim.run_for(milliseconds(1));
  sim.step(AttemptFinished{job.record.get(), 1});
  sim.step(AttemptSent{job.record.get(), 1});
  EXPECT_EQ(job.outcomes, 0);
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.state, State::kCompleted);
}

// The refusal came while the store wrote: the request was not sent yet, and must not be.
TEST(EngineStore, I10_NothingStartsBeforeRetryAfterThoughTheStoreKnowsOfIt) {
  EngineSim sim;
  sim.add_model(durable({concurrency(2)}));
  sim.world.store = [](const Persist& persist) {
    return persist.request->id == 2 ? seconds(1) : milliseconds(5);
  };
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id == 1 && call.attempt == 1) {
      answer.status = Status::kRateLimited;
      answer.retry_after = seconds(20);
    }
    return answer;
  };
  sim.submit(Want{});
  Job& second = sim.submit(Want{});
  const TimeNs refused = sim.now() + milliseconds(15);
  sim.run_all();
  EXPECT_EQ(second.state, State::kCompleted);
  EXPECT_GE(second.attempts[0].started, refused + seconds(20));
}

// As in EngineAdmission: when the store answers, held turns into charged, and a time to wake for
// appears.
TEST(EngineStore, I7_WakesWhenASentCallLeavesTheWindowThoughItStillRuns) {
  EngineSim sim;
  sim.add_model(durable({per_period(LimitKind::kRequests, 1, seconds(1))}));
  sim.world.store = after_5_ms;
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(60);
    return answer;
  };
  sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.run_for(seconds(2));
  EXPECT_TRUE(second.running()) << "it was forgotten";
}

}  // namespace
}  // namespace llmq::core
