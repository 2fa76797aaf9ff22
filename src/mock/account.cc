#include "mock/account.h"

#include <algorithm>
#include <limits>

namespace llmq::mock {

namespace {

// Nobody knows when a call will end; long enough not to be asked in a tight loop.
constexpr Nanos kConcurrencyWait = std::chrono::milliseconds(100);

bool is_worse(const Refusal& a, const Refusal& b) {
  if (a.too_large != b.too_large) return a.too_large;
  return a.wait > b.wait;
}

void keep_worst(std::optional<Refusal>& worst, const Refusal& candidate) {
  if (!worst || is_worse(candidate, *worst)) worst = candidate;
}

int64_t actual_cost(LimitKind kind, const Usage& usage) {
  switch (kind) {
    case LimitKind::kTokens:
      return usage.input_tokens + usage.output_tokens;
    case LimitKind::kInputTokens:
      return usage.input_tokens;
    case LimitKind::kOutputTokens:
      return usage.output_tokens;
    case LimitKind::kRequests:
    case LimitKind::kConcurrency:
      break;
  }
  return 0;
}

}  // namespace

Account::Account(const std::vector<LimitSpec>& limits, Charge charge, uint64_t seed,
                 int64_t others_ppm)
    : specs_(limits), charge_(charge), concurrency_(std::numeric_limits<int64_t>::max()) {
  for (const LimitSpec& spec : limits) {
    if (spec.kind == LimitKind::kConcurrency) {
      concurrency_ = std::min(concurrency_, spec.amount);
    } else {
      rates_.emplace_back(spec, seed, others_ppm);
    }
  }
}

void Account::Rate::charge(Nanos now, int64_t cost) {
  limit.charge(now, cost);
  busiest.add(now, cost);
  ideal.add(cost);
  accepted_units += cost;
  max_used = std::max(max_used, limit.used(now));
}

void Account::Rate::advance(Nanos now) {
  limit.change_when_due(now);
  while (const auto wish = others.next(now)) {
    // They are refused like anybody else.
    if (!limit.would_accept(wish->at, wish->cost)) continue;
    limit.charge(wish->at, wish->cost);
    others_units += wish->cost;
  }
}

void Account::advance(Nanos now) {
  for (Rate& rate : rates_) rate.advance(now);
}

bool Account::charged_on_arrival(LimitKind kind) const {
  if (kind == LimitKind::kRequests) return true;
  if (charge_ == Charge::kCompletion) return false;
  // Without max_tokens in the charge, output is only known at the end.
  return kind != LimitKind::kOutputTokens || charge_ == Charge::kArrivalMaxTokens;
}

int64_t Account::cost_on_arrival(LimitKind kind, const Demand& demand) const {
  const int64_t output = charge_ == Charge::kArrivalMaxTokens ? demand.max_output_tokens : 0;
  switch (kind) {
    case LimitKind::kTokens:
      return demand.input_tokens + output;
    case LimitKind::kInputTokens:
      return demand.input_tokens;
    case LimitKind::kOutputTokens:
      return output;
    case LimitKind::kRequests:
    case LimitKind::kConcurrency:
      break;
  }
  return 1;
}

void Account::refuse_by_rate(const Rate& rate, Nanos now, const Demand& demand,
                             std::optional<Refusal>& refusal) const {
  const LimitSpec& spec = rate.limit.spec();
  // What is charged at the end needs some room at the start, how much nobody knows yet.
  const int64_t cost = charged_on_arrival(spec.kind) ? cost_on_arrival(spec.kind, demand) : 1;
  if (rate.limit.would_accept(now, cost)) return;
  LimitView told = rate.limit.view(now);
  const bool too_large = cost > rate.limit.capacity();
  // Whatever the headers hide: the reason must be seen in the numbers.
  if (too_large) {
    told.amount = rate.limit.capacity();
    told.used = rate.limit.used(now);
  }
  const Nanos wait = too_large ? Nanos(0) : rate.limit.wait_for(now, cost);
  keep_worst(refusal, {spec.kind, told, cost, too_large, wait});
}

std::optional<Refusal> Account::arrive(Nanos now, const Demand& demand) {
  std::optional<Refusal> refusal;
  for (const Rate& rate : rates_) refuse_by_rate(rate, now, demand, refusal);
  if (is_full()) {
    const LimitView told{concurrency_, in_flight_, Nanos(0), Nanos(0)};
    keep_worst(refusal, {LimitKind::kConcurrency, told, 1, false, kConcurrencyWait});
  }
  if (refusal) return refusal;

  for (Rate& rate : rates_) {
    const LimitKind kind = rate.limit.spec().kind;
    if (charged_on_arrival(kind)) rate.charge(now, cost_on_arrival(kind, demand));
  }
  ++accepted_;
  ++in_flight_;
  max_in_flight_ = std::max(max_in_flight_, in_flight_);
  last_accepted_ = now;
  return std::nullopt;
}

void Account::produce(Nanos now, int64_t output_tokens) {
  if (charge_ != Charge::kRealtime || output_tokens == 0) return;
  for (Rate& rate : rates_) {
    const LimitKind kind = rate.limit.spec().kind;
    if (kind == LimitKind::kTokens || kind == LimitKind::kOutputTokens) {
      rate.charge(now, output_tokens);
    }
  }
}

void Account::complete(Nanos now, const Usage& usage, int64_t produced) {
  --in_flight_;
  if (charge_ == Charge::kRealtime) {
    produce(now, usage.output_tokens - produced);
    return;
  }
  for (Rate& rate : rates_) {
    const LimitKind kind = rate.limit.spec().kind;
    if (!charged_on_arrival(kind)) rate.charge(now, actual_cost(kind, usage));
  }
}

void Account::abandon() { --in_flight_; }

Nanos Account::ideal() const {
  Nanos largest{};
  for (const Rate& rate : rates_) largest = std::max(largest, rate.ideal.value());
  return largest;
}

std::vector<LimitReport> Account::report() const {
  std::vector<LimitReport> reports;
  auto rate = rates_.begin();
  for (const LimitSpec& spec : specs_) {
    if (spec.kind == LimitKind::kConcurrency) {
      reports.push_back({spec, max_in_flight_, accepted_, max_in_flight_, Nanos(0), 0, spec.amount,
                         std::nullopt});
      continue;
    }
    reports.push_back({spec, rate->busiest.busiest(), rate->accepted_units, rate->max_used,
                       rate->ideal.value(), rate->others_units, rate->limit.capacity(),
                       rate->limit.first_edge()});
    ++rate;
  }
  return reports;
}

std::optional<LimitView> Account::view(LimitKind kind, Nanos now) const {
  std::optional<LimitView> tightest;
  for (const Rate& rate : rates_) {
    if (rate.limit.spec().kind != kind || rate.limit.spec().told == Told::kOff) continue;
    const LimitView view = rate.limit.view(now);
    // remaining / amount, compared crosswise.
    const auto is_tighter = [](const LimitView& a, const LimitView& b) {
      return static_cast<Wide>(a.remaining()) * b.amount <
             static_cast<Wide>(b.remaining()) * a.amount;
    };
    if (!tightest || is_tighter(view, *tightest)) tightest = view;
  }
  return tightest;
}

}  // namespace llmq::mock
