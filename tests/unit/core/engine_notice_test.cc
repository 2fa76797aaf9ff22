// What those who watch are told, in which order, with which values. Every other test of the engine
// holds what it is told against the life of requests too (tests/support/notice_check.h).
#include <gtest/gtest.h>

#include <string>
#include <utility>
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
using Kinds = std::vector<Notice::Kind>;

constexpr auto kSubmitted = Notice::kSubmitted;
constexpr auto kAdmitted = Notice::kAdmitted;
constexpr auto kStarted = Notice::kAttemptStarted;
constexpr auto kFirstByte = Notice::kFirstByte;
constexpr auto kFinished = Notice::kAttemptFinished;
constexpr auto kRetried = Notice::kRetried;
constexpr auto kLimitChanged = Notice::kLimitChanged;
constexpr auto kCompleted = Notice::kCompleted;

Kinds kinds_of(const EngineSim& sim, const Job& job) {
  Kinds kinds;
  for (size_t i = 0; i < sim.notices.size(); ++i) {
    if (sim.notice_of[i] == job.id) kinds.push_back(sim.notices[i].kind);
  }
  return kinds;
}

std::vector<Notice> changes_of(const EngineSim& sim) {
  std::vector<Notice> changes;
  for (const Notice& notice : sim.notices) {
    if (notice.kind == kLimitChanged) changes.push_back(notice);
  }
  return changes;
}

Answer failing(Status status, DurationNs retry_after = {}) {
  Answer answer;
  answer.status = status;
  answer.retry_after = retry_after;
  return answer;
}

TEST(EngineNotice, OfARequestThatGoesWell) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = milliseconds(30);
    answer.usage = Usage{7, 5};
    return answer;
  };
  sim.submit(Want{});
  Job& second = sim.submit(Want{});
  sim.run_all();
  ASSERT_EQ(kinds_of(sim, second), (Kinds{kSubmitted, kAdmitted, kStarted, kFinished, kCompleted}));
  const size_t n = sim.notices.size();
  const Notice& submitted = sim.notices[3];
  EXPECT_EQ(submitted.kind, kSubmitted);
  EXPECT_EQ(submitted.attempt, 0);
  EXPECT_EQ(submitted.deployment, kNoDeployment);
  const Notice& admitted = sim.notices[n - 4];
  EXPECT_EQ(admitted.queued, milliseconds(30)) << "the first one ran so long";
  EXPECT_EQ(admitted.state, State::kProcessing);
  EXPECT_EQ(admitted.attempt, 1);
  EXPECT_EQ(admitted.deployment, 0u);
  const Notice& finished = sim.notices[n - 2];
  EXPECT_EQ(finished.run, milliseconds(30));
  EXPECT_TRUE(finished.usage_known);
  EXPECT_EQ(finished.usage.output_tokens, 5);
  EXPECT_EQ(finished.status, Status::kOk);
  const Notice& completed = sim.notices[n - 1];
  EXPECT_EQ(completed.state, State::kCompleted);
  EXPECT_EQ(completed.queued, milliseconds(30));
  EXPECT_EQ(completed.run, milliseconds(30));
}

TEST(EngineNotice, OfTheFirstByteOnceAnAttempt) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = milliseconds(30);
    answer.output = {{milliseconds(10), 1}, {milliseconds(20), 2}};
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, job),
            (Kinds{kSubmitted, kAdmitted, kStarted, kFirstByte, kFinished, kCompleted}));
  EXPECT_EQ(sim.notices[3].at, job.submitted + milliseconds(10));
}

TEST(EngineNotice, OfFailuresAndTheirRetries) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kServer) : Answer{};
  };
  Job& job = sim.submit(Want{});
  sim.run_all();
  ASSERT_EQ(kinds_of(sim, job), (Kinds{kSubmitted, kAdmitted, kStarted, kFinished, kRetried,
                                       kAdmitted, kStarted, kFinished, kCompleted}));
  const Notice& finished = sim.notices[3];
  const Notice& retried = sim.notices[4];
  EXPECT_EQ(finished.status, Status::kServer);
  EXPECT_FALSE(finished.usage_known);
  EXPECT_EQ(retried.status, Status::kServer);
  EXPECT_EQ(retried.state, State::kPending);
  EXPECT_EQ(retried.attempt, 1);
  const TimeNs next = job.attempts[1].started;
  EXPECT_GE(next, retried.at + retried.delay);
  EXPECT_LE(next, retried.at + retried.delay + milliseconds(1));
  EXPECT_EQ(sim.notices[5].attempt, 2);
  EXPECT_EQ(sim.notices[8].attempt, 2);
}

