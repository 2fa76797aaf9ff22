// Usage that becomes known after the end.
#include <gtest/gtest.h>

#include <optional>

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

ModelSpec hundred_per_minute() {
  return model_with({per_period(LimitKind::kTokens, 100, seconds(60))});
}

Want late(uint32_t tokens) {
  Want want;
  want.input_tokens = tokens;
  want.late_usage = true;
  return want;
}

TEST(EngineLateUsage, MakesRoomAtOnce) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(100));
  Job& second = sim.submit(late(90));
  sim.run_for(seconds(1));
  ASSERT_FALSE(second.running());
  EXPECT_EQ(sim.usage_known(first, Usage{6, 4, 2, 0}), Status::kOk);
  EXPECT_TRUE(second.running());
  EXPECT_EQ(sim.model(0).counters.input_tokens, 6u);
  EXPECT_EQ(sim.model(0).counters.output_tokens, 4u);
  EXPECT_EQ(sim.model(0).counters.cached_input_tokens, 2u);
  sim.run_all();
}

TEST(EngineLateUsage, OverrunsAreDebt) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(10));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(first, Usage{150, 0, 0, 0}), Status::kOk);
  EXPECT_FALSE(sim.submit(late(1)).running());
  sim.run_all();
}

TEST(EngineLateUsage, CountsOnce) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(100));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(sim.usage_known(first, Usage{10, 0, 0, 0}), Status::kStale);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 50);
}

TEST(EngineLateUsage, IsStaleWhenTheChargeHasLeftItsWindow) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(100));
  sim.run_for(seconds(60));
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kStale);
  EXPECT_EQ(sim.model(0).counters.input_tokens, 0u);
}

TEST(EngineLateUsage, IsStaleWhenEveryChargeHasLeftItsWindow) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 10, seconds(60)),
                            per_period(LimitKind::kTokens, 100, seconds(60))}));
  Job& first = sim.submit(late(100));
  sim.run_for(seconds(3600));
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kStale);
}

TEST(EngineLateUsage, IsStaleForRequestsThatDidNotAskForIt) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Want want = late(100);
  want.late_usage = false;
  Job& first = sim.submit(want);
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kStale);
}

TEST(EngineLateUsage, IsStaleIfTheUsageWasKnownAtTheEnd) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.usage = Usage{30, 0, 0, 0};
    return answer;
  };
  Job& first = sim.submit(late(100));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(first, Usage{50, 0, 0, 0}), Status::kStale);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 30);
}

TEST(EngineLateUsage, IsForTheLastAttemptEvenIfAnEarlierOneWasKnown) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt == 1) {
      answer.status = Status::kServer;
      answer.usage = Usage{5, 0, 0, 0};
    }
    return answer;
  };
  Job& job = sim.submit(late(40));
  sim.run_for(seconds(10));
  ASSERT_EQ(job.state, State::kCompleted);
  ASSERT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 45);
  EXPECT_EQ(sim.usage_known(job, Usage{20, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 25);
}

TEST(EngineLateUsage, IsForCancelledRequestsToo) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(100));
  sim.cancel(first);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 100);
  EXPECT_EQ(sim.usage_known(first, Usage{3, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 3);
}

TEST(EngineLateUsage, IsStaleForWhatNeverLeft) {
  EngineSim sim;
  ModelSpec spec = hundred_per_minute();
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return seconds(1); };
  Job& first = sim.submit(late(100));
  sim.cancel(first);
  EXPECT_EQ(sim.usage_known(first, Usage{3, 0, 0, 0}), Status::kStale);
}

TEST(EngineLateUsage, IsKeptForABoundedNumber) {
  EngineSim sim;
  ModelSpec spec = hundred_per_minute();
  spec.late_charges_max = 2;
  sim.add_model(spec);
  for (int i = 0; i < 3; ++i) sim.submit(late(10));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(sim.jobs[0], Usage{1, 0, 0, 0}), Status::kStale);
  EXPECT_EQ(sim.usage_known(sim.jobs[1], Usage{1, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(sim.usage_known(sim.jobs[2], Usage{1, 0, 0, 0}), Status::kOk);
}

TEST(EngineLateUsage, IsStaleWhenTheModelHasGone) {
  EngineSim sim;
  sim.add_model(hundred_per_minute());
  Job& first = sim.submit(late(10));
  sim.run_for(seconds(1));
  sim.remove(0, StopMode::kDrain);
  ASSERT_EQ(sim.engine.model(0), nullptr);
  EXPECT_EQ(sim.usage_known(first, Usage{1, 0, 0, 0}), Status::kStale);
}

TEST(EngineLateUsage, GivesNothingBackWhereArrivalCounts) {
  EngineSim sim;
  sim.add_model(
      model_with({per_period(LimitKind::kTokens, 100, seconds(60), ChargeModel::kArrival)}));
  Job& first = sim.submit(late(100));
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.usage_known(first, Usage{3, 0, 0, 0}), Status::kOk);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 100);
  EXPECT_EQ(sim.model(0).counters.input_tokens, 3u);
}

}  // namespace
}  // namespace llmq::core
