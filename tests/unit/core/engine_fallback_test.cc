// Requests that go to another model: for which failures, after which wait, and what holds there.
#include <gtest/gtest.h>

#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Attempt;
using sim::Call;
using sim::concurrency;
using sim::EngineSim;
using sim::Job;
using sim::model_with;
using sim::per_period;
using sim::Want;

constexpr uint32_t kUsual = fallback_class(Status::kServer) | fallback_class(Status::kTimeout) |
                            fallback_class(Status::kContextTooLong) |
                            fallback_class(Status::kOversize);

Answer failing(Status status) {
  Answer answer;
  answer.status = status;
  return answer;
}

ModelSpec falling(std::vector<ModelIndex> models, int64_t at_a_time = 1'000) {
  ModelSpec spec = model_with({concurrency(at_a_time)});
  spec.fallback.models = std::move(models);
  spec.fallback.on = kUsual;
  return spec;
}

class EngineFallback : public testing::Test {
 protected:
  EngineFallback() { sim.check_wake_ups = true; }
  // Calls of that model end so.
  void fails(ModelIndex model, Status status) {
    sim.world.answer = [model, status, before = sim.world.answer](const Call& call) {
      if (call.job.model == model) return failing(status);
      return before ? before(call) : Answer{};
    };
  }
  // Model 0 lets so many start, and those who have waited for so long go to model 1.
  void add_impatient(int64_t requests, DurationNs period, DurationNs after) {
    ModelSpec slow = falling({1});
    slow.limits = {per_period(LimitKind::kRequests, requests, period)};
    slow.fallback.after = after;
    sim.add_model(slow);
    sim.add_model(model_with({}));
  }
  EngineSim sim;
  const TimeNs begin = sim.now();
};

TEST_F(EngineFallback, PatienceThatLeadsNowhereWakesNobody) {
  add_impatient(1, seconds(60), seconds(5));
  for (int i = 0; i < 4; ++i) sim.submit(Want{});
  sim.shut_down(StopMode::kDrain, sim.now() + seconds(600));
  sim.run_for(seconds(6));
  EXPECT_GT(sim.engine.next_wake(), sim.now() + seconds(1));
  sim.run_all();
  EXPECT_EQ(sim.model(0).counters.completed, 4u);
}

TEST_F(EngineFallback, AContextThatIsTooLongGoesToTheOtherModelAtOnce) {
  sim.add_model(falling({1}));
  sim.add_model(model_with({}));
  fails(0, Status::kContextTooLong);
  const Job& job = sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.model, 1u);
  EXPECT_EQ(job.attempts.size(), 2u);
  EXPECT_EQ(sim.model(0).counters.fallbacks, 1u);
  EXPECT_EQ(sim.model(0).counters.pending + sim.model(0).counters.processing, 0u);
  EXPECT_EQ(sim.model(1).counters.completed, 1u);
}

TEST_F(EngineFallback, OnlyChosenStatusesDoAndOnlyWhenItsAttemptsAreUsedUp) {
  sim.add_model(falling({1}));
  sim.add_model(model_with({}));
  fails(0, Status::kServer);
  Want want;
  want.max_attempts = 3;
  const Job& server = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(server.state, State::kCompleted);
  EXPECT_EQ(server.attempts.size(), 4u);
  fails(0, Status::kBadRequest);
  const Job& bad = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(bad.status, Status::kBadRequest);
}

