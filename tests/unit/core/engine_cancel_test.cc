// Who no longer wants an answer: nothing is lost, nothing is taken twice.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

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

TEST(EngineCancel, OfAWaitingRequestIsImmediate) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.submit(Want{});
  Job& job = sim.submit(Want{});
  sim.cancel(job);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_EQ(job.status, Status::kCancelled);
  EXPECT_TRUE(job.attempts.empty());
}

TEST(EngineCancel, OfARunningRequestAbortsItsAttemptAndFreesTheSlot) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  Job& first = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.cancel(first);
  EXPECT_TRUE(first.attempts[0].aborted);
  EXPECT_EQ(first.attempts[0].status, Status::kCancelled);
  EXPECT_EQ(first.state, State::kCancelled);
  EXPECT_TRUE(second.running()) << "in the same step";
  sim.run_all();
  EXPECT_EQ(first.outcomes, 1) << "the late answer changes nothing";
  EXPECT_EQ(second.state, State::kCompleted);
}

TEST(EngineCancel, OfTheFirstInLineLetsTheNextOneTry) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(6))}));
  Want half;
  half.input_tokens = 50;
  sim.submit(half);
  Want whole;
  whole.input_tokens = 100;
  Job& big = sim.submit(whole);
  Job& small = sim.submit(half);
  EXPECT_FALSE(small.running());
  sim.cancel(big);
  EXPECT_TRUE(small.running());
}

TEST(EngineCancel, OfARequestThatWaitsForItsRetry) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.status = Status::kServer;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.run_for(milliseconds(20));
  ASSERT_FALSE(job.running());
  EXPECT_NE(sim.engine.next_wake(), kNever);
  sim.cancel(job);
  EXPECT_EQ(job.state, State::kCancelled);
  EXPECT_EQ(sim.engine.next_wake(), kNever) << "its retry is forgotten";
}

TEST(EngineCancel, OfARetryThatIsBackInLine) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id == 1) {
      answer.status = Status::kServer;
    } else {
      answer.latency = seconds(100);
    }
    return answer;
  };
  Job& retried = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.run_for(seconds(10));
  ASSERT_EQ(sim.model(0).queue.front(), retried.record.get());
  sim.cancel(retried);
  EXPECT_EQ(retried.state, State::kCancelled);
  sim.run_all();
  EXPECT_EQ(second.state, State::kCompleted);
}

TEST(EngineCancel, I4_BeforeTheBytesLeaveChargesNothing) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 1, seconds(6))});
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return seconds(1); };
  Job& first = sim.submit(Want{});
  Job& second = sim.submit(Want{});
  EXPECT_FALSE(second.running());
  sim.cancel(first);
  EXPECT_TRUE(second.running());
  sim.run_all();
}

TEST(EngineCancel, AfterTheBytesLeftKeepsTheCharge) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kRequests, 1, seconds(6)),
                            per_period(LimitKind::kTokens, 100, seconds(6))}));
  const TimeNs begin = sim.now();
  Want want;
  want.input_tokens = 100;
  Job& first = sim.submit(want);
  Job& second = sim.submit(want);
  sim.cancel(first);
  EXPECT_FALSE(second.running()) << "the provider has counted the first";
  sim.run_all();
  EXPECT_GE(second.attempts[0].started, begin + seconds(6));
}

// I3: as many cancels as there are slots, many times over, and every slot is still there.
TEST(EngineCancel, I3_LosesNoSlot) {
  EngineSim sim;
  sim.add_model(model_with({concurrency(5)}));
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 8; ++i) sim.submit(Want{});
    for (Job& job : sim.jobs) sim.cancel(job);
  }
  EXPECT_EQ(sim.engine.live(), 0u);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 0);
  sim.forget_most_running(0);
  for (int i = 0; i < 8; ++i) sim.submit(Want{});
  EXPECT_EQ(sim.most_running(0), 5);
  sim.run_all();
}

// Each place in a long line, in every class and tenant: the rest goes on as if it had never been.
TEST(EngineCancel, AtEveryPlaceInALongLine) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(1)), concurrency(3)}));
  sim.check_wake_ups = true;
  Random random(9);
  std::vector<Job*> jobs;
  for (int i = 0; i < 900; ++i) {
    Want want;
    want.input_tokens = static_cast<uint32_t>(random.between(0, 100));
    want.tenant = static_cast<TenantIndex>(random.between(0, 3));
    want.priority = static_cast<uint8_t>(random.between(0, 4));
    jobs.push_back(&sim.submit(want));
  }
  while (!jobs.empty()) {
    const auto at = static_cast<size_t>(random.between(0, static_cast<int64_t>(jobs.size()) - 1));
    sim.cancel(*jobs[at]);
    jobs[at] = jobs.back();
    jobs.pop_back();
    if (random.between(0, 9) == 0) sim.run_for(milliseconds(random.between(0, 200)));
  }
  EXPECT_EQ(sim.engine.live(), 0u);
  EXPECT_EQ(sim.model(0).queue.size(), 0u);
  EXPECT_EQ(sim.engine.next_wake(), kNever);
  for (const Job& job : sim.jobs) EXPECT_EQ(job.outcomes, 1);
}

}  // namespace
}  // namespace llmq::core
