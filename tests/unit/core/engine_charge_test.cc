// What attempts cost, by the limit's charge model.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"
#include "tests/support/windows.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Attempt;
using sim::Call;
using sim::concurrency;
using sim::Counted;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

constexpr DurationNs kPeriod = seconds(6);

// A model with 100 tokens per 6 s; the first call, of 100 estimated, takes `latency` and uses
// `actual`.
struct OneCall {
  OneCall(ChargeModel charge, std::optional<int64_t> actual, Status status = Status::kOk,
          DurationNs latency = seconds(1)) {
    sim.add_model(model_with({per_period(LimitKind::kTokens, 100, kPeriod, charge)}));
    sim.world.answer = [=](const Call& call) {
      Answer answer;
      if (call.job.id > 1) return answer;
      answer.status = status;
      answer.latency = latency;
      if (actual) answer.usage = Usage{*actual, 0, 0, 0};
      return answer;
    };
    Want want;
    want.input_tokens = 100;
    want.max_attempts = 1;
    begin = sim.now();
    sim.submit(want);
    next = &sim.submit([&want] {
      want.input_tokens = 60;
      return want;
    }());
    sim.run_all();
  }

  // When the second call, of 60, started, from the start of the first; in whole milliseconds,
  // rounded down.
  int64_t next_started_ms() const { return (next->attempts.at(0).started - begin).ns / 1'000'000; }

  EngineSim sim;
  TimeNs begin;
  Job* next;
};

TEST(EngineCharge, ActualGivesBackWhatWasNotUsed) {
  EXPECT_EQ(OneCall(ChargeModel::kActual, 40).next_started_ms(), 1000);
  EXPECT_EQ(OneCall(ChargeModel::kActual, 41).next_started_ms(), 6000);
}

TEST(EngineCharge, ArrivalGivesNothingBack) {
  EXPECT_EQ(OneCall(ChargeModel::kArrival, 1).next_started_ms(), 6000);
}

TEST(EngineCharge, CompletionCountsFromTheEnd) {
  for (const ChargeModel charge : {ChargeModel::kCompletion, ChargeModel::kRealtime}) {
    EXPECT_EQ(OneCall(charge, 40).next_started_ms(), 1000);
    EXPECT_EQ(OneCall(charge, 41).next_started_ms(), 7000);
    EXPECT_EQ(OneCall(charge, std::nullopt).next_started_ms(), 7000);
  }
}

TEST(EngineCharge, ALongCallHoldsItsReservationWhereTheEndCounts) {
  const DurationNs longer = seconds(20);
  EXPECT_EQ(OneCall(ChargeModel::kCompletion, 100, Status::kOk, longer).next_started_ms(), 26'000);
  EXPECT_EQ(OneCall(ChargeModel::kActual, 100, Status::kOk, longer).next_started_ms(), 6000);
}

TEST(EngineCharge, OverrunsAreDebtFromTheEndOn) {
  EXPECT_EQ(OneCall(ChargeModel::kActual, 500).next_started_ms(), 7000);
  EXPECT_EQ(OneCall(ChargeModel::kArrival, 500).next_started_ms(), 7000);
  EXPECT_EQ(OneCall(ChargeModel::kCompletion, 500).next_started_ms(), 7000);
}

TEST(EngineCharge, UnknownUsageKeepsTheReservation) {
  EXPECT_EQ(OneCall(ChargeModel::kActual, std::nullopt).next_started_ms(), 6000);
  EXPECT_EQ(OneCall(ChargeModel::kActual, std::nullopt, Status::kTransport).next_started_ms(),
            6000);
  EXPECT_EQ(OneCall(ChargeModel::kActual, std::nullopt, Status::kServer).next_started_ms(), 6000);
}

TEST(EngineCharge, RefusalsUseNoTokens) {
  for (const Status status : {Status::kRateLimited, Status::kBadRequest, Status::kAuth,
                              Status::kContextTooLong, Status::kOverloaded}) {
    EXPECT_EQ(OneCall(ChargeModel::kActual, std::nullopt, status).next_started_ms(), 1000);
    EXPECT_EQ(OneCall(ChargeModel::kArrival, std::nullopt, status).next_started_ms(), 6000);
  }
}

TEST(EngineCharge, FailuresWithUsageCostWhatTheySay) {
  EXPECT_EQ(OneCall(ChargeModel::kActual, 10, Status::kContentFilter).next_started_ms(), 1000);
  EXPECT_EQ(OneCall(ChargeModel::kActual, 90, Status::kBadRequest).next_started_ms(), 6000);
}

TEST(EngineCharge, I4_AFailureBeforeTheBytesLeaveCostsNothing) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 1, seconds(60))});
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return milliseconds(5); };
  sim.world.connect_fails = [](const Call& call) { return call.attempt == 1; };
  Job& job = sim.submit(Want{});
  sim.run_for(seconds(10));
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(job.state, State::kCompleted) << "the failed connection was not charged";
}

