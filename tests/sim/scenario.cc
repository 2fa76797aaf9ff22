#include "tests/sim/scenario.h"

#include <algorithm>

#include "core/limit/limit_names.h"
#include "tests/sim/features.h"
#include "tests/sim/random.h"

namespace llmq::simulator {
namespace {

using core::ChargeModel;
using core::LimitKind;
using core::Shape;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kRequestsOfSpeedSeed = 40'000;
constexpr int64_t kRequestsOfOracleSeed = 1'500;

Shape shape_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kFixed:
      return Shape::kFixed;
    case Algorithm::kSliding:
      return Shape::kSliding;
    case Algorithm::kBucket:
      return Shape::kBucket;
    case Algorithm::kQuantised:
      return Shape::kQuantised;
    case Algorithm::kTwoBucket:
      return Shape::kPaced;
  }
  return Shape::kSliding;
}

// `least` is the largest call: the provider must be able to accept it.
Rate rate_of(Draw& draw, const Scenario& scenario, Algorithm algorithm, LimitKind kind,
             int64_t amount, int64_t period, int64_t least) {
  Rate rate;
  Rule& rule = rate.rule;
  rule.algorithm = algorithm;
  rule.period = period;
  rule.amount = std::max(amount, least);
  if (algorithm == Algorithm::kQuantised) {
    rule.slice = period > 10 * kSecond && draw.below(2) == 0 ? 10 * kSecond : kSecond;
    rule.slice = std::min(rule.slice, period);
    const int64_t slices = period / rule.slice;
    rule.amount = std::max(rule.amount, least * slices) / slices * slices;
  }
  if (algorithm == Algorithm::kTwoBucket) {  // below, spacing at N per T would be too close
    rule.amount = std::max<int64_t>(rule.amount, 100);
  }
  if (algorithm == Algorithm::kBucket) {
    rule.burst = draw.below(2) == 0 ? rule.amount : rule.amount / draw.between(1, 10);
    rule.burst = std::max({rule.burst, least, int64_t{1}});
  }
  rule.phase = draw.below(period);
  core::LimitSpec& spec = rate.spec;
  spec.kind = kind;
  spec.shape = shape_of(algorithm);
  spec.charge = kind == LimitKind::kRequests ? ChargeModel::kActual : scenario.charge;
  if (kind != LimitKind::kRequests && draw.below(8) == 0) spec.charge = ChargeModel::kUnknown;
  spec.amount = rule.amount;
  spec.period = core::DurationNs{period};
  spec.jitter = core::DurationNs{scenario.way_jitter};
  if (spec.shape == Shape::kPaced) {  // spaced at the start: the time to the sending varies too
    spec.jitter = core::DurationNs{scenario.way_jitter + scenario.connect_most};
  }
  spec.burst = algorithm == Algorithm::kBucket ? rule.burst : 0;
  spec.slice = core::DurationNs{rule.slice};
  return rate;
}

