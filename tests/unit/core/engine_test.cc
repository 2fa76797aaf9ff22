// The engine as a whole: counters, wake-ups, replay. By subject: engine_*_test.cc.
#include "core/engine.h"

#include <gtest/gtest.h>

#include <string>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;
using sim::Job;
using sim::Want;

TEST(Engine, RunsARequestToItsOneOutcome) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  Job& job = sim.submit(Want{});
  EXPECT_EQ(sim.engine.live(), 1u);
  ASSERT_TRUE(job.running()) << "it starts in the step that brought it";
  EXPECT_EQ(job.record->state, State::kProcessing);
  sim.run_all();
  EXPECT_EQ(job.outcomes, 1);
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.status, Status::kOk);
  EXPECT_EQ((job.ended - job.submitted), milliseconds(10));
  EXPECT_EQ(sim.engine.live(), 0u);
}

TEST(Engine, HasNoModelThatWasNotAdded) {
  EngineSim sim;
  EXPECT_EQ(sim.engine.model(0), nullptr);
  sim.add_model(ModelSpec{});
  EXPECT_NE(sim.engine.model(0), nullptr);
  EXPECT_EQ(sim.engine.model(1), nullptr);
}

TEST(Engine, Counts) {
  EngineSim sim;
  ModelSpec spec = sim::model_with({sim::concurrency(2)});
  sim.add_model(spec);
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id == 1) answer.usage = Usage{10, 5, 3, 0};
    if (call.job.id == 2) answer.status = Status::kBadRequest;
    if (call.job.id == 3 && call.attempt == 1) answer.status = Status::kRateLimited;
    answer.hangs = call.job.id == 4;
    return answer;
  };
  for (int i = 0; i < 3; ++i) sim.submit(Want{});
  Want late;
  late.deadline = sim.now() + seconds(40);
  sim.submit(late);
  EXPECT_EQ(sim.model(0).counters.pending, 2u);
  EXPECT_EQ(sim.model(0).counters.processing, 2u);
  Job& unwanted = sim.submit(Want{});
  sim.cancel(unwanted);
  sim.run_all();
  const Counters& counters = sim.model(0).counters;
  EXPECT_EQ(counters.submitted, 5u);
  EXPECT_EQ(counters.completed, 2u);
  EXPECT_EQ(counters.failed, 1u);
  EXPECT_EQ(counters.cancelled, 1u);
  EXPECT_EQ(counters.expired, 1u);
  EXPECT_EQ(counters.attempts, 5u);
  EXPECT_EQ(counters.retries, 1u);
  EXPECT_EQ(counters.rate_limited, 1u);
  EXPECT_EQ(counters.pending, 0u);
  EXPECT_EQ(counters.processing, 0u);
  EXPECT_EQ(counters.input_tokens, 10u);
  EXPECT_EQ(counters.output_tokens, 5u);
  EXPECT_EQ(counters.cached_input_tokens, 3u);
}

TEST(Engine, IgnoresReportsOfAttemptsThatEndedBefore) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = call.attempt == 1 ? milliseconds(700) : seconds(5);
    return answer;
  };
  Want want;
  want.timeout_ms = 100;
  want.max_attempts = 2;
  Job& job = sim.submit(want);
  sim.run_all();
  // The first attempt's answer came while the second waited or ran: it must not count as the
  // second's.
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.status, Status::kTimeout);
}

TEST(Engine, IgnoresReportsWithAWrongNumber) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.hangs = true;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.step(AttemptFinished{job.record.get(), 0});
  sim.step(AttemptFinished{job.record.get(), 2});
  EXPECT_EQ(job.outcomes, 0);
  job.attempts.back().ended = sim.now();  // the report below bypasses the provider
  sim.step(AttemptFinished{job.record.get(), 1});
  EXPECT_EQ(job.outcomes, 1);
}

// I12: time alone changes nothing, so nobody asks for a wake-up.
TEST(Engine, I12_SleepsWhenNothingIsDue) {
  EngineSim sim;
  EXPECT_EQ(sim.engine.next_wake(), kNever);
  sim.add_model(sim::model_with({sim::concurrency(1)}));
  sim.submit(Want{});
  sim.submit(Want{});
  EXPECT_EQ(sim.engine.next_wake(), kNever) << "only the end of the first can start the second";
  sim.run_all();
  EXPECT_EQ(sim.ticks, 0u);
  EXPECT_EQ(sim.engine.next_wake(), kNever);
}

TEST(Engine, I12_WakesAtMostTwicePerRequest) {
  EngineSim sim;
  sim.add_model(sim::model_with({sim::per_period(LimitKind::kRequests, 5, seconds(2)),
                                 sim::per_period(LimitKind::kTokens, 100, seconds(6))}));
  constexpr int kRequests = 400;
  for (int i = 0; i < kRequests; ++i) {
    Want want;
    want.input_tokens = static_cast<uint32_t>(1 + i % 30);
    want.deadline = sim.now() + seconds(3600 + i);
    sim.submit(want);
  }
  sim.run_all();
  EXPECT_LE(sim.ticks, 2u * kRequests);
}

TEST(Engine, TicksTooEarlyOrTooOftenAreHarmless) {
  EngineSim sim;
  sim.add_model(sim::model_with({sim::per_period(LimitKind::kRequests, 1, seconds(2))}));
  sim.submit(Want{});
  Job& second = sim.submit(Want{});
  for (int i = 0; i < 100; ++i) {
    sim.step(Tick{});
    EXPECT_EQ(second.attempts.size(), 0u);
    sim.run_for(milliseconds(15));
  }
  sim.run_all();
  EXPECT_EQ(second.state, State::kCompleted);
}

TEST(Engine, ModelsDoNotWaitForEachOther) {
  EngineSim sim;
  sim.add_model(sim::model_with({sim::concurrency(1)}));
  sim.add_model(sim::model_with({sim::concurrency(1)}));
  for (int i = 0; i < 5; ++i) sim.submit(Want{});
  Want other;
  other.model = 1;
  EXPECT_TRUE(sim.submit(other).running());
}

std::string traced_run(uint64_t seed) {
  EngineSim sim(seed);
  sim.add_model(sim::model_with(
      {sim::per_period(LimitKind::kRequests, 10, seconds(2)), sim::concurrency(4)}));
  auto random = std::make_shared<Random>(99);  // the world is the same in every run
  sim.world.answer = [random](const Call&) {
    Answer answer;
    answer.latency = milliseconds(random->between(1, 900));
    if (random->between(0, 2) == 0) answer.status = Status::kServer;
    return answer;
  };
  for (int i = 0; i < 100; ++i) sim.submit(Want{});
  sim.run_all();
  return sim.trace();
}

TEST(Engine, I6_ReplaysAlikeFromASeed) {
  EXPECT_EQ(traced_run(7), traced_run(7));
  EXPECT_NE(traced_run(7), traced_run(8)) << "retry delays come from the seed";
}

}  // namespace
}  // namespace llmq::core
