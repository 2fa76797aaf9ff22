// What a failed attempt means: retry, gate, or the end.
#include <gtest/gtest.h>

#include <algorithm>

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

TEST(EngineRetry, TransientFailuresAreTriedAgain) {
  for (const Status status : {Status::kRateLimited, Status::kOverloaded, Status::kServer,
                              Status::kTransport, Status::kTimeout}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.world.answer = [status](const Call& call) {
      return call.attempt < 3 ? failing(status) : Answer{};
    };
    Job& job = sim.submit(Want{});
    sim.run_all();
    EXPECT_EQ(job.attempts.size(), 3u);
    EXPECT_EQ(job.state, State::kCompleted);
  }
}

TEST(EngineRetry, OtherFailuresAreFinal) {
  for (const Status status :
       {Status::kAuth, Status::kBadRequest, Status::kContextTooLong, Status::kContentFilter,
        Status::kQuotaExhausted, Status::kProcessing, Status::kAbandoned, Status::kUnknown}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.world.answer = [status](const Call&) { return failing(status); };
    Job& job = sim.submit(Want{});
    sim.run_all();
    EXPECT_EQ(job.attempts.size(), 1u);
    EXPECT_EQ(job.state, State::kFailed);
    EXPECT_EQ(job.status, status);
  }
}

TEST(EngineRetry, AFailureWhoseCauseIsGoneIsTriedAgainAtOnceWhileAttemptsAreLeft) {
  for (const uint8_t most : {uint8_t{1}, uint8_t{3}}) {
    EngineSim sim;
    sim.add_model(ModelSpec{});
    sim.world.answer = [](const Call&) {
      Answer answer = failing(Status::kAuth);
      answer.mended = true;
      return answer;
    };
    Want want;
    want.max_attempts = most;
    Job& job = sim.submit(want);
    sim.run_all();
    ASSERT_EQ(job.attempts.size(), most);
    EXPECT_EQ(job.status, Status::kAuth);
    if (most > 1) {
      EXPECT_LE(job.attempts[1].started - *job.attempts[0].ended, milliseconds(2));
    }
  }
}

TEST(EngineRetry, I10_AttemptsAreBounded) {
  for (const uint8_t most : {uint8_t{0}, uint8_t{1}, uint8_t{5}, uint8_t{255}}) {
    EngineSim sim;
    ModelSpec spec;
    spec.retry.base = milliseconds(1);
    spec.retry.cap = milliseconds(2);
    sim.add_model(spec);
    sim.world.answer = [](const Call&) { return failing(Status::kServer); };
    Want want;
    want.max_attempts = most;
    Job& job = sim.submit(want);
    sim.run_all();
    EXPECT_EQ(job.attempts.size(), std::max<size_t>(most, 1));
    EXPECT_EQ(job.state, State::kFailed);
    EXPECT_EQ(job.status, Status::kServer);
  }
}

TEST(EngineRetry, WaitsForItsDelayAndHoldsNothingMeanwhile) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) {
    return call.job.id == 1 && call.attempt == 1 ? failing(Status::kServer) : Answer{};
  };
  Job& first = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.run_for(milliseconds(10));
  EXPECT_EQ(first.record->state, State::kPending);
  EXPECT_TRUE(second.running()) << "the slot is free while the first waits";
  sim.run_all();
  EXPECT_GE(first.attempts[1].started, *first.attempts[0].ended + milliseconds(500));
}

TEST(EngineRetry, KeepsItsPlaceInLine) {
  EngineSim sim;
  ModelSpec spec = model_with({concurrency(1)});
  spec.retry.base = spec.retry.cap = milliseconds(30);
  sim.add_model(spec);
  sim.world.answer = [](const Call& call) {
    if (call.job.id == 1 && call.attempt == 1) return failing(Status::kServer);
    Answer answer;
    answer.latency = milliseconds(100);
    return answer;
  };
  Job& first = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  Job& third = sim.submit(Want{});
  sim.run_all();
  EXPECT_LT(second.attempts[0].started, first.attempts[1].started);
  EXPECT_LT(first.attempts[1].started, third.attempts[0].started);
}

TEST(EngineRetry, PaysQuotaAgain) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 2, seconds(60))}));
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kServer) : Answer{};
  };
  Job& first = sim.submit(Want{});
  sim.run_for(seconds(10));
  EXPECT_EQ(first.state, State::kCompleted);
  Job& second = sim.submit(Want{});
  EXPECT_FALSE(second.running()) << "both attempts of the first count";
  sim.run_all();
}

TEST(EngineRetry, ARetryThatComesFirstInLineMayStartAtOnce) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(60))}));
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 && call.job.id == 1 ? failing(Status::kServer) : Answer{};
  };
  Want small;
  small.input_tokens = 20;
  Want big;
  big.input_tokens = 90;
  Job& retried = sim.submit(small);
  Job& blocked = sim.submit(big);
  sim.run_for(seconds(5));
  EXPECT_EQ(retried.state, State::kCompleted);
  EXPECT_TRUE(blocked.attempts.empty());
  sim.run_all();
  EXPECT_EQ(blocked.state, State::kCompleted);
}

TEST(EngineGate, I10_NothingStartsBeforeRetryAfter) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(2)}));
  sim.world.answer = [](const Call& call) {
    if (call.job.id == 1 && call.attempt == 1) return failing(Status::kRateLimited, seconds(7));
    Answer answer;
    answer.latency = milliseconds(50);
    return answer;
  };
  for (int i = 0; i < 6; ++i) sim.submit(Want{});
  const TimeNs refused = sim.now() + milliseconds(10);
  sim.run_all();
  for (const Job& job : sim.jobs) {
    EXPECT_EQ(job.state, State::kCompleted);
    if (job.id > 2) {
      EXPECT_GE(job.attempts[0].started, refused + seconds(7));
    }
  }
  EXPECT_LE(sim.jobs[2].attempts[0].started, refused + seconds(7) + milliseconds(1));
  EXPECT_GE(sim.jobs[0].attempts[1].started, refused + seconds(7));
}

TEST(EngineGate, TheLongestRetryAfterCounts) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    if (call.attempt > 1) return Answer{};
    return failing(Status::kRateLimited, call.job.id == 1 ? seconds(20) : seconds(5));
  };
  sim.submit(Want{});
  sim.submit(Want{});
  const TimeNs refused = sim.now() + milliseconds(10);
  sim.run_for(milliseconds(15));
  Job& later = sim.submit(Want{});
  EXPECT_EQ(sim.model(0).blocked_until, refused + seconds(20));
  EXPECT_EQ(sim.model(0).blocked_by, -1);
  EXPECT_FALSE(later.running());
  sim.run_all();
}

TEST(EngineGate, IsForItsModelOnly) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kRateLimited, seconds(20)) : Answer{};
  };
  sim.submit(Want{});
  sim.run_for(seconds(1));
  Want other;
  other.model = 1;
  EXPECT_TRUE(sim.submit(other).running());
  EXPECT_FALSE(sim.submit(Want{}).running());
  sim.run_all();
}

TEST(EngineGate, IsNotClosedByARefusalWithoutAHint) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kRateLimited) : Answer{};
  };
  sim.submit(Want{});
  sim.run_for(milliseconds(20));
  EXPECT_TRUE(sim.submit(Want{}).running());
  sim.run_all();
}

}  // namespace
}  // namespace llmq::core
