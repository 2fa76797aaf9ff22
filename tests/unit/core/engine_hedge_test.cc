// A second call of a request that is slow, elsewhere: the first output wins, the other is aborted
// and paid for.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>

#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;
using sim::Job;
using sim::per_period;
using sim::Want;

constexpr DurationNs kUsual = milliseconds(100);
constexpr DurationNs kAfter = milliseconds(300);

class EngineHedge : public testing::Test {
 protected:
  // Calls at the first place take as long as `slow` says, calls at the second one as usual.
  void two_places(DurationNs slow, const std::function<void(ModelSpec&)>& also = {}) {
    ModelSpec spec;
    spec.hedge.enabled = true;
    spec.hedge.after = kAfter;
    spec.hedge.percent = 100;
    spec.retry.base = milliseconds(10);
    if (also) also(spec);
    sim.check_wake_ups = true;
    sim.keep_notices = true;
    sim.add_model(spec);
    DeploymentSpec other = spec;
    other.order = 1;  // so that calls begin at the first one
    sim.add_deployment(0, other);
    sim.world.answer = [this, slow](const Call& call) {
      Answer answer = at(call).deployment == 0 ? first : second;
      answer.latency = at(call).deployment == 0 ? slow : kUsual;
      answer.usage = Usage{10, 5, 0, 0};
      if (answer.status != Status::kOk) answer.usage.reset();
      return answer;
    };
  }
  static const sim::Attempt& at(const Call& call) {
    return call.job.attempts[static_cast<size_t>(call.attempt - 1)];
  }
  // Enough of a budget for a few second calls.
  void save_up() {
    const DurationNs after = sim.model(0).settings.hedge.after;
    sim.model(0).settings.hedge.after = seconds(1'000);
    for (int i = 0; i < 5; ++i) sim.submit(sized());
    sim.run_all();
    sim.model(0).settings.hedge.after = after;
  }
  static Want sized() {
    Want want;
    want.input_tokens = 10;
    want.output_tokens = 20;
    return want;
  }
  const Counters& counters() { return sim.model(0).counters; }
  void expect_at_rest() {
    EXPECT_EQ(sim.engine.live(), 0u);
    EXPECT_EQ(counters().pending + counters().processing, 0u);
    for (DeploymentIndex i = 0; i < 2; ++i) {
      EXPECT_EQ(sim.deployment(0, i).processing, 0u);
      for (Limit* limit : sim.deployment(0, i).limiter.limits()) EXPECT_EQ(limit->held(), 0);
    }
  }

  EngineSim sim;
  Answer first;
  Answer second;
};

TEST_F(EngineHedge, TheFirstAnswerWinsAndTheOtherIsAborted) {
  two_places(seconds(5));
  save_up();
  const TimeNs begin = sim.now();
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_LE(job.ended, begin + kAfter + kUsual + milliseconds(2));
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_TRUE(job.attempts[0].aborted);
  EXPECT_EQ(job.attempts[0].status, Status::kCancelled);
  EXPECT_TRUE(job.attempts[1].is_hedge);
  EXPECT_EQ(job.attempts[1].deployment, 1u);
  EXPECT_EQ(counters().hedges, 1u);
  EXPECT_EQ(counters().hedges_won, 1u);
  EXPECT_EQ(counters().retries, 0u) << "it has not failed";
  EXPECT_EQ(counters().attempts, 7u);
  expect_at_rest();
}

TEST_F(EngineHedge, TheSecondCallLosesIfTheFirstAnswersAfterAll) {
  two_places(kAfter + milliseconds(50));
  save_up();
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_FALSE(job.attempts[0].aborted);
  EXPECT_TRUE(job.attempts[1].aborted);
  EXPECT_EQ(counters().hedges, 1u);
  EXPECT_EQ(counters().hedges_won, 0u);
  expect_at_rest();
}

TEST_F(EngineHedge, WhatTheLoserMayHaveUsedStaysCharged) {
  two_places(seconds(5), [](ModelSpec& spec) {
    spec.limits = {per_period(LimitKind::kTokens, 100'000, seconds(600))};
  });
  save_up();
  const int64_t before = sim.deployment(0, 0).limiter.limits()[0]->used(sim.now());
  sim.submit(sized());
  sim.run_for(seconds(1));
  Limit* const slow = sim.deployment(0, 0).limiter.limits()[0];
  EXPECT_EQ(slow->used(sim.now()) - before, 30) << "all that was reserved";
  Limit* const winner = sim.deployment(0, 1).limiter.limits()[0];
  EXPECT_EQ(winner->used(sim.now()), 15) << "what was used";
  expect_at_rest();
}

TEST_F(EngineHedge, OffUnlessAskedFor) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.hedge.enabled = false; });
  save_up();
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 1u);
  EXPECT_EQ(counters().hedges, 0u);
}