void draw_load(Draw& draw, Scenario& scenario) {
  scenario.unit_cost = draw.below(4) == 0;
  scenario.input_most = scenario.unit_cost ? 100 : 1 << draw.between(6, 12);
  scenario.output_most = scenario.unit_cost ? 100 : 1 << draw.between(5, 11);
  scenario.backlog = int64_t{1} << draw.between(5, 11);
  scenario.burst_most = 1 << draw.between(0, 6);
  scenario.service_least = draw.skewed(kMs, 200 * kMs);
  scenario.service_most = scenario.service_least * draw.between(1, 20);
  if (draw.below(3) == 0) {
    scenario.with_deadline = 50'000;
    scenario.deadline_most = draw.skewed(100 * kMs, 300 * kSecond);
  }
  if (draw.below(3) == 0) {
    scenario.timeout_ms =
        static_cast<uint32_t>((scenario.service_most + 4 * scenario.way_jitter) / kMs + 1'000);
  }
  if (draw.below(2) == 0) scenario.tenants = int64_t{1} << draw.between(0, 8);
  scenario.priorities = draw.below(2) == 0;
  scenario.max_attempts = static_cast<uint8_t>(draw.between(1, 6));
}

void draw_faults(Draw& draw, Scenario& scenario) {
  Faults& faults = scenario.faults;
  if (draw.below(3) == 0) faults.server_error = 10'000;
  if (draw.below(4) == 0) faults.overloaded = 10'000;
  if (draw.below(4) == 0) faults.capacity = draw.skewed(1, 200);
  if (draw.below(4) == 0) faults.refused = 5'000;
  faults.retry_after = draw.below(2) * 500'000;
  if (draw.below(6) == 0) faults.no_connection = 10'000;
  if (draw.below(4) == 0) faults.cancelled = 30'000;
  if (scenario.timeout_ms > 0 && draw.below(2) == 0) faults.lost_answer = 5'000;
  if (scenario.timeout_ms > 0 && draw.below(2) == 0) faults.lost_call = 5'000;
  if (draw.below(10) == 0) faults.late_call = 20'000;
  if (draw.below(5) == 0) scenario.overrun = 50'000;
  if (draw.below(5) == 0) faults.storms = static_cast<int>(draw.between(1, 4));
  if (draw.below(5) == 0) faults.sleeps = static_cast<int>(draw.between(1, 3));
  if (draw.below(5) == 0) faults.wall_steps = static_cast<int>(draw.between(1, 4));
  if (draw.below(5) == 0) faults.changes = static_cast<int>(draw.between(1, 4));
  if (draw.below(4) == 0) scenario.headers = true;
  if (scenario.headers && draw.below(3) == 0) faults.wrong_headers = 20'000;
}

// What few callers use. Drawn apart, so that the rest of a seed does not depend on it.
void draw_seldom(Draw& draw, Scenario& scenario) {
  if (draw.below(10) == 0) {
    scenario.headers = true;
    scenario.rates[0].spec.shape = Shape::kAuto;
  }
  if (draw.below(6) == 0) scenario.late_usage = 200'000;
  if (draw.below(8) == 0) {
    scenario.durable = true;
    scenario.store_most = draw.skewed(1, 100 * kMs);
    if (draw.below(2) == 0) scenario.faults.store_fails = 2'000;
  }
  if (scenario.models == 1 && draw.below(8) == 0) {
    scenario.leased = scenario.rates[0].spec.shared = true;
  }
  if (draw.below(8) == 0) {
    scenario.faults.no_quota = static_cast<int>(draw.between(1, 3));
    scenario.quota.blocks = draw.below(2) == 0;
    scenario.quota.recheck = core::DurationNs{draw.skewed(kSecond, 60 * kSecond)};
  }
  if (draw.below(6) == 0) {
    const int64_t all = scenario.rates[0].spec.amount;
    scenario.per_tenant = std::max<int64_t>(1, all / draw.between(1, 20));
  }
}

// Money as the second or third limit.
void draw_cost(Draw& draw, Scenario& scenario, int64_t per_period, int64_t period) {
  if (draw.below(6) != 0) return;
  scenario.prices.input = draw.between(1, 20) * 1'000'000;
  scenario.prices.output = draw.between(1, 80) * 1'000'000;
  const int64_t largest = (scenario.input_most * scenario.prices.input +
                           scenario.output_most * scenario.prices.output) /
                          1'000'000;
  const int64_t amount = std::max(largest, per_period * largest / draw.between(1, 6));
  const Rate rate =
      rate_of(draw, scenario, Algorithm::kSliding, LimitKind::kCost, amount, period, largest);
  if (scenario.rates.size() == kMaxRates) scenario.rates.pop_back();
  scenario.rates.push_back(rate);
}

}  // namespace

bool Scenario::judged() const {
  if (overrun > 0 || faults.late_call > 0 || faults.wrong_headers > 0) return false;
  return std::all_of(rates.begin(), rates.end(), [](const Rate& rate) {
    if (rate.spec.charge == ChargeModel::kUnknown && !features().unknown_charge) return false;
    return rate.spec.shape != Shape::kAuto && features().enforces(rate.spec.shape);
  });
}

std::string Scenario::text() const {
  std::string text = "seed " + std::to_string(seed) + ": ";
  for (const Rate& rate : rates) {
    text += core::limit_name(rate.spec) + "=" + std::to_string(rate.spec.amount) + " " +
            algorithm_name(rate.rule.algorithm) + ", told " + core::shape_name(rate.spec.shape) +
            " " + core::charge_name(rate.spec.charge) + "; ";
  }
  text += "provider charges " + std::string(core::charge_name(charge)) + ", concurrency " +
          std::to_string(concurrency) + ", models " + std::to_string(models) + ", J " +
          std::to_string(way_jitter / kMs) + " ms, backlog " + std::to_string(backlog) +
          (durable ? ", durable" : "") + (leased ? ", leased" : "") +
          (late_usage > 0 ? ", late usage" : "") + (faults.no_quota > 0 ? ", quota ends" : "") +
          (per_tenant > 0 ? ", each tenant " + std::to_string(per_tenant) : "") +
          (judged() ? "" : ", refusals not judged");
  return text;
}

