// Output that becomes known while an attempt runs.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::Output;
using sim::per_period;
using sim::Want;

constexpr DurationNs kPeriod = seconds(6);

// 100 output tokens per 6 s. The first call reserves them all, produces `output`, ends after
// `latency` and has used `actual`; the second needs 60.
struct TwoCalls {
  TwoCalls(ChargeModel charge, std::vector<Output> output, DurationNs latency, int64_t actual) {
    sim.add_model(model_with({per_period(LimitKind::kOutputTokens, 100, kPeriod, charge)}));
    sim.check_wake_ups = true;
    sim.world.answer = [=](const Call& call) {
      Answer answer;
      if (call.job.id > 1) return answer;
      answer.latency = latency;
      answer.output = output;
      answer.usage = Usage{0, actual, 0, 0};
      return answer;
    };
    begin = sim.now();
    Want want;
    want.output_tokens = 100;
    sim.submit(want);
    want.output_tokens = 60;
    next = &sim.submit(want);
    sim.run_all();
  }

  int64_t next_started_ms() const { return (next->attempts.at(0).started - begin).ns / 1'000'000; }

  EngineSim sim;
  TimeNs begin;
  Job* next;
};

TEST(EngineProgress, RealtimeCountsOutputWhenItIsSeen) {
  EXPECT_EQ(TwoCalls(ChargeModel::kRealtime, {}, seconds(4), 50).next_started_ms(), 10'000);
  EXPECT_EQ(TwoCalls(ChargeModel::kRealtime, {{seconds(1), 50}}, seconds(4), 50).next_started_ms(),
            7000);
  EXPECT_EQ(TwoCalls(ChargeModel::kRealtime, {{seconds(1), 9}, {seconds(2), 50}}, seconds(4), 50)
                .next_started_ms(),
            8000);
}

TEST(EngineProgress, OtherChargesDoNotCountOutputBeforeTheEnd) {
  const std::vector<Output> output = {{seconds(1), 50}};
  EXPECT_EQ(TwoCalls(ChargeModel::kCompletion, output, seconds(4), 50).next_started_ms(), 10'000);
  EXPECT_EQ(TwoCalls(ChargeModel::kActual, output, seconds(4), 50).next_started_ms(), 6000);
  EXPECT_EQ(TwoCalls(ChargeModel::kArrival, output, seconds(1), 0).next_started_ms(), 6000);
}

TEST(EngineProgress, WhoWaitedForTheEndAloneIsWokenWhenWhatWasSeenHasLeft) {
  EXPECT_EQ(
      TwoCalls(ChargeModel::kRealtime, {{seconds(1), 60}, {seconds(2), 100}}, seconds(60), 100)
          .next_started_ms(),
      7000);
}

TEST(EngineProgress, FewerTokensThanBeforeAreOldNews) {
  const std::vector<Output> output = {{seconds(1), 50}, {seconds(2), 20}, {seconds(3), 50}};
  EXPECT_EQ(TwoCalls(ChargeModel::kRealtime, output, seconds(4), 50).next_started_ms(), 7000);
}

TEST(EngineProgress, WhatWasSeenStaysChargedWhateverTheUsageSays) {
  EXPECT_EQ(TwoCalls(ChargeModel::kRealtime, {{seconds(1), 50}}, seconds(4), 1).next_started_ms(),
            7000);
}

TEST(EngineProgress, ProvesThatTheCallLeft) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 1, seconds(60))});
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return seconds(1); };
  Job& job = sim.submit(Want{});
  EXPECT_FALSE(job.record->reservation->output_begun);
  sim.step(AttemptProgress{job.record.get(), 1, 0});
  EXPECT_TRUE(job.record->reservation->output_begun);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 1);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 0);
}

TEST(EngineProgress, OfAnAttemptThatDoesNotRunIsIgnored) {
  EngineSim sim;
  ModelSpec spec =
      model_with({per_period(LimitKind::kOutputTokens, 100, kPeriod, ChargeModel::kRealtime)});
  spec.retry.base = spec.retry.cap = seconds(1);
  sim.add_model(spec);
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.attempt == 1) answer.status = Status::kRateLimited;
    answer.latency = milliseconds(call.attempt == 1 ? 10 : 60'000);
    return answer;
  };
  Want want;
  want.output_tokens = 100;
  Job& job = sim.submit(want);
  sim.step(AttemptProgress{job.record.get(), 2, 50});
  EXPECT_FALSE(job.record->reservation->output_begun) << "there is no second attempt yet";
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 100);
  sim.run_for(milliseconds(20));
  ASSERT_EQ(job.record->state, State::kPending);
  sim.step(AttemptProgress{job.record.get(), 1, 50});
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 0) << "the attempt is over";
  sim.run_for(seconds(10));
  ASSERT_EQ(job.attempts.size(), 2u);
  sim.step(AttemptProgress{job.record.get(), 1, 50});
  EXPECT_FALSE(job.record->reservation->output_begun) << "it was the first attempt's";
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 100);
  sim.step(AttemptProgress{job.record.get(), 2, 50});
  EXPECT_TRUE(job.record->reservation->output_begun);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 50);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 50);
}

TEST(EngineProgress, WhatHasBegunIsNotTriedAgain) {
  for (const Status failure : {Status::kServer, Status::kTimeout}) {
    EngineSim sim;
    sim.add_model(model_with({}));
    sim.world.answer = [failure](const Call& call) {
      Answer answer;
      answer.latency = seconds(2);
      answer.status = failure;
      answer.hangs = failure == Status::kTimeout;
      if (call.attempt == 2) answer.output = {{milliseconds(500), 0}};
      return answer;
    };
    Want want;
    want.timeout_ms = 3000;
    const Job& job = sim.submit(want);
    sim.run_all();
    EXPECT_EQ(job.attempts.size(), 2u);
    EXPECT_EQ(job.state, State::kFailed);
    EXPECT_EQ(job.status, failure);
  }
}

TEST(EngineProgress, TenantsLimitsSeeItToo) {
  EngineSim sim;
  LimitSpec own = per_period(LimitKind::kTokens, 100, kPeriod, ChargeModel::kRealtime);
  own.per_tenant = true;
  sim.add_model(model_with({own}));
  sim.check_wake_ups = true;
  sim.world.answer = [](const Call& call) {
    Answer answer;
    if (call.job.id > 1) return answer;
    answer.latency = seconds(60);
    answer.output = {{seconds(1), 100}};
    return answer;
  };
  Want want;
  want.tenant = 1;
  want.output_tokens = 100;
  const TimeNs begin = sim.now();
  sim.submit(want);
  const Job& next = sim.submit(want);
  sim.run_for(seconds(30));
  ASSERT_EQ(next.attempts.size(), 1u);
  EXPECT_EQ((next.attempts[0].started - begin).ns / 1'000'000, 7000);
}

}  // namespace
}  // namespace llmq::core