TEST(EngineNotice, OfTimeOutsAndCancelsToo) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(model_with({concurrency(1)}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.hangs = true;
    return answer;
  };
  Want want;
  want.timeout_ms = 100;
  want.max_attempts = 2;
  Job& hanging = sim.submit(want);
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, hanging), (Kinds{kSubmitted, kAdmitted, kStarted, kFinished, kRetried,
                                           kAdmitted, kStarted, kFinished, kCompleted}));
  EXPECT_EQ(sim.notices[3].status, Status::kTimeout);
  EXPECT_EQ(sim.notices.back().status, Status::kTimeout);

  Job& running = sim.submit(Want{});
  Job& waiting = sim.submit(Want{});
  sim.cancel(waiting);
  sim.cancel(running);
  EXPECT_EQ(kinds_of(sim, waiting), (Kinds{kSubmitted, kCompleted}));
  EXPECT_EQ(kinds_of(sim, running),
            (Kinds{kSubmitted, kAdmitted, kStarted, kFinished, kCompleted}));
  EXPECT_EQ(sim.notices.back().status, Status::kCancelled);
}

TEST(EngineNotice, OfARequestThatIsRefusedAtOnce) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(model_with({per_period(LimitKind::kTokens, 10, seconds(60))}));
  Want want;
  want.input_tokens = 11;
  Job& job = sim.submit(want);
  EXPECT_EQ(kinds_of(sim, job), (Kinds{kSubmitted, kCompleted}));
  EXPECT_EQ(sim.notices.back().status, Status::kOversize);
  EXPECT_EQ(sim.notices.back().run, DurationNs{});
}

TEST(EngineNotice, WithAStoreAnAttemptStartsAfterItsAdmission) {
  EngineSim sim;
  sim.keep_notices = true;
  ModelSpec spec;
  spec.durable = true;
  sim.add_model(spec);
  sim.world.store = [](const Persist&) { return milliseconds(5); };
  Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, job), (Kinds{kSubmitted, kAdmitted, kStarted, kFinished, kCompleted}));
  EXPECT_EQ(sim.notices[2].at - sim.notices[1].at, milliseconds(5));
  EXPECT_EQ(sim.notices[4].at, job.ended);
}

TEST(EngineNotice, WhatIsNotWatchedIsNotTold) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.watch(kRetried | kCompleted);
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kServer) : Answer{};
  };
  Job& job = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, job), (Kinds{kRetried, kCompleted}));
  sim.watch(0);
  sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(sim.notices.size(), 2u);
}

TEST(EngineNotice, TroubleIsWhatAFailedRequestHasMet) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.watch(Notice::kTrouble);
  sim.add_model(ModelSpec{});
  Job& good = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, good), Kinds{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kTransport) : Answer{};
  };
  Job& bad = sim.submit(Want{});
  sim.run_all();
  EXPECT_EQ(kinds_of(sim, bad), (Kinds{kFinished, kRetried, kFinished}));
  EXPECT_EQ(sim.notices.back().status, Status::kOk);
}

TEST(EngineNotice, OfALimitThatIsSetAnew) {
  EngineSim sim;
  sim.keep_notices = true;
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 100, seconds(60))});
  spec.max_in_flight = 256;
  const ModelIndex model = sim.add_model(spec);
  EXPECT_TRUE(sim.notices.empty()) << "nothing has changed yet";
  spec.limits = {per_period(LimitKind::kRequests, 50, seconds(60)),
                 per_period(LimitKind::kTokens, 1000, seconds(60))};
  sim.step(ModelChanged{model, &spec});
  std::vector<Notice> changes = changes_of(sim);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].limit, LimitKind::kRequests);
  EXPECT_EQ(changes[0].period, seconds(60));
  EXPECT_EQ(changes[0].pool, kNoPool);
  EXPECT_EQ(changes[0].before, 100);
  EXPECT_EQ(changes[0].after, 50);
  EXPECT_EQ(changes[1].limit, LimitKind::kTokens);
  EXPECT_EQ(changes[1].before, 0) << "there was none";
  EXPECT_EQ(changes[1].after, 1000);
  spec.limits.resize(1);
  sim.step(ModelChanged{model, &spec});
  changes = changes_of(sim);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[2].before, 1000);
  EXPECT_EQ(changes[2].after, 0) << "there is none any more";
}

TEST(EngineNotice, OfAPoolsLimitOnce) {
  EngineSim sim;
  sim.keep_notices = true;
  const PoolIndex pool = sim.add_pool({per_period(LimitKind::kRequests, 100, seconds(60))});
  ModelSpec spec;
  spec.pools = {pool};
  sim.add_model(spec);
  sim.add_model(spec);
  const std::vector<LimitSpec> less = {per_period(LimitKind::kRequests, 10, seconds(60))};
  sim.step(PoolChanged{pool, &less});
  const std::vector<Notice> changes = changes_of(sim);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].pool, pool);
  EXPECT_EQ(changes[0].before, 100);
  EXPECT_EQ(changes[0].after, 10);
}

