// In steady state a step of the engine allocates nothing, counted by a replaced operator new: a
// program of its own for that. The core gets memory in no other way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "core/random.h"

namespace {

bool counting = false;  // only while the engine has the word: what the test keeps is its own affair
uint64_t allocations = 0;

}  // namespace

// Not inlined: GCC takes free() at the end of a new expression for a mistake.
__attribute__((noinline)) void* operator new(size_t size) {
  if (counting) ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace llmq::core {
namespace {

LimitSpec limit(LimitKind kind, int64_t amount, DurationNs period) {
  LimitSpec spec;
  spec.kind = kind;
  spec.amount = amount;
  spec.period = period;
  if (period.ns > 0) spec.jitter = default_jitter(period);
  return spec;
}

// Requests, tokens, concurrency and cost.
ModelSpec four_limits(int64_t per_second) {
  ModelSpec spec;
  spec.limits = {limit(LimitKind::kRequests, per_second, seconds(1)),
                 limit(LimitKind::kTokens, per_second * 100 * 60, seconds(60)),
                 limit(LimitKind::kConcurrency, 200, {}),
                 limit(LimitKind::kCost, per_second * 1500, seconds(10))};
  spec.prices = {1'000'000, 500'000, 2'000'000};
  spec.sends_at_start = false;
  return spec;
}

struct Load {
  size_t alive = 1;  // requests that wait or run, at any time
  uint32_t tenants = 1;
  bool priorities = false;
  int64_t with_deadline = 0;  // one of so many; 0 = none
  int64_t failing = 0;        // attempts, one of so many
  bool late_usage = false;
  bool headers = false;  // answers show the limit of requests, as a bucket
};

// The provider's bucket of requests, as headers show it.
class Headers {
 public:
  explicit Headers(const LimitSpec& spec) : spec_(spec), full_at_{} {}

  const Observed& of_answer(TimeNs now) {
    const DurationNs each{spec_.period.ns / spec_.amount};
    full_at_ = std::max(full_at_, now) + each;
    observed_ = Observed{};
    Observation& shown = *observed_.of(spec_.kind, spec_.period);
    shown.limit = spec_.amount;
    shown.reset = full_at_ - now;
    shown.remaining = std::max<int64_t>(spec_.amount - shown.reset.ns / each.ns, 0);
    return observed_;
  }

 private:
  LimitSpec spec_;
  TimeNs full_at_;
  Observed observed_;
};

// Callers and processor.
class Host {
 public:
  Host(const std::vector<ModelSpec>& models, const Load& load,
       const std::vector<LimitSpec>& pool = {})
      : load_(load), models_(models.size()), headers_(models[0].limits[0]) {
    records_.resize(load.alive);
    for (Request& record : records_) idle_.push_back(&record);
    if (!pool.empty()) step(PoolAdded{0, &pool});
    for (ModelIndex i = 0; i < models_; ++i) step(ModelAdded{i, &models[i]});
  }

  // Until so many more have ended.
  void run(uint64_t requests) {
    const uint64_t until = finished_ + requests;
    while (finished_ < until) {
      while (!idle_.empty()) submit();
      now_ = now_ + milliseconds(1);
      if (engine_.next_wake() <= now_) step(Tick{});
      for (size_t left = running_.size() / 4 + 1; left > 0 && !running_.empty(); --left) end_one();
      if (!running_.empty() || !idle_.empty()) continue;
      ASSERT_NE(engine_.next_wake(), kNever) << "everybody waits, for nothing";
      now_ = std::max(now_, engine_.next_wake());
    }
  }

  uint64_t finished() const { return finished_; }
  uint64_t waited() const { return waited_; }
  uint64_t passed() const { return passed_; }
  uint64_t retried() const { return retried_; }
  uint64_t expired() const { return expired_; }
  Model& model(ModelIndex index) { return *engine_.model(index); }

 private:
  void submit() {
    Request& record = *idle_.back();
    idle_.pop_back();
    record = Request{};
    record.id = ++submitted_;
    record.model = static_cast<ModelIndex>(draw_.between(0, static_cast<int64_t>(models_) - 1));
    record.est_input_tokens = static_cast<uint32_t>(draw_.between(1, 100));
    record.est_output_tokens = static_cast<uint32_t>(draw_.between(1, 100));
    record.max_attempts = 3;
    record.tenant = static_cast<TenantIndex>(draw_.between(0, load_.tenants - 1));
    if (load_.priorities) record.priority = static_cast<uint8_t>(draw_.between(0, 4)) & 7;
    record.late_usage = load_.late_usage;
    if (one_of(load_.with_deadline)) {
      record.deadline = now_ + milliseconds(draw_.between(1, 2'000));
    }
    step(Submit{&record});
    if (record.state == State::kPending) ++waited_;
  }

  bool one_of(int64_t so_many) { return so_many > 0 && draw_.between(1, so_many) == 1; }

  void end_one() {
    const int64_t last = static_cast<int64_t>(running_.size()) - 1;
    const auto at = static_cast<size_t>(draw_.between(0, last));
    const StartAttempt attempt = running_[at];
    running_[at] = running_.back();
    running_.pop_back();
    step(AttemptSent{attempt.request, attempt.attempt});
    AttemptFinished finished{attempt.request, attempt.attempt};
    finished.usage_known = !load_.late_usage;
    finished.usage = Usage{draw_.between(1, 100), draw_.between(1, 120), 0, 0};
    if (one_of(load_.failing)) finished.status = Status::kServer;
    if (load_.headers) finished.observed = &headers_.of_answer(now_);
    const RequestId id = attempt.request->id;
    const ModelIndex model = attempt.request->model;
    step(finished);
    if (load_.late_usage) step(UsageKnown{id, model, finished.usage});
  }

  void step(const Event& event) {
    actions_.clear();
    counting = true;
    engine_.step(Now{now_, 0}, event, actions_);
    counting = false;
    for (const Action& action : actions_) {
      if (const auto* start = std::get_if<StartAttempt>(&action)) {
        running_.push_back(*start);
        if (start->attempt > 1) ++retried_;
        const Request* const head = model(start->request->model).head;
        if (head != nullptr && head->seq < start->request->seq) ++passed_;
      } else if (const auto* abort = std::get_if<AbortAttempt>(&action)) {
        forget(abort->request);
      } else if (const auto* finish = std::get_if<FinishRequest>(&action)) {
        ++finished_;
        if (finish->request->state == State::kExpired) ++expired_;
        idle_.push_back(finish->request);
      }
    }
  }

  void forget(const Request* request) {
    for (StartAttempt& attempt : running_) {
      if (attempt.request != request) continue;
      attempt = running_.back();
      running_.pop_back();
      return;
    }
  }

  Load load_;
  size_t models_;
  Headers headers_;
  Engine engine_{1};
  Random draw_{7};
  Actions actions_;
  TimeNs now_{1'000'000'000};
  std::vector<Request> records_;
  std::vector<Request*> idle_;
  std::vector<StartAttempt> running_;
  uint64_t submitted_ = 0;
  uint64_t finished_ = 0;
  uint64_t waited_ = 0;
  uint64_t passed_ = 0;
  uint64_t retried_ = 0;
  uint64_t expired_ = 0;
};

// After a warm-up, in which ledgers and tables grow to what they need: less than twice what is ever
// in them.
uint64_t allocations_in_steady_state(Host& host) {
  constexpr uint64_t kWarmUp = 200'000;
  constexpr uint64_t kCounted = 100'000;
  host.run(kWarmUp);
  const uint64_t before = allocations;
  host.run(kCounted);
  EXPECT_GE(host.finished(), kWarmUp + kCounted);
  return allocations - before;
}

TEST(Allocation, AreCounted) {
  const uint64_t before = allocations;
  const Host host({four_limits(1000)}, Load{});
  EXPECT_GT(allocations, before) << "a model is made";
}

TEST(Allocation, NoneWhereThereIsRoom) {
  Host host({four_limits(1'000'000)}, Load{});
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_EQ(host.waited(), 0u);
}

TEST(Allocation, NoneInLine) {
  Load load;
  load.alive = 1'000;
  Host host({four_limits(1'000)}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_GT(host.waited(), 100'000u);
}

TEST(Allocation, NoneWithTenantsAndPriorities) {
  Load load;
  load.alive = 1'000;
  load.tenants = 50;
  load.priorities = true;
  Host host({four_limits(1'000)}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_GT(host.passed(), 1'000u) << "the blocked first is passed";
}

TEST(Allocation, NoneForLimitsOfEachTenant) {
  ModelSpec spec = four_limits(1'000);
  spec.limits.push_back(limit(LimitKind::kRequests, 20, seconds(1)));
  spec.limits.back().per_tenant = true;
  Load load;
  load.alive = 1'000;
  load.tenants = 40;
  Host host({spec}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
}

TEST(Allocation, NoneForModelsThatShareLimits) {
  ModelSpec spec = four_limits(1'000);
  const std::vector<LimitSpec> pool = std::move(spec.limits);
  spec.limits = {limit(LimitKind::kOutputTokens, 30'000, seconds(1))};
  spec.pools = {0};
  Load load;
  load.alive = 1'000;
  load.tenants = 10;
  Host host({spec, spec, spec}, load, pool);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_GT(host.passed(), 1'000u);
}

TEST(Allocation, NoneForRetriesAndDeadlines) {
  Load load;
  load.alive = 500;
  load.tenants = 5;
  load.with_deadline = 10;
  load.failing = 10;
  Host host({four_limits(1'000)}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_GT(host.retried(), 1'000u);
  EXPECT_GT(host.expired(), 1'000u);
}

TEST(Allocation, NoneForUsageThatBecomesKnownLate) {
  Load load;
  load.alive = 500;
  load.late_usage = true;
  Host host({four_limits(1'000)}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
}

TEST(Allocation, NoneForEveryShape) {
  for (const Shape shape : {Shape::kBucket, Shape::kFixed, Shape::kPaced, Shape::kQuantised}) {
    ModelSpec spec = four_limits(1'000);
    for (LimitSpec& one : spec.limits) {
      if (one.kind == LimitKind::kConcurrency) continue;
      one.shape = shape;
      one.slice = shape == Shape::kQuantised ? seconds(1) : DurationNs{};
    }
    Load load;
    load.alive = 500;
    load.tenants = 10;
    Host host({spec}, load);
    EXPECT_EQ(allocations_in_steady_state(host), 0u) << static_cast<int>(shape);
  }
}

TEST(Allocation, NoneForWhatAnswersTeach) {
  ModelSpec spec = four_limits(1'000);
  spec.limits[0].shape = Shape::kAuto;
  Load load;
  load.alive = 500;
  load.headers = true;
  Host host({spec}, load);
  EXPECT_EQ(allocations_in_steady_state(host), 0u);
  EXPECT_EQ(host.model(0).first().limiter.limits()[0]->enforced_shape(), Shape::kBucket);
}

}  // namespace
}  // namespace llmq::core
