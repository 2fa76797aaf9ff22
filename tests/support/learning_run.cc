#include "tests/support/learning_run.h"

#include <algorithm>
#include <chrono>

#include "core/random.h"
#include "tests/support/engine_sim.h"

namespace llmq::sim {
namespace {

using core::DurationNs;
using core::LimitKind;
using core::TimeNs;

mock::LimitSpec mock_limit(const LearningCase& what, mock::LimitKind kind, int64_t amount) {
  mock::LimitSpec spec;
  spec.kind = kind;
  spec.shape = what.shape;
  spec.amount = amount;
  spec.period = std::chrono::nanoseconds(what.period.ns);
  spec.burst_ppm = what.burst_ppm;
  spec.slice = std::chrono::nanoseconds(what.slice.ns);
  spec.told = what.headers ? what.told : mock::Told::kOff;
  spec.bucket_reset = what.reset;
  return spec;
}

// Headers are in whole milliseconds, rounded up.
DurationNs told_time(mock::Nanos span) { return core::milliseconds(mock::to_ms_rounded_up(span)); }

LimitKind kind_of(mock::LimitKind kind) {
  return kind == mock::LimitKind::kRequests ? LimitKind::kRequests : LimitKind::kTokens;
}

// The provider of a case, on the virtual clock.
class Provider {
 public:
  Provider(const LearningCase& what, uint64_t seed, const LearningWatch& watch)
      : what_(what),
        watch_(watch),
        random_(seed),
        account_({mock_limit(what, mock::LimitKind::kRequests, what.requests),
                  mock_limit(what, mock::LimitKind::kTokens, what.tokens)},
                 what.charge, seed) {}

  Answer arrive(const Call& call) {
    if (first_ == core::kNever) first_ = call.now;
    Answer answer;
    answer.observed.emplace();
    const int64_t input = call.job.input_tokens;
    const auto refusal = account_.arrive(since_first(call.now), {input, call.job.output_tokens});
    if (!refusal) {
      last_ = call.now;
      charged_ +=
          what_.charge == mock::Charge::kArrivalMaxTokens ? input + call.job.output_tokens : input;
      answer.latency = {random_.between(core::milliseconds(what_.latency_low_ms).ns,
                                        core::milliseconds(what_.latency_high_ms).ns)};
      answer.usage = core::Usage{input, random_.between(what_.used_low, what_.used_high), 0, 0};
      if (what_.told_at_arrival) tell(call.now, answer);
      return answer;
    }
    ++refused;
    if (watch_.refused) watch_.refused(call.now - first_, *refusal);
    answer.status = core::Status::kRateLimited;
    answer.latency = core::DurationNs{500'000};
    answer.retry_after = told_time(refusal->wait);
    answer.observed->refused = true;
    core::Refusal& told = answer.observed->refusal;
    told.kind_told = true;
    told.kind = kind_of(refusal->kind);
    told.limit = refusal->told.amount;
    told.used = refusal->told.used;
    told.requested = refusal->requested;
    told.retry_after = answer.retry_after;
    return answer;
  }

  void leave(const Call& call, Answer& answer) {
    if (answer.status == core::Status::kOk) {
      account_.complete(since_first(call.now),
                        {answer.usage->input_tokens, answer.usage->output_tokens});
      if (what_.told_at_arrival) return;
    }
    tell(call.now, answer);
  }

  // Headers tell how things stand now.
  void tell(TimeNs at, Answer& answer) const {
    if (!what_.headers) return;
    const mock::Nanos now = since_first(at);
    for (const mock::LimitKind kind : {mock::LimitKind::kRequests, mock::LimitKind::kTokens}) {
      const auto view = account_.view(kind, now);
      if (!view) continue;
      core::Observation& shown = *answer.observed->of(kind_of(kind), {});
      shown.limit = view->amount;
      shown.remaining = view->remaining();
      shown.reset = told_time(view->reset);
    }
  }

  double over_ideal() const {
    int64_t ideal = account_.ideal().count();
    if (what_.judged_as_sliding()) {
      const auto windows = [](int64_t units, int64_t amount) { return (units - 1) / amount; };
      ideal = what_.period.ns * std::max(windows(account_.accepted(), what_.requests),
                                         windows(charged_, what_.tokens));
    }
    return static_cast<double>((last_ - first_).ns) / static_cast<double>(ideal);
  }
  int64_t accepted() const { return account_.accepted(); }

  int64_t refused = 0;

 private:
  mock::Nanos since_first(TimeNs now) const { return mock::Nanos((now - first_).ns); }

  const LearningCase& what_;
  const LearningWatch& watch_;
  core::Random random_;
  mock::Account account_;
  TimeNs first_ = core::kNever;
  TimeNs last_{};
  int64_t charged_ = 0;
};

core::LimitSpec auto_limit(const LearningCase& what, LimitKind kind, int64_t amount) {
  core::LimitSpec spec = per_period(kind, amount, what.period, core::ChargeModel::kArrival,
                                    core::default_jitter(what.period));
  spec.shape = core::Shape::kAuto;
  return spec;
}

}  // namespace

LearningResult run_learning(const LearningCase& what, uint64_t seed, const LearningWatch& watch) {
  EngineSim sim(seed);
  Provider provider(what, seed, watch);
  core::Random random(seed + 100);
  sim.world.answer = [&](const Call& call) { return provider.arrive(call); };
  sim.world.leaves = [&](const Call& call, Answer& answer) { provider.leave(call, answer); };
  sim.world.travel = [&](const Call&) {
    return DurationNs{random.between(100'000, what.way_most_us * 1'000)};
  };
  core::ModelSpec spec =
      model_with({auto_limit(what, LimitKind::kRequests, what.requests),
                  auto_limit(what, LimitKind::kTokens, what.tokens), concurrency(200)});
  spec.sends_at_start = false;
  sim.add_model(spec);
  for (int i = 0; i < what.calls; ++i) {
    Want want;
    want.input_tokens = static_cast<uint32_t>(random.between(what.input_low, what.input_high));
    want.output_tokens = static_cast<uint32_t>(random.between(what.output_low, what.output_high));
    sim.submit(want);
  }
  sim.run_all();
  if (watch.at_end) {
    for (const core::Limit* limit : sim.model(0).first().limiter.limits())
      watch.at_end(sim.now(), *limit);
  }
  return {provider.accepted(), provider.refused, provider.over_ideal()};
}

}  // namespace llmq::sim
