// Random worlds - several models, limits of every kind and charge, failures, cancels, deadlines,
// removals, shutdown - judged by the invariants of the design, not by what the engine says about
// itself.
#include <gtest/gtest.h>

#include <algorithm>
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
using sim::Counted;
using sim::EngineSim;
using sim::Job;
using sim::per_period;
using sim::Want;

constexpr int64_t kMostTokens = 100;  // of one side of a call

Status some_failure(Random& random) {
  constexpr Status kFailures[] = {Status::kServer,     Status::kTransport,  Status::kOverloaded,
                                  Status::kBadRequest, Status::kProcessing, Status::kRateLimited};
  return kFailures[random.between(0, 5)];
}

ModelSpec some_model(Random& random) {
  constexpr ChargeModel kCharges[] = {ChargeModel::kArrival, ChargeModel::kCompletion,
                                      ChargeModel::kRealtime, ChargeModel::kActual};
  ModelSpec spec;
  for (const LimitKind kind : {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kInputTokens,
                               LimitKind::kOutputTokens}) {
    if (random.between(0, 1) == 0) continue;
    const int64_t amount = kind == LimitKind::kRequests ? random.between(3, 40)
                                                        : random.between(2 * kMostTokens, 2000);
    const DurationNs period = milliseconds(random.between(1000, 20'000));
    spec.limits.push_back(
        per_period(kind, amount, period, kCharges[random.between(0, 3)], default_jitter(period)));
  }
  if (random.between(0, 1) == 0) spec.limits.push_back(sim::concurrency(random.between(1, 12)));
  spec.max_in_flight = random.between(1, 30);
  spec.sends_at_start = random.between(0, 1) == 0;
  spec.durable = random.between(0, 3) == 0;
  spec.late_charges_max = static_cast<uint32_t>(random.between(0, 10));
  return spec;
}

// One random world, run to its end.
class RandomWorld {
 public:
  explicit RandomWorld(uint64_t seed) : sim(seed), random_(seed * 7919 + 1) {
    const int64_t models = random_.between(1, 3);
    if (random_.between(0, 2) == 0) add_pool();
    tenants_ = random_.between(0, 1) * random_.between(1, 5);
    for (int64_t i = 0; i < models; ++i) {
      specs.push_back(some_model(random_));
      if (!pool.empty() && random_.between(0, 3) > 0) specs.back().pools.push_back(0);
      if (tenants_ > 0 && random_.between(0, 1) == 0) add_tenant_limits(specs.back());
      sim.add_model(specs.back());
    }
    sim.check_wake_ups = true;
    if (random_.between(0, 3) == 0) sim.tick_lag = milliseconds(random_.between(1, 3000));
    describe_world();
    plan();
  }

  EngineSim sim;
  std::vector<ModelSpec> specs;
  std::vector<LimitSpec> pool;
  bool shuts_down = false;

 private:
  void add_pool() {
    const DurationNs period = milliseconds(random_.between(1000, 20'000));
    pool.push_back(per_period(LimitKind::kTokens, random_.between(2 * kMostTokens, 2000), period,
                              ChargeModel::kActual, default_jitter(period)));
    if (random_.between(0, 1) == 0) pool.push_back(sim::concurrency(random_.between(1, 12)));
    sim.add_pool(pool);
  }

  void add_tenant_limits(ModelSpec& spec) {
    spec.limits.push_back(per_period(LimitKind::kRequests, random_.between(1, 10), seconds(4),
                                     ChargeModel::kActual, milliseconds(50)));
    spec.limits.back().per_tenant = true;
    if (random_.between(0, 1) == 0) return;
    spec.limits.push_back(sim::concurrency(random_.between(1, 4)));
    spec.limits.back().per_tenant = true;
  }

  void describe_world() {
    const int64_t failures = random_.between(0, 4) == 0 ? 60 : random_.between(0, 15);  // per cent
    sim.world.connect = [this](const Call&) { return milliseconds(random_.between(0, 400)); };
    sim.world.connect_fails = [this](const Call&) { return random_.between(0, 19) == 0; };
    sim.world.store = [this](const Persist&) -> std::optional<DurationNs> {
      return milliseconds(random_.between(0, 30));
    };
    sim.world.store_ok = [this](const Persist&) { return random_.between(0, 49) > 0; };
    sim.world.answer = [this, failures](const Call& call) {
      Answer answer;
      answer.latency = milliseconds(random_.between(0, 3000));
      if (random_.between(0, 1) == 0) {
        answer.usage = Usage{random_.between(0, call.job.input_tokens),
                             random_.between(0, call.job.output_tokens), 0, 0};
      }
      if (random_.between(1, 100) <= failures) answer.status = some_failure(random_);
      if (answer.status == Status::kRateLimited && random_.between(0, 1) == 0) {
        answer.retry_after = milliseconds(random_.between(1, 10'000));
      }
      answer.hangs = call.job.record != nullptr && call.job.record->timeout_ms != 0 &&
                     random_.between(0, 9) == 0;
      return answer;
    };
  }

  void plan() {
    const int64_t span_ms = random_.between(0, 1) * random_.between(0, 60'000);
    const auto some_time = [&] { return milliseconds(random_.between(0, span_ms)); };
    const auto models = static_cast<int64_t>(specs.size());
    for (int64_t i = 0; i < 150; ++i) sim.after(some_time(), [this, models] { submit(models); });
    for (int64_t i = random_.between(0, 40); i > 0; --i) {
      sim.after(some_time(), [this] { cancel_one(); });
    }
    for (int64_t i = random_.between(0, 10); i > 0; --i) {
      sim.after(some_time(), [this] { learn_usage_of_one(); });
    }
    if (random_.between(0, 3) == 0) {
      const StopMode mode = some_mode();
      const TimeNs deadline = sim.now() + milliseconds(random_.between(0, 200'000));
      shuts_down = true;
      sim.after(some_time(), [this, mode, deadline] { sim.shut_down(mode, deadline); });
    } else if (models > 1 && random_.between(0, 1) == 0) {
      const StopMode mode = some_mode();
      sim.after(some_time(), [this, mode] {
        removal_begun_ = true;
        sim.remove(0, mode);
      });
    }
  }

  StopMode some_mode() { return static_cast<StopMode>(random_.between(0, 2)); }

  void submit(int64_t models) {
    Want want;
    const int64_t first = removal_begun_ ? 1 : 0;
    want.model = static_cast<ModelIndex>(random_.between(first, models - 1));
    want.input_tokens = static_cast<uint32_t>(random_.between(0, kMostTokens));
    want.output_tokens = static_cast<uint32_t>(random_.between(0, kMostTokens));
    if (random_.between(0, 29) == 0) want.input_tokens = 5000;  // more than some limits
    if (random_.between(0, 4) == 0) {
      want.deadline = sim.now() + milliseconds(random_.between(0, 30'000));
    }
    if (random_.between(0, 2) == 0) {
      want.timeout_ms = static_cast<uint32_t>(random_.between(1, 4000));
    }
    want.max_attempts = static_cast<uint8_t>(random_.between(0, 6));
    want.late_usage = random_.between(0, 3) == 0;
    want.tenant = static_cast<TenantIndex>(random_.between(0, tenants_));
    want.priority = static_cast<uint8_t>(random_.between(0, 3) == 0 ? random_.between(0, 4) : 0);
    sim.submit(want);
  }

  Job* some_job() {
    if (sim.jobs.empty()) return nullptr;
    return &sim.jobs[static_cast<size_t>(
        random_.between(0, static_cast<int64_t>(sim.jobs.size()) - 1))];
  }

  void cancel_one() {
    if (Job* job = some_job()) sim.cancel(*job);
  }

  void learn_usage_of_one() {
    Job* job = some_job();
    if (job == nullptr || job->outcomes == 0) return;
    sim.usage_known(*job, Usage{random_.between(0, job->input_tokens),
                                random_.between(0, job->output_tokens), 0, 0});
  }

  Random random_;
  int64_t tenants_ = 0;
  bool removal_begun_ = false;
};

int64_t cost_of(LimitKind kind, int64_t input, int64_t output) {
  switch (kind) {
    case LimitKind::kRequests:
      return 1;
    case LimitKind::kTokens:
      return input + output;
    case LimitKind::kInputTokens:
      return input;
    case LimitKind::kOutputTokens:
      return output;
    case LimitKind::kConcurrency:
    case LimitKind::kCost:
      return 0;
  }
  return 0;
}

// What the least demanding provider of that charge model counts for each attempt that left.
std::vector<Counted> counted_by(const LimitSpec& limit, const EngineSim& sim,
                                const std::vector<ModelIndex>& models, int64_t tenant = -1) {
  const bool at_end =
      limit.charge == ChargeModel::kCompletion || limit.charge == ChargeModel::kRealtime;
  std::vector<Counted> counted;
  for (const Job& job : sim.jobs) {
    if (std::find(models.begin(), models.end(), job.model) == models.end()) continue;
    if (tenant >= 0 && job.tenant != tenant) continue;
    for (const Attempt& attempt : job.attempts) {
      if (!attempt.sent) continue;
      int64_t cost = cost_of(limit.kind, job.input_tokens, job.output_tokens);
      if (limit.charge != ChargeModel::kArrival && limit.kind != LimitKind::kRequests) {
        // Where nobody said what was used, it may become known late that it was nothing.
        cost = attempt.usage
                   ? cost_of(limit.kind, attempt.usage->input_tokens, attempt.usage->output_tokens)
                   : 0;
      }
      counted.push_back(
          Counted{at_end ? attempt.ended.value_or(*attempt.sent) : *attempt.sent, cost});
    }
  }
  return counted;
}

int64_t concurrency_of(const ModelSpec& spec, const std::vector<LimitSpec>& pool = {}) {
  for (const LimitSpec& limit : pool) {
    if (!spec.pools.empty() && limit.kind == LimitKind::kConcurrency) return limit.amount;
  }
  for (const LimitSpec& limit : spec.limits) {
    if (limit.kind == LimitKind::kConcurrency && !limit.per_tenant) return limit.amount;
  }
  return spec.max_in_flight;
}

// All the slots are there: a burst from idle starts as many calls as the limits say.
void expect_full_burst(EngineSim& sim, ModelIndex model, const ModelSpec& spec,
                       const std::vector<LimitSpec>& pool) {
  sim.world = sim::World{};
  Want want;
  want.model = model;
  want.input_tokens = 1;
  while (!sim.model(model).first().breaker.is_closed()) {
    sim.submit(want);
    sim.run_all();
    sim.run_for(seconds(3'600));  // and its limits have room again
  }
  int64_t expected = concurrency_of(spec, pool);
  for (const LimitSpec& limit : spec.limits) expected = std::min(expected, limit.amount);
  expected = std::min(expected, sim.model(model).first().load.bound());
  for (const LimitSpec& limit : pool) {
    if (!spec.pools.empty()) expected = std::min(expected, limit.amount);
  }
  sim.world.connect = [](const Call&) { return seconds(1); };
  sim.world.answer = [](const Call&) {
    Answer answer;
    answer.latency = seconds(1);
    return answer;
  };
  sim.forget_most_running(model);
  for (int64_t i = 0; i < expected + 5; ++i) sim.submit(want);
  sim.run_for(milliseconds(1));  // a store answers in the next step
  EXPECT_EQ(sim.most_running(model), expected) << "a slot was lost or invented";
  sim.run_all();
}

class EngineProperties : public testing::TestWithParam<uint64_t> {};

TEST_P(EngineProperties, I1_I3_I7_I9_I10_HoldInRandomWorlds) {
  constexpr uint64_t kSeedsEach = 100;
  for (uint64_t i = 0; i < kSeedsEach; ++i) {
    const uint64_t seed = GetParam() * kSeedsEach + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomWorld world(seed);
    EngineSim& sim = world.sim;
    sim.run_all();

    ASSERT_EQ(sim.jobs.size(), 150u);
    for (const Job& job : sim.jobs) {
      ASSERT_EQ(job.outcomes, 1) << "I9: request " << job.id;
      ASSERT_EQ(job.state == State::kCompleted, job.status == Status::kOk);
    }
    EXPECT_EQ(sim.engine.live(), 0u);
    EXPECT_EQ(sim.closed, world.shuts_down ? 1 : 0);
    for (ModelIndex index = 0; index < world.specs.size(); ++index) {
      const ModelSpec& spec = world.specs[index];
      EXPECT_LE(sim.most_running(index), concurrency_of(spec, world.pool));
      EXPECT_EQ(sim.running(index), 0);
      for (const LimitSpec& limit : spec.limits) {
        if (limit.kind == LimitKind::kConcurrency) continue;
        for (int64_t tenant = limit.per_tenant ? 0 : -1; tenant <= (limit.per_tenant ? 5 : -1);
             ++tenant) {
          EXPECT_LE(sim::most_in_any_window(counted_by(limit, sim, {index}, tenant),
                                            limit.period + limit.jitter),
                    limit.amount)
              << "I1: model " << index << " kind " << static_cast<int>(limit.kind);
        }
      }
      Model* const model = sim.engine.model(index);
      if (model == nullptr) continue;
      EXPECT_TRUE(model->queue.empty() && model->delayed.empty() && model->running.empty());
      EXPECT_EQ(model->records, 0u);
      const Counters& counters = model->counters;
      EXPECT_EQ(counters.pending + counters.processing, 0u);
      EXPECT_EQ(counters.submitted,
                counters.completed + counters.failed + counters.cancelled + counters.expired);
      for (Limit* limit : model->first().limiter.limits()) EXPECT_EQ(limit->held(), 0) << "I3";
      EXPECT_EQ(model->first().in_flight.input_tokens + model->first().in_flight.output_tokens, 0);
      for (Account& account : model->accounts.all()) {
        EXPECT_EQ(account.counters.pending + account.counters.processing, 0u);
        if (account.own == nullptr) continue;
        EXPECT_EQ(account.own->running, 0u);
        for (Limit* limit : account.own->limiter.limits()) EXPECT_EQ(limit->held(), 0) << "I3";
      }
    }
    if (!world.pool.empty()) {
      std::vector<ModelIndex> members;
      for (ModelIndex index = 0; index < world.specs.size(); ++index) {
        if (!world.specs[index].pools.empty()) members.push_back(index);
      }
      EXPECT_LE(sim::most_in_any_window(counted_by(world.pool[0], sim, members),
                                        world.pool[0].period + world.pool[0].jitter),
                world.pool[0].amount)
          << "I1: pool";
    }
    if (world.shuts_down) continue;
    sim.tick_lag = {};
    for (ModelIndex index = 0; index < world.specs.size(); ++index) {
      if (sim.engine.model(index) == nullptr) continue;
      sim.run_for(seconds(60));
      for (Limit* limit : sim.model(index).first().limiter.limits()) {
        EXPECT_EQ(limit->used(sim.now()), 0) << "I2: a window after the last call";
      }
      expect_full_burst(sim, index, world.specs[index], world.pool);
    }
    if (testing::Test::HasFailure()) return;  // one seed tells enough
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EngineProperties, testing::Range<uint64_t>(0, 8));

TEST(EngineProperties, I6_ReplayAlikeFromASeed) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    RandomWorld one(seed);
    RandomWorld other(seed);
    one.sim.check_wake_ups = other.sim.check_wake_ups = false;
    one.sim.run_all();
    other.sim.run_all();
    ASSERT_EQ(one.sim.trace(), other.sim.trace()) << "seed " << seed;
  }
}

TEST(EngineOrder, FirstComeFirstServedInRandomWorldsWithoutRetries) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    EngineSim sim(seed);
    ModelSpec spec = some_model(random);
    spec.durable = false;
    sim.add_model(spec);
    sim.world.answer = [&random](const Call&) {
      Answer answer;
      answer.latency = milliseconds(random.between(0, 2000));
      if (random.between(0, 9) == 0) answer.status = Status::kBadRequest;
      return answer;
    };
    Want want;  // all alike, so that none can pass a blocked one
    want.input_tokens = static_cast<uint32_t>(random.between(0, kMostTokens));
    want.output_tokens = static_cast<uint32_t>(random.between(0, kMostTokens));
    for (int i = 0; i < 100; ++i) {
      sim.submit(want);
      sim.run_for(milliseconds(random.between(0, 100)));
    }
    sim.run_all();
    TimeNs last{};
    for (const Job& job : sim.jobs) {
      ASSERT_EQ(job.attempts.size(), 1u);
      ASSERT_GE(job.attempts[0].started, last) << "seed " << seed << " request " << job.id;
      last = job.attempts[0].started;
    }
  }
}

}  // namespace
}  // namespace llmq::core