TEST(EngineNotice, OfWhatAnswersShowOfALimit) {
  EngineSim sim;
  sim.keep_notices = true;
  LimitSpec requests = per_period(LimitKind::kRequests, 100, seconds(60));
  requests.shape = Shape::kAuto;
  sim.add_model(model_with({requests}));
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.observed.emplace();
    Observation* const shown = answer.observed->of(LimitKind::kRequests, seconds(60));
    shown->limit = 40;
    shown->remaining = 39;
    return answer;
  };
  Job& job = sim.submit(Want{});
  sim.run_all();
  const std::vector<Notice> changes = changes_of(sim);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].before, 100);
  EXPECT_EQ(changes[0].after, 40);
  EXPECT_EQ(changes[0].at, job.ended);
  EXPECT_EQ(changes[0].model, 0u);
  EXPECT_EQ(changes[0].deployment, 0u);
}

TEST(EngineNotice, OfFewerAttemptsAtATimeWhereTheProviderIsOverloaded) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.add_model(ModelSpec{});
  sim.world.answer = [](const Call& call) {
    return call.attempt == 1 ? failing(Status::kOverloaded) : Answer{};
  };
  for (int i = 0; i < 50; ++i) sim.submit(Want{});
  sim.run_for(seconds(1));
  const std::vector<Notice> changes = changes_of(sim);
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes[0].limit, LimitKind::kConcurrency);
  EXPECT_EQ(changes[0].before, 256);
  EXPECT_LT(changes[0].after, 256);
}

TEST(EngineNotice, WhoBeginsToWatchIsNotToldOfThePast) {
  EngineSim sim;
  sim.keep_notices = true;
  sim.watch(0);
  ModelSpec spec = model_with({per_period(LimitKind::kRequests, 100, seconds(60))});
  const ModelIndex model = sim.add_model(spec);
  spec.limits[0].amount = 50;
  sim.step(ModelChanged{model, &spec});
  sim.watch(kLimitChanged);
  spec.limits[0].amount = 20;
  sim.step(ModelChanged{model, &spec});
  const std::vector<Notice> changes = changes_of(sim);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].before, 50);
  EXPECT_EQ(changes[0].after, 20);
}

// A model with everything: failures, time-outs, cancels, deadlines, streams, a bounded provider.
std::string busy_hour(uint32_t watched, uint64_t* told) {
  EngineSim sim(3);
  sim.keep_notices = true;
  sim.watch(watched);
  Random random{5};
  sim.add_model(model_with({per_period(LimitKind::kRequests, 60, seconds(60)), concurrency(7)}));
  sim.world.answer = [&random](const Call&) {
    Answer answer;
    answer.latency = milliseconds(random.between(1, 4000));
    const int64_t luck = random.between(0, 9);
    if (luck == 0) answer.status = Status::kServer;
    if (luck == 1) answer.status = Status::kOverloaded;
    if (luck == 2) answer.hangs = true;
    if (luck == 3) answer.output = {{milliseconds(1), 1}};
    return answer;
  };
  for (int i = 0; i < 500; ++i) {
    sim.run_for(milliseconds(random.between(0, 2000)));
    Want want;
    want.timeout_ms = 3000;
    want.max_attempts = 3;
    if (i % 5 == 0) want.deadline = sim.now() + milliseconds(random.between(1, 60'000));
    Job& job = sim.submit(want);
    if (i % 7 == 0) sim.after(milliseconds(random.between(0, 60'000)), [&] { sim.cancel(job); });
  }
  sim.run_all();
  *told = sim.notices.size();
  return sim.trace();
}

TEST(EngineNotice, WatchingChangesNothing) {
  uint64_t told = 0;
  const std::string unwatched = busy_hour(0, &told);
  EXPECT_EQ(told, 0u);
  EXPECT_EQ(busy_hour(Notice::kAll, &told), unwatched);
  EXPECT_GT(told, 2500u);
}

// Hosts perform what several steps have decided together.
TEST(EngineNotice, IsThereUntilItsActionHasBeenTaken) {
  Engine engine(1);
  Actions actions;
  const ModelSpec spec = model_with({concurrency(1)});
  const Now now{TimeNs{1'000'000'000}, 0};
  engine.step(now, Watch{kSubmitted}, actions);
  engine.step(now, ModelAdded{0, &spec}, actions);
  std::vector<Request> requests(100);
  for (Request& request : requests) engine.step(now, Submit{&request}, actions);
  size_t at = 0;
  for (const Action& action : actions) {
    const auto* const tell = std::get_if<Tell>(&action);
    if (tell == nullptr) continue;
    EXPECT_EQ(engine.notice(*tell).request, &requests[at++]);
  }
  EXPECT_EQ(at, requests.size());
  actions.clear();
  engine.step(now, Cancel{&requests.back()}, actions);
  engine.step(now, Watch{kCompleted}, actions);
  engine.step(now, Cancel{&requests[5]}, actions);
  const auto tell = std::get<Tell>(actions[actions.size() - 2]);
  EXPECT_EQ(tell.notice, 0u) << "their memory is used again";
  EXPECT_EQ(engine.notice(tell).request, &requests[5]);
}

}  // namespace
}  // namespace llmq::core
