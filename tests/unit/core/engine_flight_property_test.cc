// Requests that share calls, in random worlds, against an oracle that knows nothing of the engine:
// who joins when the call flies ends with it, who leaves before ends alone, and of a call nothing
// remains when nobody waits for it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;
using sim::Job;
using sim::per_period;
using sim::Want;

// What the test did to a request, and when.
struct Told {
  TimeNs deadline = kNever;
  TimeNs cancelled = kNever;
};

class World {
 public:
  explicit World(uint64_t seed) : sim(seed), random_(seed * 6151 + 3) {
    ModelSpec spec;
    if (random_.between(0, 1) == 0) {
      spec.limits.push_back(per_period(LimitKind::kRequests, random_.between(2, 20), seconds(10)));
    }
    if (random_.between(0, 1) == 0) spec.limits.push_back(sim::concurrency(random_.between(1, 4)));
    if (random_.between(0, 3) == 0) {
      spec.limits.push_back(per_period(LimitKind::kRequests, random_.between(2, 9), seconds(5)));
      spec.limits.back().per_tenant = true;
    }
    spec.sends_at_start = random_.between(0, 1) == 0;
    spec.durable = random_.between(0, 3) == 0;
    if (!spec.durable && random_.between(0, 1) == 0) {
      spec.fallback.models = {1};
      spec.fallback.on = fallback_class(Status::kServer) | fallback_class(Status::kTimeout);
      spec.fallback.after = seconds(random_.between(0, 8));
      spec.fails_in_outage = random_.between(0, 1) == 0;
    }
    sim.add_model(spec);
    sim.add_model(sim::model_with({sim::concurrency(random_.between(1, 4))}));
    sim.check_wake_ups = true;
    describe();
    for (int i = 0; i < 120; ++i) sim.after(some_time(), [this] { submit(); });
    for (int64_t i = random_.between(0, 60); i > 0; --i)
      sim.after(some_time(), [this] { cancel(); });
    if (random_.between(0, 3) > 0) return;
    const auto mode = static_cast<StopMode>(random_.between(0, 2));
    sim.after(some_time(), [this, mode] {
      stopped = true;
      sim.shut_down(mode, sim.now() + milliseconds(random_.between(0, 20'000)));
    });
  }

  EngineSim sim;
  std::map<RequestId, Told> told;
  bool stopped = false;

 private:
  DurationNs some_time() { return milliseconds(random_.between(0, 20'000)); }

  void describe() {
    const int64_t failures = random_.between(0, 40);  // per cent
    sim.world.connect = [this](const Call&) { return milliseconds(random_.between(0, 200)); };
    sim.world.answer = [this, failures](const Call&) {
      Answer answer;
      answer.latency = milliseconds(random_.between(0, 4000));
      if (random_.between(0, 1) == 0) answer.usage = Usage{1, 1, 0, 0};
      if (random_.between(0, 2) == 0) answer.output = {{milliseconds(random_.between(0, 1000)), 1}};
      if (random_.between(1, 100) > failures) return answer;
      constexpr Status kFailures[] = {Status::kServer, Status::kBadRequest, Status::kOverloaded};
      answer.status = kFailures[random_.between(0, 2)];
      return answer;
    };
  }

  void submit() {
    Want want;
    want.tenant = static_cast<TenantIndex>(random_.between(0, 1));
    want.priority = static_cast<uint8_t>(random_.between(0, 4));
    want.restarts = random_.between(0, 1) == 0;
    want.max_attempts = static_cast<uint8_t>(random_.between(1, 4));
    if (random_.between(0, 2) == 0) {
      want.deadline = sim.now() + milliseconds(random_.between(1, 10'000));
    }
    if (random_.between(0, 3) == 0) {
      want.timeout_ms = static_cast<uint32_t>(random_.between(1, 3000));
    }
    if (random_.between(0, 4) == 0) {
      note(sim.submit(want), want);
      return;
    }
    const int64_t key = random_.between(0, 5) * 2 + want.tenant;
    const auto known = last_.find(key);
    Job& job = sim.join(want, known == last_.end() ? nullptr : known->second);
    if (job.flight != nullptr) last_[key] = &job;
    note(job, want);
  }

  void note(const Job& job, const Want& want) { told[job.id].deadline = want.deadline; }

  void cancel() {
    if (told.empty()) return;
    auto one = told.begin();
    std::advance(one, random_.between(0, static_cast<int64_t>(told.size()) - 1));
    Job& job = sim.jobs[one->first - 1];
    if (job.outcomes > 0 || job.record == nullptr || is_final(job.record->state)) return;
    one->second.cancelled = sim.now();
    sim.cancel(job);
  }

  Random random_;
  std::map<int64_t, const Job*> last_;
};

// Did an attempt of the call end just when the request did?
bool attempt_ended_then(const Job& call, const Job& job) {
  return std::any_of(
      call.attempts.begin(), call.attempts.end(),
      [&job](const sim::Attempt& attempt) { return attempt.ended && *attempt.ended == job.ended; });
}

void expect_as_the_call(const Job& job, const Told& told, bool durable) {
  const Job& call = *job.flight;
  SCOPED_TRACE("request " + std::to_string(job.id) + " of call " + std::to_string(call.id));
  if (told.cancelled != kNever) {
    EXPECT_EQ(job.state, State::kCancelled);
  } else if (job.state == call.state && job.status == call.status) {
    EXPECT_TRUE(durable || job.ended <= call.ended);
  } else if (job.state == State::kExpired) {
    // At its time, or when an attempt has failed and the next one would come too late.
    EXPECT_NE(told.deadline, kNever);
    EXPECT_TRUE(durable || job.ended >= told.deadline || attempt_ended_then(call, job));
  } else {  // it had seen output of an attempt that failed, and the call went on for others
    EXPECT_EQ(job.state, State::kFailed);
    EXPECT_TRUE(durable || attempt_ended_then(call, job));
    EXPECT_TRUE(
        std::any_of(call.attempts.begin(), call.attempts.end(),
                    [&job](const sim::Attempt& attempt) { return attempt.status == job.status; }));
  }
}

void expect_at_rest(const Model& model) {
  const Counters& counters = model.counters;
  EXPECT_EQ(counters.pending + counters.processing, 0u);
  EXPECT_EQ(counters.submitted, counters.completed + counters.failed + counters.cancelled +
                                    counters.expired + counters.fallbacks);
  EXPECT_EQ(model.records, 0u);
  for (Limit* limit : model.first().limiter.limits()) EXPECT_EQ(limit->held(), 0) << "I3";
}

class EngineFlights : public testing::TestWithParam<uint64_t> {};

TEST_P(EngineFlights, I9_EachFollowerEndsOnceAsItsCallOrByItself) {
  constexpr uint64_t kSeedsEach = 100;
  for (uint64_t i = 0; i < kSeedsEach; ++i) {
    const uint64_t seed = GetParam() * kSeedsEach + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    EngineSim& sim = world.sim;
    sim.run_all();
    ASSERT_EQ(world.told.size(), 120u);
    std::map<const Job*, std::vector<const Job*>> followers;
    for (const auto& [id, told] : world.told) {
      const Job& job = sim.jobs[id - 1];
      ASSERT_EQ(job.outcomes, 1) << "I9: request " << id;
      if (job.flight == nullptr) continue;
      EXPECT_TRUE(job.attempts.empty()) << "a follower is never called itself";
      followers[job.flight].push_back(&job);
      expect_as_the_call(job, told, sim.model(0).settings.durable);
    }
    for (const auto& [call, all] : followers) {
      EXPECT_EQ(call->outcomes, 1);
      TimeNs last{};
      for (const Job* job : all) last = std::max(last, job->ended);
      if (!call->attempts.empty()) {
        EXPECT_LE(call->attempts.back().started, last) << "a call that nobody waits for";
        EXPECT_LE(*call->attempts.back().ended, last) << "it runs on with nobody";
      }
    }
    EXPECT_EQ(sim.engine.live(), 0u);
    EXPECT_EQ(sim.model(0).counters.submitted, 120u);
    EXPECT_EQ(sim.model(0).counters.fallbacks, sim.model(1).counters.submitted);
    for (const ModelIndex model : {0u, 1u}) expect_at_rest(sim.model(model));
    if (testing::Test::HasFailure()) return;  // one seed tells enough
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineFlights, testing::Range<uint64_t>(0, 6));

}  // namespace
}  // namespace llmq::core