TEST(EngineCharge, AnAnswerProvesThatTheCallLeft) {
  EngineSim sim;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 1, seconds(60))});
  spec.sends_at_start = false;
  sim.add_model(spec);
  sim.world.connect = [](const Call&) { return seconds(1); };
  Job& job = sim.submit(Want{});
  job.attempts.back().ended = sim.now();  // the report below bypasses the provider
  sim.step(AttemptFinished{job.record.get(), 1});
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->used(sim.now()), 1);
}

TEST(EngineCharge, RoomThatARefundMakesIsUsedInTheSameStep) {
  EngineSim sim;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 100, seconds(60))}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.usage = Usage{1, 0, 0, 0};
    return answer;
  };
  Want want;
  want.input_tokens = 51;  // one at a time, each beside what the ones before have used
  for (int i = 0; i < 50; ++i) sim.submit(want);
  const TimeNs begin = sim.now();
  sim.run_for(seconds(1));
  EXPECT_EQ(sim.model(0).counters.completed, 50u);
  EXPECT_EQ(sim.jobs.back().attempts[0].started, begin + milliseconds(490));
  EXPECT_EQ(sim.ticks, 0u);
}

class EngineChargeModels : public testing::TestWithParam<ChargeModel> {};

// I1: as the provider counts - at arrival or at the end, estimates or actuals - no window holds
// more than N.
TEST_P(EngineChargeModels, I1_NoWindowHoldsMoreThanTheAmount) {
  const ChargeModel charge = GetParam();
  const bool at_end = charge == ChargeModel::kCompletion || charge == ChargeModel::kRealtime;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EngineSim sim(seed);
    Random random(seed);
    const int64_t amount = random.between(200, 3000);
    sim.add_model(model_with({per_period(LimitKind::kTokens, amount, kPeriod, charge),
                              concurrency(random.between(1, 30))}));
    sim.check_wake_ups = true;
    sim.world.answer = [&random](const Call& call) {
      Answer answer;
      answer.latency = milliseconds(random.between(1, 9000));
      const int64_t cost = call.job.input_tokens + call.job.output_tokens;
      if (random.between(0, 3) > 0) answer.usage = Usage{random.between(0, cost), 0, 0, 0};
      if (random.between(0, 9) == 0) answer.status = Status::kServer;
      return answer;
    };
    for (int i = 0; i < 200; ++i) {
      Want want;
      want.input_tokens = static_cast<uint32_t>(random.between(0, 100));
      want.output_tokens = static_cast<uint32_t>(random.between(0, 100));
      sim.submit(want);
      if (random.between(0, 4) == 0) sim.run_for(milliseconds(random.between(0, 2000)));
    }
    sim.run_all();
    std::vector<Counted> counted;
    for (const Job& job : sim.jobs) {
      EXPECT_EQ(job.outcomes, 1);
      for (const Attempt& attempt : job.attempts) {
        const int64_t estimate = job.input_tokens + job.output_tokens;
        const int64_t actual = attempt.usage ? attempt.usage->input_tokens : estimate;
        counted.push_back(Counted{at_end ? *attempt.ended : *attempt.sent,
                                  charge == ChargeModel::kArrival ? estimate : actual});
      }
    }
    EXPECT_LE(sim::most_in_any_window(counted, kPeriod), amount) << "seed " << seed;
    EXPECT_EQ(sim.model(0).first().limiter.limits()[0]->held(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCharge, EngineChargeModels,
                         testing::Values(ChargeModel::kArrival, ChargeModel::kCompletion,
                                         ChargeModel::kRealtime, ChargeModel::kActual));

}  // namespace
}  // namespace llmq::core