TEST_F(EngineFallback, WhatIsTooLargeForItsLimitsGoes) {
  ModelSpec small = falling({1});
  small.limits = {per_period(LimitKind::kTokens, 100, seconds(60))};
  sim.add_model(small);
  sim.add_model(model_with({per_period(LimitKind::kTokens, 1'000, seconds(60))}));
  Want want;
  want.input_tokens = 500;
  const Job& job = sim.submit(want);
  sim.run_for(seconds(1));
  EXPECT_EQ(job.state, State::kCompleted);
  want.input_tokens = 5'000;
  const Job& larger = sim.submit(want);
  sim.run_for(seconds(1));
  EXPECT_EQ(larger.status, Status::kOversize);
}

TEST_F(EngineFallback, WhoWaitsLongerThanTheBoundGoes) {
  add_impatient(5, seconds(60), seconds(10));
  for (int i = 0; i < 20; ++i) sim.submit(Want{});
  sim.run_for(seconds(9));
  EXPECT_EQ(sim.model(0).counters.completed, 5u);
  EXPECT_EQ(sim.model(1).counters.submitted, 0u);
  sim.run_for(seconds(2));
  EXPECT_EQ(sim.model(1).counters.completed, 15u);
}

TEST_F(EngineFallback, ADeadlineBeforeTheModelHasRoomIsForTheOtherOneToMeet) {
  add_impatient(1, seconds(3'600), seconds(1));
  sim.submit(Want{});
  Want want;
  want.deadline = begin + seconds(30);
  const Job& job = sim.submit(want);
  want.deadline = begin + seconds(1);  // it may not leave before
  EXPECT_EQ(sim.submit(want).status, Status::kDeadline);
  sim.run_for(seconds(2));
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.model, 1u);
}

TEST_F(EngineFallback, WithoutAnotherModelADeadlineThatCannotBeMetIsToldAtOnce) {
  add_impatient(1, seconds(3'600), seconds(1));
  sim.submit(Want{});
  sim.remove(1, StopMode::kDrain);
  Want want;
  want.deadline = begin + seconds(30);
  EXPECT_EQ(sim.submit(want).status, Status::kDeadline);
}

TEST_F(EngineFallback, WhoStandsBeforeMayLeaveInTime) {
  add_impatient(1, seconds(5), seconds(10));
  for (int i = 0; i < 10; ++i) sim.submit(Want{});
  sim.run_for(seconds(8));
  Want want;
  want.deadline = begin + seconds(16);
  const Job& job = sim.submit(want);  // 8 before it; its own patience lasts until 18 s
  sim.run_for(seconds(8));
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.model, 0u);
}

TEST_F(EngineFallback, ARetryAfterBeyondTheBoundIsNotWaitedFor) {
  ModelSpec spec = falling({1});
  spec.fallback.after = seconds(10);
  sim.add_model(spec);
  sim.add_model(model_with({}));
  sim.world.answer = [](const Call& call) {
    if (call.job.model == 1) return Answer{};
    Answer answer = failing(Status::kRateLimited);
    answer.retry_after = seconds(300);
    return answer;
  };
  const Job& job = sim.submit(Want{});
  sim.run_for(seconds(1));
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.model, 1u);
}

TEST_F(EngineFallback, OneAfterTheOtherThenItEndsWithTheLastFailure) {
  sim.add_model(falling({1, 2}));
  sim.add_model(falling({0}));  // its own list does not count for those who came here
  sim.add_model(model_with({}));
  fails(0, Status::kContextTooLong);
  fails(1, Status::kContextTooLong);
  fails(2, Status::kContextTooLong);
  const Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.status, Status::kContextTooLong);
  EXPECT_EQ(job.attempts.size(), 3u);
  EXPECT_EQ(job.outcomes, 1);
}

TEST_F(EngineFallback, InAnOutageThatIsNotHeldEverybodyGoes) {
  ModelSpec spec = falling({1}, 20);
  spec.fails_in_outage = true;
  sim.add_model(spec);
  sim.add_model(model_with({concurrency(5)}));
  fails(0, Status::kServer);
  for (int i = 0; i < 200; ++i) sim.submit(Want{});
  sim.run_for(seconds(60));
  for (const Job& job : sim.jobs) ASSERT_EQ(job.state, State::kCompleted) << job.id;
  EXPECT_LE(sim.sent_calls(0).size(), 60u);
}

TEST_F(EngineFallback, OutputThatWasSeenIsNotRepeated) {
  sim.add_model(falling({1}));
  sim.add_model(model_with({}));
  sim.world.answer = [](const Call& call) {
    Answer answer = call.job.model == 0 ? failing(Status::kContentFilter) : Answer{};
    answer.latency = seconds(2);
    answer.output = {{seconds(1), 5}};
    return answer;
  };
  ModelSpec spec = falling({1});
  spec.fallback.on |= fallback_class(Status::kContentFilter);
  sim.step(ModelChanged{0, &spec});
  const Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.status, Status::kContentFilter);
}

TEST_F(EngineFallback, TheLimitsOfTheOtherModelHold) {
  sim.add_model(falling({1}));
  sim.add_model(model_with({per_period(LimitKind::kRequests, 10, seconds(60))}));
  fails(0, Status::kContextTooLong);
  for (int i = 0; i < 30; ++i) sim.submit(Want{});
  sim.run_for(seconds(30));
  EXPECT_EQ(sim.model(1).counters.completed, 10u);
  sim.run_all();
  std::vector<sim::Counted> there;
  for (const Job& job : sim.jobs) there.push_back({*job.attempts.back().sent, 1});
  EXPECT_LE(sim::most_in_any_window(there, seconds(60)), 10);
}

TEST_F(EngineFallback, AModelThatIsGoneIsPassedOver) {
  sim.add_model(falling({1, 2}));
  sim.add_model(model_with({}));
  sim.add_model(model_with({}));
  sim.remove(1, StopMode::kDrain);
  fails(0, Status::kContextTooLong);
  const Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(job.state, State::kCompleted);
  EXPECT_EQ(job.model, 2u);
}

TEST_F(EngineFallback, ACallThatIsSharedTakesAllAlong) {
  sim.add_model(falling({1}));
  sim.add_model(model_with({}));
  sim.world.answer = [](const Call& call) {
    Answer answer = failing(call.job.model == 0 ? Status::kContextTooLong : Status::kOk);
    answer.latency = seconds(1);
    return answer;
  };
  Job& first = sim.join(Want{});
  const Job& second = sim.join(Want{}, &first);
  sim.run_for(milliseconds(1'500));
  for (const Job* job : std::vector<const Job*>{&first, &second}) {
    EXPECT_EQ(job->record->model, 1u);
    EXPECT_EQ(job->record->state, State::kProcessing);
  }
  EXPECT_EQ(sim.model(0).counters.fallbacks, 2u);
  EXPECT_EQ(sim.model(0).counters.pending + sim.model(0).counters.processing, 0u);
  EXPECT_EQ(sim.model(0).records, 0u);
  EXPECT_EQ(sim.model(1).counters.submitted, 2u);
  EXPECT_EQ(sim.model(1).counters.processing, 2u);
  const Job& late = sim.join(Want{}, &first);
  EXPECT_NE(late.flight, first.flight) << "it asks the first model again";
  sim.run_all();
  for (const Job* job : std::vector<const Job*>{&first, &second, &late})
    EXPECT_EQ(job->state, State::kCompleted);
  EXPECT_EQ(first.flight->attempts.size(), 2u);
  EXPECT_EQ(sim.model(1).counters.completed, 3u);
}

TEST_F(EngineFallback, ASharedCallThatCannotEvenWaitGoesToo) {
  ModelSpec small = falling({1});
  small.limits.push_back(per_period(LimitKind::kTokens, 50, seconds(60)));
  sim.add_model(small);
  sim.add_model(model_with({}));
  Want want;
  want.input_tokens = 80;
  Job& first = sim.join(want);
  const Job& second = sim.join(want, &first);
  sim.run_all();
  EXPECT_EQ(first.state, State::kCompleted);
  EXPECT_EQ(second.state, State::kCompleted);
  EXPECT_EQ(sim.model(1).counters.attempts, 2u) << "nobody joins a call of another model";
}

TEST_F(EngineFallback, WhoSharesACallWaitsNoLongerThanTheBoundEither) {
  ModelSpec slow = falling({1}, 1);
  slow.fallback.after = seconds(5);
  sim.add_model(slow);
  sim.add_model(model_with({}));
  sim.world.answer = [](const Call& call) {
    Answer answer;
    answer.latency = seconds(call.job.model == 0 ? 60 : 1);
    return answer;
  };
  sim.submit(Want{});
  Job& first = sim.join(Want{});
  const Job& second = sim.join(Want{}, &first);
  sim.run_for(milliseconds(4'999));
  EXPECT_EQ(sim.model(1).counters.submitted, 0u);
  sim.run_for(milliseconds(2));
  EXPECT_EQ(sim.model(1).counters.processing, 2u);
  sim.run_for(seconds(1));
  EXPECT_EQ(first.state, State::kCompleted);
  EXPECT_EQ(second.state, State::kCompleted);
}

TEST_F(EngineFallback, EveryRequestEndsOnceWhateverHappens) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    EngineSim own(seed);
    own.check_wake_ups = true;
    ModelSpec first = falling({1, 2}, random.between(1, 10));
    first.fallback.after = seconds(random.between(0, 20));
    first.fails_in_outage = random.between(0, 1) == 1;
    own.add_model(first);
    ModelSpec second = falling({2, 0}, random.between(1, 10));
    second.limits.push_back(per_period(LimitKind::kTokens, random.between(50, 300), seconds(10)));
    own.add_model(second);
    own.add_model(falling({}, random.between(1, 10)));
    own.world.answer = [&random](const Call&) {
      const Status all[] = {Status::kOk,     Status::kServer,         Status::kTimeout,
                            Status::kOk,     Status::kContextTooLong, Status::kRateLimited,
                            Status::kServer, Status::kBadRequest};
      Answer answer = failing(all[random.between(0, 7)]);
      answer.latency = milliseconds(random.between(1, 3'000));
      return answer;
    };
    own.world.fits_fallback = [&random](const Job&) {
      return random.between(0, 9) == 0 ? Status::kBadRequest : Status::kOk;
    };
    for (int i = 0; i < 120; ++i) {
      Want want;
      want.model = static_cast<ModelIndex>(random.between(0, 2));
      want.tenant = static_cast<TenantIndex>(random.between(0, 2));
      want.input_tokens = static_cast<uint32_t>(random.between(1, 80));
      want.max_attempts = static_cast<uint8_t>(random.between(1, 4));
      if (random.between(0, 3) == 0) want.deadline = own.now() + seconds(random.between(1, 60));
      Job& job = own.submit(want);
      if (random.between(0, 5) == 0) {
        own.after(milliseconds(random.between(0, 5'000)), [&own, &job] { own.cancel(job); });
      }
      own.run_for(milliseconds(random.between(0, 300)));
    }
    if (random.between(0, 3) == 0) own.remove(2, StopMode::kCancel);
    own.run_all();
    EXPECT_EQ(own.engine.live(), 0u);
    for (const Job& job : own.jobs) ASSERT_EQ(job.outcomes, 1) << job.id;
    for (ModelIndex i = 0; i < 2; ++i) {
      const Counters& all = own.model(i).counters;
      EXPECT_EQ(all.submitted,
                all.completed + all.failed + all.cancelled + all.expired + all.fallbacks);
      EXPECT_EQ(all.pending + all.processing, 0u);
      EXPECT_EQ(own.deployment(i, 0).processing, 0u);
    }
  }
}

}  // namespace
}  // namespace llmq::core
