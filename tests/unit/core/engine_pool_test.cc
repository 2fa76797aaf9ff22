// Models that share limits are admitted as one.
#include <gtest/gtest.h>

#include <cstdint>

#include "core/random.h"
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

Want of_model(ModelIndex model, uint32_t tokens, uint8_t priority = 0) {
  Want want;
  want.model = model;
  want.input_tokens = tokens;
  want.priority = priority;
  return want;
}

// Two models under one pool.
class EnginePools : public testing::Test {
 protected:
  void share(const std::vector<LimitSpec>& limits, int models = 2) {
    ModelSpec spec;
    spec.pools = {sim.add_pool(limits)};
    for (int i = 0; i < models; ++i) sim.add_model(spec);
  }

  EngineSim sim;
};

TEST_F(EnginePools, GoInTheOrderOfArrivalAcrossModels) {
  share({per_period(LimitKind::kRequests, 2, seconds(1))}, 3);
  Random random(4);
  for (int i = 0; i < 60; ++i)
    sim.submit(of_model(static_cast<ModelIndex>(random.between(0, 2)), 0));
  sim.run_all();
  TimeNs last{};
  for (const Job& job : sim.jobs) {
    ASSERT_GE(job.attempts[0].started, last) << "request " << job.id;
    last = job.attempts[0].started;
  }
}

TEST_F(EnginePools, ASlotThatOneModelFreesGoesToWhoeverIsFirst) {
  share({concurrency(1)});
  sim.submit(of_model(0, 0));
  Job& other = sim.submit(of_model(1, 0));
  Job& same = sim.submit(of_model(0, 0));
  Job& urgent = sim.submit(of_model(1, 0, 1));
  sim.run_for(milliseconds(15));
  EXPECT_TRUE(urgent.running());
  sim.run_for(milliseconds(10));
  EXPECT_TRUE(other.running());
  sim.run_for(milliseconds(10));
  EXPECT_TRUE(same.running());
  sim.run_all();
}

TEST_F(EnginePools, ABlockedFrontIsNotPutOffByTheOtherModel) {
  share({per_period(LimitKind::kTokens, 100, seconds(10))});
  sim.check_promises = true;
  const TimeNs begin = sim.now();
  sim.submit(of_model(0, 50));
  Job& big = sim.submit(of_model(0, 90));
  for (int i = 0; i < 20; ++i) {
    sim.run_for(milliseconds(400));
    sim.submit(of_model(1, 5));
  }
  sim.run_for(seconds(3));
  ASSERT_EQ(big.attempts.size(), 1u);
  EXPECT_LE(big.attempts[0].started, begin + seconds(10) + milliseconds(1));
  sim.run_all();
}

TEST_F(EnginePools, SmallOnesOfTheOtherModelMayPass) {
  share({per_period(LimitKind::kTokens, 100, seconds(10))});
  sim.submit(of_model(0, 50));
  sim.run_for(seconds(1));
  sim.submit(of_model(0, 90));
  EXPECT_TRUE(sim.submit(of_model(1, 10)).running());
  EXPECT_FALSE(sim.submit(of_model(1, 1)).running());
  EXPECT_EQ(sim.model(1).block, Block::kOther);
  sim.run_all();
  EXPECT_EQ(sim.model(1).counters.completed, 2u);
}

// Held by running calls, there is no time to promise; still small ones must not eat what gets free.
TEST_F(EnginePools, NobodyPassesAFrontThatWaitsForAnEnd) {
  share({per_period(LimitKind::kTokens, 100, seconds(10), ChargeModel::kCompletion)});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(5);
    answer.usage = Usage{0, 0, 0, 0};
    return answer;
  };
  sim.submit(of_model(0, 50));
  Job& big = sim.submit(of_model(0, 100));
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(sim.submit(of_model(1, 10)).running());
    sim.run_for(milliseconds(300));
  }
  sim.run_for(seconds(3));
  EXPECT_FALSE(big.attempts.empty());
  sim.run_all();
}

TEST_F(EnginePools, CancelOfTheFrontLetsTheOtherModelGo) {
  share({per_period(LimitKind::kTokens, 100, seconds(10))});
  sim.submit(of_model(0, 50));
  Job& big = sim.submit(of_model(0, 100));
  Job& small = sim.submit(of_model(1, 10));
  EXPECT_FALSE(small.running());
  sim.cancel(big);
  EXPECT_TRUE(small.running());
  sim.run_all();
}

TEST_F(EnginePools, RemovalOfTheFrontsModelLetsTheOtherGo) {
  share({per_period(LimitKind::kTokens, 100, seconds(10)), concurrency(1)});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(100);
    return answer;
  };
  sim.submit(of_model(0, 50));
  sim.submit(of_model(0, 100));
  Job& small = sim.submit(of_model(1, 10));
  EXPECT_FALSE(small.running());
  sim.remove(0, StopMode::kAbort);
  EXPECT_TRUE(small.running());
  sim.run_all();
}

TEST_F(EnginePools, AClosedGateOfOneModelHoldsNoOther) {
  share({per_period(LimitKind::kTokens, 100, seconds(10))});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id == 1 && call.attempt == 1) {
      answer.status = Status::kRateLimited;
      answer.retry_after = seconds(60);
    }
    return answer;
  };
  sim.submit(of_model(0, 50));
  sim.submit(of_model(0, 100));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.model(0).block, Block::kGate);
  EXPECT_TRUE(sim.submit(of_model(1, 50)).running());
  sim.run_all();
}

TEST_F(EnginePools, UrgentWorkIsTriedWhereTheOtherFrontBinds) {
  share({per_period(LimitKind::kTokens, 100, seconds(10))});
  sim.submit(of_model(0, 50));
  sim.run_for(seconds(1));
  sim.submit(of_model(0, 90));
  sim.submit(of_model(1, 20));
  EXPECT_EQ(sim.model(1).block, Block::kOther);
  EXPECT_FALSE(sim.submit(of_model(1, 10)).running()) << "it stands behind the 20";
  EXPECT_TRUE(sim.submit(of_model(1, 10, 1)).running());
  sim.run_all();
}

}  // namespace
}  // namespace llmq::core
