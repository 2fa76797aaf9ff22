// Limits that nobody configured: the mock provider's own counters show them in headers, under the
// virtual clock.
#include "core/limit/found_limits.h"

#include <gtest/gtest.h>

#include <chrono>

#include "core/random.h"
#include "mock/account.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

using sim::Answer;
using sim::Call;
using sim::EngineSim;

Observation shows(LimitKind kind, int64_t limit, int64_t remaining, DurationNs reset,
                  DurationNs period = {}) {
  Observation shown;
  shown.kind = kind;
  shown.limit = limit;
  shown.remaining = remaining;
  shown.reset = reset;
  shown.period = period;
  return shown;
}

// 300 requests and 30,000 tokens per period, enforced in one shape. Told in each answer, or by the
// words of refusals alone.
class Provider {
 public:
  Provider(mock::Shape shape, DurationNs period, uint64_t seed,
           mock::Charge charge = mock::Charge::kArrivalMaxTokens, bool silent = false)
      : silent_(silent),
        random_(seed),
        account_({limit(shape, mock::LimitKind::kRequests, 300, period),
                  limit(shape, mock::LimitKind::kTokens, 30'000, period)},
                 charge, seed) {}

  Answer answer(const Call& call) {
    if (first_ == kNever) first_ = call.now;
    const mock::Nanos now{(call.now - first_).ns};
    Answer answer;
    answer.observed.emplace();
    const auto refusal = account_.arrive(now, {call.job.input_tokens, call.job.output_tokens});
    if (!silent_) tell(now, *answer.observed);
    if (refusal) {
      refuse(*refusal, answer);
      return answer;
    }
    accepted = call.now;
    answer.latency = {random_.between(milliseconds(50).ns, milliseconds(500).ns)};
    answer.usage = Usage{call.job.input_tokens, call.job.output_tokens, 0, 0};
    return answer;
  }

  double time_over_ideal() const {
    return static_cast<double>((accepted - first_).ns) /
           static_cast<double>(account_.ideal().count());
  }

  // How much longer it took than so often the ideal.
  double seconds_beyond(double times) const {
    return static_cast<double>((accepted - first_).ns) / 1e9 -
           times * static_cast<double>(account_.ideal().count()) / 1e9;
  }

  int64_t refused = 0;
  TimeNs accepted{};

 private:
  static mock::LimitSpec limit(mock::Shape shape, mock::LimitKind kind, int64_t amount,
                               DurationNs period) {
    mock::LimitSpec spec;
    spec.kind = kind;
    spec.shape = shape;
    spec.amount = amount;
    spec.period = std::chrono::nanoseconds(period.ns);
    return spec;
  }
  void refuse(const mock::Refusal& why, Answer& answer) {
    ++refused;
    answer.latency = milliseconds(100);
    answer.status = Status::kRateLimited;
    answer.retry_after = DurationNs{why.wait.count()};
    answer.observed->refused = true;
    Refusal& told = answer.observed->refusal;
    told.retry_after = answer.retry_after;
    if (!silent_) return;
    told.kind_told = true;
    told.kind = why.kind == mock::LimitKind::kRequests ? LimitKind::kRequests : LimitKind::kTokens;
    told.limit = why.told.amount;
    told.period = DurationNs{why.told.period.count()};
  }
  void tell(mock::Nanos now, Observed& observed) const {
    for (const mock::LimitKind kind : {mock::LimitKind::kRequests, mock::LimitKind::kTokens}) {
      const auto view = account_.view(kind, now);
      const LimitKind ours =
          kind == mock::LimitKind::kRequests ? LimitKind::kRequests : LimitKind::kTokens;
      *observed.of(ours, {}) = shows(ours, view->amount, view->remaining(),
                                     milliseconds(mock::to_ms_rounded_up(view->reset)));
    }
  }

  bool silent_;
  Random random_;
  mock::Account account_;
  TimeNs first_ = kNever;
};

ModelSpec unlimited() {
  ModelSpec spec;
  spec.finds_limits = true;
  spec.found_like.shape = Shape::kAuto;
  spec.found_like.charge = ChargeModel::kArrival;
  spec.found_like.jitter = kJitterOfPeriod;
  spec.sends_at_start = false;
  return spec;
}

struct Case {
  mock::Shape shape;
  DurationNs period;
};

class FoundLimitsKept : public testing::TestWithParam<Case> {};

TEST_P(FoundLimitsKept, AsIfTheyHadBeenConfigured) {
  const Case& c = GetParam();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EngineSim sim(seed);
    Provider provider(c.shape, c.period, seed);
    sim.world.answer = [&](const Call& call) { return provider.answer(call); };
    sim.add_model(unlimited());
    Random random(seed + 7);
    constexpr int kRequests = 1000;
    for (int i = 0; i < kRequests; ++i) {
      sim::Want want;
      want.input_tokens = static_cast<uint32_t>(random.between(30, 90));
      want.output_tokens = static_cast<uint32_t>(random.between(60, 120));
      sim.submit(want);
    }
    sim.run_all();
    for (const sim::Job& job : sim.jobs) EXPECT_EQ(job.state, State::kCompleted);
    EXPECT_LE(provider.refused, kRequests / 50) << "seed " << seed;
    EXPECT_LE(provider.time_over_ideal(), 1.15) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FoundLimitsKept,
                         testing::Values(Case{mock::Shape::kBucket, seconds(60)},
                                         Case{mock::Shape::kFixed, seconds(60)},
                                         Case{mock::Shape::kSliding, seconds(60)},
                                         Case{mock::Shape::kBucket, seconds(6)},
                                         Case{mock::Shape::kBucket, seconds(86'400)}));

class FoundLimitsUnseen : public testing::TestWithParam<Case> {};

// The first refusal is the first that is heard of a limit.
TEST_P(FoundLimitsUnseen, AreToldByFewRefusals) {
  const Case& c = GetParam();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EngineSim sim(seed);
    Provider provider(c.shape, c.period, seed, mock::Charge::kArrivalMaxTokens, true);
    sim.world.answer = [&](const Call& call) { return provider.answer(call); };
    ModelSpec spec = unlimited();
    spec.limits_unseen = true;
    sim.add_model(spec);
    Random random(seed + 7);
    constexpr int kRequests = 1500;
    for (int i = 0; i < kRequests; ++i) {
      sim::Want want;
      want.input_tokens = static_cast<uint32_t>(random.between(10, 20));
      want.output_tokens = static_cast<uint32_t>(random.between(20, 60));
      sim.submit(want);
    }
    sim.run_all();
    for (const sim::Job& job : sim.jobs) EXPECT_EQ(job.state, State::kCompleted);
    EXPECT_LE(provider.refused, kRequests / 50) << "seed " << seed;
    EXPECT_LE(provider.seconds_beyond(1.15), 60) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FoundLimitsUnseen,
                         testing::Values(Case{mock::Shape::kBucket, seconds(60)},
                                         Case{mock::Shape::kFixed, seconds(60)},
                                         Case{mock::Shape::kSliding, seconds(60)}));

// Its profile says that it counts what is used, but it counts what is asked for.
TEST(FoundLimits, OfTokensAreChargedAsAnswersShow) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EngineSim sim(seed);
    Provider provider(mock::Shape::kBucket, seconds(60), seed);
    sim.world.answer = [&](const Call& call) {
      Answer answer = provider.answer(call);
      if (answer.usage) answer.usage->output_tokens /= 8;
      return answer;
    };
    ModelSpec spec = unlimited();
    spec.found_like.charge = ChargeModel::kActual;
    sim.add_model(spec);
    Random random(seed + 7);
    constexpr int kRequests = 1000;
    for (int i = 0; i < kRequests; ++i) {
      sim::Want want;
      want.input_tokens = static_cast<uint32_t>(random.between(20, 60));
      want.output_tokens = static_cast<uint32_t>(random.between(100, 200));
      sim.submit(want);
    }
    sim.run_all();
    for (const sim::Job& job : sim.jobs) EXPECT_EQ(job.state, State::kCompleted);
    EXPECT_LE(provider.refused, kRequests / 50) << "seed " << seed;
    EXPECT_LE(provider.time_over_ideal(), 1.15) << "seed " << seed;
  }
}

// One answer comes for each call, 10 ms after it, and shows nothing.
TEST(FoundLimits, WithoutAnyTheCallsDoublePerAnswer) {
  EngineSim sim;
  sim.add_model(unlimited());
  for (int i = 0; i < 1000; ++i) sim.submit({});
  EXPECT_EQ(sim.running(0), 1);
  sim.run_for(milliseconds(10));
  EXPECT_EQ(sim.running(0), 2);
  sim.run_for(milliseconds(10));
  EXPECT_EQ(sim.running(0), 8);
  sim.run_for(milliseconds(10));
  EXPECT_EQ(sim.running(0), 256);  // max_in_flight: nothing is known that could bind
  sim.run_all();
}

TEST(FoundLimits, OfAModelThatDoesNotLookForThemAreIgnored) {
  EngineSim sim;
  sim.add_model(ModelSpec{});
  Observed observed;
  *observed.of(LimitKind::kRequests, {}) = shows(LimitKind::kRequests, 1, 0, seconds(60));
  sim.step(LimitsObserved{0, &observed});
  for (int i = 0; i < 10; ++i) sim.submit({});
  EXPECT_EQ(sim.running(0), 10);
  sim.run_all();
}

TEST(FoundLimits, StandBesideAConfiguredOneOfAShorterPeriod) {
  EngineSim sim;
  ModelSpec spec = unlimited();
  spec.sends_at_start = true;
  spec.limits = {sim::per_period(LimitKind::kRequests, 100, seconds(1))};
  sim.add_model(spec);
  Observed observed;
  *observed.of(LimitKind::kRequests, seconds(60)) =
      shows(LimitKind::kRequests, 5, 3, seconds(60), seconds(60));
  sim.step(LimitsObserved{0, &observed});
  for (int i = 0; i < 10; ++i) sim.submit({});
  sim.run_for(seconds(30));
  EXPECT_LE(sim.sent_calls(0).size(), 3U);
  sim.run_all();
}

TEST(FoundLimits, GrowWithWhatIsShownAndOutliveOtherSettings) {
  EngineSim sim;
  ModelSpec spec = unlimited();
  sim.add_model(spec);
  const auto tell = [&](int64_t limit) {
    Observed observed;
    *observed.of(LimitKind::kTokens, seconds(60)) =
        shows(LimitKind::kTokens, limit, limit, DurationNs{0}, seconds(60));
    sim.step(LimitsObserved{0, &observed});
  };
  const auto found = [&]() -> const Limit& {
    Limiter& limiter = sim.model(0).first().limiter;
    for (size_t i = 0; i < limiter.limits().size(); ++i) {
      if (limiter.is_found(i) && !limiter.is_gone(i)) return *limiter.limits()[i];
    }
    ADD_FAILURE() << "no limit was found";
    return *limiter.limits()[0];
  };
  tell(1000);
  EXPECT_EQ(found().spec().amount, 1000);
  tell(5000);
  EXPECT_EQ(found().spec().amount, 5000);
  spec.limits = {sim::per_period(LimitKind::kRequests, 100, seconds(1))};
  sim.step(ModelChanged{0, &spec});
  EXPECT_EQ(found().spec().amount, 5000);
}

TEST(FoundLimits, AreBoundedInNumber) {
  EngineSim sim;
  sim.add_model(unlimited());
  for (int i = 1; i <= 100; ++i) {
    Observed observed;
    *observed.of(LimitKind::kRequests, seconds(1000 * i)) =
        shows(LimitKind::kRequests, 1'000'000, 1'000'000, DurationNs{0}, seconds(1000 * i));
    sim.step(LimitsObserved{0, &observed});
  }
  EXPECT_LE(sim.model(0).first().limiter.limits().size(), static_cast<size_t>(kMostLimitsTogether));
  for (int i = 0; i < 10; ++i) sim.submit({});
  sim.run_all();
}

TEST(PeriodEvidence, TellsADayFromAMinuteByBuckets) {
  PeriodEvidence minute;
  PeriodEvidence day;
  for (int64_t used = 1; used <= 4; ++used) {
    minute.add(shows(LimitKind::kRequests, 500, 500 - used, milliseconds(120 * used)));
    day.add(shows(LimitKind::kRequests, 10'000, 10'000 - used, milliseconds(8'640 * used)));
  }
  EXPECT_EQ(minute.period(), seconds(60));
  EXPECT_EQ(day.period(), seconds(86'400));
}

TEST(PeriodEvidence, WindowsTellNothing) {
  PeriodEvidence fixed;
  PeriodEvidence sliding;
  for (int64_t used = 1; used <= 20; ++used) {
    fixed.add(shows(LimitKind::kRequests, 1440, 1440 - used, seconds(60 - used)));
    sliding.add(shows(LimitKind::kRequests, 1440, 1440 - used, seconds(60)));
  }
  EXPECT_EQ(fixed.period(), DurationNs{});
  EXPECT_EQ(sliding.period(), DurationNs{});
}

TEST(PeriodEvidence, NonsenseTellsNothing) {
  PeriodEvidence evidence;
  evidence.add(shows(LimitKind::kRequests, 0, 0, seconds(1)));
  evidence.add(shows(LimitKind::kRequests, 10, 20, seconds(1)));
  evidence.add(shows(LimitKind::kRequests, 10, kNotTold, seconds(1)));
  for (int64_t used = 1; used <= 4; ++used) {
    evidence.add(shows(LimitKind::kRequests, kMaxLimitAmount, kMaxLimitAmount - used,
                       DurationNs{int64_t{1} << 62}));
  }
  EXPECT_EQ(evidence.period(), DurationNs{});
}

}  // namespace
}  // namespace llmq::core