Scenario scenario_of(uint64_t seed, bool oracle) {
  Draw draw(seed);
  Scenario scenario;
  scenario.seed = seed;
  scenario.oracle = oracle;
  scenario.requests = oracle ? kRequestsOfOracleSeed : kRequestsOfSpeedSeed;
  static constexpr Algorithm kAlgorithms[] = {Algorithm::kFixed, Algorithm::kSliding,
                                              Algorithm::kBucket, Algorithm::kQuantised,
                                              Algorithm::kTwoBucket};
  static constexpr ChargeModel kCharges[] = {ChargeModel::kArrival, ChargeModel::kCompletion,
                                             ChargeModel::kRealtime, ChargeModel::kActual};
  static constexpr int64_t kPeriods[] = {kSecond,      2 * kSecond,  6 * kSecond,
                                         10 * kSecond, 60 * kSecond, 3'600 * kSecond};
  static constexpr LimitKind kTokenKinds[] = {LimitKind::kTokens, LimitKind::kInputTokens,
                                              LimitKind::kOutputTokens};
  const Algorithm algorithm = draw.pick(kAlgorithms);
  scenario.charge = draw.pick(kCharges);
  scenario.way_least = draw.between(0, 50) * kMs;
  scenario.way_jitter = draw.below(3) == 0 ? 0 : draw.between(1, 250) * kMs;
  scenario.tick_lag = draw.below(2) * draw.below(2 * kMs);
  scenario.connect_most = draw.below(4) == 0 ? 0 : draw.between(1, 100) * kMs;
  draw_load(draw, scenario);
  if (draw.below(2) == 0) draw_faults(draw, scenario);
  scenario.models = features().pools_wake && draw.below(5) == 0 ? 2 : 1;

  // Limits of requests and tokens so that now the one, now the other binds.
  const int64_t per_period = draw.skewed(10, oracle ? 300 : 2'000);
  const int64_t period = draw.pick(kPeriods);
  scenario.rates.push_back(
      rate_of(draw, scenario, algorithm, LimitKind::kRequests, per_period, period, 1));
  const LimitKind kind = draw.pick(kTokenKinds);
  int64_t largest = scenario.input_most + scenario.output_most;
  if (kind == LimitKind::kInputTokens) largest = scenario.input_most;
  if (kind == LimitKind::kOutputTokens) largest = scenario.output_most;
  const int64_t token_period = draw.below(2) == 0 ? period : draw.pick(kPeriods);
  // A counter of two buckets refuses calls that are a large part of it, however they are spaced.
  const Algorithm of_tokens = algorithm == Algorithm::kTwoBucket ? Algorithm::kSliding : algorithm;
  const int64_t tokens =
      per_period * largest / draw.between(1, 6) * (token_period / kMs) / (period / kMs);
  scenario.rates.push_back(
      rate_of(draw, scenario, of_tokens, kind, std::max(tokens, largest), token_period, largest));
  if (draw.below(6) == 0) {
    scenario.rates.push_back(
        rate_of(draw, scenario, algorithm, LimitKind::kRequests, per_period * 20, period * 30, 1));
  }
  Draw seldom(seed ^ 0x5e1d0a5e1d0aULL);
  draw_cost(seldom, scenario, per_period, period);
  draw_seldom(seldom, scenario);
  scenario.concurrency = draw.skewed(1, 512);

  // Bursts come so that the limit of requests is wanted between a quarter and twice.
  const int64_t mean_burst = (1 + scenario.burst_most) / 2;
  scenario.gap = period / per_period * mean_burst * 100 / draw.between(25, 200);
  const bool late =
      scenario.charge == ChargeModel::kRealtime || scenario.charge == ChargeModel::kCompletion;
  scenario.streams = late && draw.below(2) == 0;
  return scenario;
}

core::ModelSpec model_spec_of(const Scenario& scenario) {
  core::ModelSpec spec;
  for (const Rate& rate : scenario.rates) spec.limits.push_back(rate.spec);
  core::LimitSpec concurrency;
  concurrency.kind = LimitKind::kConcurrency;
  concurrency.amount = scenario.concurrency;
  spec.limits.push_back(concurrency);
  if (scenario.per_tenant > 0) {
    core::LimitSpec own = scenario.rates[0].spec;
    own.shape = Shape::kSliding;
    own.shared = false;
    own.amount = scenario.per_tenant;
    own.burst = 0;
    own.slice = {};
    own.per_tenant = true;
    spec.limits.push_back(own);
  }
  spec.prices = scenario.prices;
  spec.durable = scenario.durable;
  spec.quota = scenario.quota;
  spec.late_charges_max = 1'000'000;  // the books keep all
  spec.breaker.enabled = false;       // the oracle knows of none; incidents judge it
  spec.retry.base = core::milliseconds(50);
  spec.retry.cap = core::seconds(5);
  spec.sends_at_start = scenario.connect_most == 0;
  return spec;
}

}  // namespace llmq::simulator