TEST_F(EngineHedge, NothingIsHedgedUntilEnoughIsKnownUnlessABoundIsSet) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.hedge.after = {}; });
  save_up();
  sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(counters().hedges, 0u);
  for (size_t i = 0; i < FirstOutputs::kEnough; ++i) {
    sim.deployment(0, 1).first_outputs[0].add(milliseconds(200));
  }
  const TimeNs begin = sim.now();
  const Job& job = sim.submit(sized());
  sim.run_all();
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_GE(job.attempts[1].started, begin + milliseconds(200));
  EXPECT_LE(job.attempts[1].started, begin + milliseconds(202));
}

TEST_F(EngineHedge, TheBoundHoldsWhateverIsKnown) {
  two_places(seconds(5));
  save_up();
  for (size_t i = 0; i < FirstOutputs::kEnough; ++i) {
    sim.deployment(0, 1).first_outputs[0].add(milliseconds(1));
  }
  const TimeNs begin = sim.now();
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_GE(job.attempts[1].started, begin + kAfter);
}

TEST_F(EngineHedge, CallsThatStreamAreAMeasureOfTheirOwn) {
  two_places(seconds(5));
  save_up();
  for (size_t i = 0; i < FirstOutputs::kEnough; ++i) {
    sim.deployment(0, 1).first_outputs[0].add(seconds(2));  // of whole answers
  }
  Want want = sized();
  want.streams = true;
  const TimeNs begin = sim.now();
  const Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_LE(job.attempts[1].started, begin + kAfter + milliseconds(2));
}

TEST_F(EngineHedge, ALoserTeachesThatItTookAtLeastSoLong) {
  two_places(seconds(5));
  save_up();
  for (size_t i = 0; i < FirstOutputs::kEnough; ++i) {
    sim.deployment(0, 0).first_outputs[0] = FirstOutputs{};
  }
  for (size_t i = 0; i < FirstOutputs::kEnough; ++i) {
    sim.submit(sized());
    sim.run_all();
  }
  FirstOutputs& outputs = sim.deployment(0, 0).first_outputs[0];
  ASSERT_TRUE(outputs.known());
  EXPECT_GE(outputs.p95(), kAfter + kUsual);
}

TEST_F(EngineHedge, OutputOfTheFirstEndsTheSecond) {
  two_places(seconds(5));
  save_up();
  first.output = {{kAfter + milliseconds(20), 1}};
  const Job& job = sim.submit(sized());
  sim.run_for(seconds(1));
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_TRUE(job.attempts[1].aborted);
  EXPECT_FALSE(job.attempts[0].ended);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  expect_at_rest();
}

TEST_F(EngineHedge, OutputOfTheSecondEndsTheFirst) {
  two_places(seconds(5));
  save_up();
  second.output = {{milliseconds(20), 1}};
  const Job& job = sim.submit(sized());
  sim.run_for(kAfter + milliseconds(30));
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_TRUE(job.attempts[0].aborted);
  EXPECT_FALSE(job.attempts[1].ended);
  EXPECT_EQ(counters().hedges_won, 1u);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  expect_at_rest();
}

TEST_F(EngineHedge, NoneOnceOutputHasBegun) {
  two_places(seconds(5));
  save_up();
  first.output = {{milliseconds(20), 1}};
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.attempts.size(), 1u);
}

TEST_F(EngineHedge, WhenTheFirstFailsTheRequestGoesOnWithTheSecond) {
  two_places(kAfter + milliseconds(50));
  save_up();
  first.status = Status::kServer;
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.attempts[0].status, Status::kServer);
  EXPECT_FALSE(job.attempts[1].aborted);
  EXPECT_EQ(counters().retries, 0u);
  expect_at_rest();
}

TEST_F(EngineHedge, WhenTheSecondFailsTheFirstGoesOn) {
  two_places(seconds(5));
  save_up();
  second.status = Status::kServer;
  const Job& job = sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  ASSERT_EQ(job.attempts.size(), 2u) << "one second call per attempt";
  EXPECT_FALSE(job.attempts[0].aborted);
  expect_at_rest();
}

TEST_F(EngineHedge, WhenBothFailItIsTriedAgainUnderANumberOfItsOwn) {
  two_places(kAfter + milliseconds(50));
  save_up();
  first.status = Status::kServer;
  second.status = Status::kServer;
  second.latency = kUsual;
  Want want = sized();
  want.max_attempts = 2;
  const Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.status, Status::kServer);
  uint64_t hedged = 0;
  for (const sim::Attempt& attempt : job.attempts) hedged += attempt.is_hedge ? 1 : 0;
  EXPECT_GT(hedged, 0u);
  EXPECT_EQ(job.attempts.size() - hedged, 2u) << "second calls are none of its attempts";
  expect_at_rest();
}

TEST_F(EngineHedge, CancelEndsBoth) {
  two_places(seconds(5), [](ModelSpec& spec) {
    spec.limits = {per_period(LimitKind::kTokens, 100'000, seconds(600))};
  });
  save_up();
  Job& job = sim.submit(sized());
  second.hangs = true;
  sim.run_for(kAfter + milliseconds(10));
  EXPECT_EQ(job.runs(), 2);
  sim.cancel(job);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_EQ(job.runs(), 0);
  EXPECT_TRUE(job.attempts[0].aborted && job.attempts[1].aborted);
  EXPECT_EQ(sim.deployment(0, 1).limiter.limits()[0]->used(sim.now()), 30) << "it was in flight";
  expect_at_rest();
}

TEST_F(EngineHedge, TheDeadlineEndsBoth) {
  two_places(seconds(5));
  save_up();
  second.hangs = true;
  Want want = sized();
  want.deadline = sim.now() + seconds(1);
  const Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.state, State::kExpired);
  EXPECT_EQ(job.attempts.size(), 2u);
  expect_at_rest();
}

TEST_F(EngineHedge, ShutdownEndsBoth) {
  two_places(seconds(5));
  save_up();
  second.hangs = true;
  const Job& job = sim.submit(sized());
  sim.run_for(kAfter + milliseconds(10));
  EXPECT_EQ(job.runs(), 2);
  sim.shut_down(StopMode::kAbort);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_EQ(sim.closed, 1);
  expect_at_rest();
}

TEST_F(EngineHedge, EachHasItsOwnTimeOut) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.retry.on = 0; });
  save_up();
  second.hangs = true;
  Want want = sized();
  want.timeout_ms = 400;
  const TimeNs begin = sim.now();
  const Job& job = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(job.status, Status::kTimeout);
  ASSERT_EQ(job.attempts.size(), 2u);
  EXPECT_GE(job.ended, begin + kAfter + milliseconds(400)) << "the second one had all its time";
  EXPECT_LT(*job.attempts[0].ended, *job.attempts[1].ended);
  expect_at_rest();
}

TEST_F(EngineHedge, APlaceThatGoesTakesItsAttemptAlone) {
  two_places(seconds(5));
  save_up();
  second.hangs = true;
  const Job& job = sim.submit(sized());
  sim.run_for(kAfter + milliseconds(10));
  sim.remove(0, 1, StopMode::kAbort);
  EXPECT_EQ(job.runs(), 1);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(sim.deployments_gone.size(), 1u);
}

TEST_F(EngineHedge, APlaceThatGoesLeavesTheSecondCall) {
  two_places(seconds(5));
  save_up();
  second.latency = seconds(2);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(2);
    return answer;
  };
  const Job& job = sim.submit(sized());
  sim.run_for(kAfter + milliseconds(10));
  ASSERT_EQ(job.runs(), 2);
  sim.remove(0, 0, StopMode::kAbort);
  EXPECT_EQ(job.runs(), 1);
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.attempts.size(), 2u);
}

TEST_F(EngineHedge, NotWhileSomebodyWaitsForRoom) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.max_in_flight = 2; });
  save_up();
  second.latency = seconds(5);
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(4);
    return answer;
  };
  for (int i = 0; i < 5; ++i) sim.submit(sized());  // four run, one waits
  sim.run_for(seconds(2));
  EXPECT_EQ(counters().hedges, 0u);
  sim.run_all();
}

TEST_F(EngineHedge, OnlyWhereThereIsRoomNowAndThenLater) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.limits = {sim::concurrency(1)}; });
  save_up();
  Job& job = sim.submit(sized());
  second.latency = milliseconds(900);
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = at(call).deployment == 0 ? seconds(5) : milliseconds(900);
    return answer;
  };
  const Job& other = sim.submit(sized());  // takes the other place
  sim.run_for(milliseconds(800));
  EXPECT_EQ(job.attempts.size(), 1u);
  EXPECT_EQ(other.attempts.back().deployment, 1u);
  sim.run_all();
  ASSERT_EQ(job.attempts.size(), 2u) << "looked at again";
  EXPECT_TRUE(job.attempts[1].is_hedge);
  EXPECT_EQ(job.state, State::kCompleted);
  expect_at_rest();
}

TEST_F(EngineHedge, NeverAsAProbeOfABreaker) {
  two_places(seconds(5), [](ModelSpec& spec) { spec.breaker.min_calls = 1; });
  save_up();
  second.status = Status::kServer;
  Random random(1);
  sim.deployment(0, 1).breaker.failed(sim.now(), nullptr, sim.now(), Status::kServer, true,
                                      sim.deployment(0, 1).spec.breaker, random);
  ASSERT_FALSE(sim.deployment(0, 1).breaker.is_closed());
  sim.submit(sized());
  sim.run_all();
  EXPECT_EQ(counters().hedges, 0u);
}

TEST_F(EngineHedge, OnlyWithinItsBudget) {
  two_places(seconds(1), [](ModelSpec& spec) { spec.hedge.percent = 2; });
  for (int i = 0; i < 500; ++i) {
    sim.submit(sized());
    sim.run_for(seconds(2));
  }
  EXPECT_EQ(counters().hedges, 10u);
  expect_at_rest();
}

TEST_F(EngineHedge, ASharedCallIsHedgedOnceForAll) {
  two_places(seconds(5));
  save_up();
  const Job& one = sim.join(sized());
  const Job& two = sim.join(sized(), &one);
  const Job& call = *one.flight;
  sim.run_all();
  EXPECT_EQ(one.state, State::kCompleted);
  EXPECT_EQ(two.state, State::kCompleted);
  EXPECT_EQ(call.attempts.size(), 2u);
  EXPECT_TRUE(call.attempts[0].aborted);
  EXPECT_EQ(counters().hedges_won, 1u);
  expect_at_rest();
}

TEST_F(EngineHedge, NoticesTellWhichIsTheSecondCall) {
  two_places(seconds(5));
  save_up();
  sim.notices.clear();
  sim.submit(sized());
  sim.run_all();
  int told = 0;
  for (const Notice& notice : sim.notices) {
    if (notice.kind == Notice::kAttemptStarted) {
      EXPECT_EQ(notice.is_hedge, notice.attempt == 2);
      ++told;
    }
    if (notice.kind == Notice::kAttemptFinished) {
      EXPECT_EQ(notice.is_hedge, notice.attempt == 2);
      EXPECT_EQ(notice.was_hedged, notice.attempt == 1);
      EXPECT_EQ(notice.status, notice.attempt == 1 ? Status::kCancelled : Status::kOk);
      ++told;
    }
  }
  EXPECT_EQ(told, 4);
}

}  // namespace
}  // namespace llmq::core
