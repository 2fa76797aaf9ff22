// How long a request waits: at least, to refuse what cannot make its deadline, and probably, to
// tell whoever asks.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {
namespace {

// What has been sent counts whatever it turns out to have used.
bool never_refunds(const LimitSpec& spec) {
  return spec.kind == LimitKind::kRequests || spec.charge == ChargeModel::kArrival;
}

// May a request of that size ever pass one that stands before it? Only where a limit is short that
// it needs less of than the largest of them.
bool may_pass_someone(TimeNs now, Model& model, const Request& request) {
  if (model.queue.empty()) return false;
  const Demand demand = demand_of(request);
  Waiting all = model.queue.waiting();
  all.add(request);
  const std::vector<Limit*>& limits = model.limiter.limits();
  return std::any_of(limits.begin(), limits.end(), [&](Limit* limit) {
    return !limit->is_concurrency() &&
           limit->cost_of(demand) < limit->cost_of(model.queue.largest()) &&
           limit->earliest(now, cost_of(*limit, all)) > now;
  });
}

}  // namespace

// Of a request that is about to stand in line. A bound that no course of events beats but cancels,
// failures before the bytes leave, and changed limits: what runs may give back all that it has
// reserved, and of those before it only those count that must start first.
DurationNs Engine::least_wait(TimeNs now, Model& model, const Account& account,
                              const Request& request) {
  const Demand demand = demand_of(request);
  const size_t own_class = class_of(request);
  Waiting ahead;
  if (!may_pass_someone(now, model, request)) {
    const Flow* const flow = account.flows.flows[own_class];
    if (flow != nullptr) ahead = flow->firm;
    const size_t others = model.queue.in_class(own_class).known() - (flow == nullptr ? 0 : 1);
    const bool alone = others == 0 && model.tenant_limits.empty();
    for (size_t index = 0; alone && index < own_class; ++index) {
      ahead += model.queue.in_class(index).firm();
    }
  }
  DurationNs least{std::max<int64_t>((std::max(model.gate, model.quota.until()) - now).ns, 0)};
  const std::vector<Limit*>& limits = model.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    Limit& limit = *limits[i];
    if (limit.is_concurrency()) continue;
    const int64_t cost = limit.cost_of(demand);
    DurationNs at_least{};
    if (never_refunds(limit.spec())) {
      at_least = least_time_until(now, limit, cost + cost_of(limit, ahead) - limit.held());
    } else if (!model.limiter.is_pooled(i) && model.late.empty() && !limit.projects()) {
      at_least = least_time_until(now, limit, cost - limit.cost_of(model.in_flight));
    }
    least = std::max(least, at_least);
  }
  return least;
}

// Without the correction by experience.
DurationNs Engine::expected_wait(TimeNs now, Model& model, const Request& request,
                                 WaitEstimate& out) {
  Account& account = model.accounts.of(request.tenant);
  Waiting upto = waiting_before(model.queue, account.flows, request, model.limiter);
  upto.add(request);
  out.place = static_cast<uint64_t>(upto.count);
  DurationNs wait{};
  const auto consider = [&](DurationNs other, WaitEstimate::Reason reason, int limit) {
    if (other <= wait) return;
    wait = other;
    out.reason = reason;
    out.limit = limit;
  };
  if (now < model.quota.until()) {
    consider(model.quota.until() - now, WaitEstimate::Reason::kQuota, -1);
  }
  if (now < model.gate) consider(model.gate - now, WaitEstimate::Reason::kGate, -1);
  const std::vector<Limit*>& limits = model.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    Limit& limit = *limits[i];
    const auto reason =
        model.limiter.is_pooled(i) ? WaitEstimate::Reason::kPool : WaitEstimate::Reason::kModel;
    if (!limit.is_concurrency()) {
      consider(time_until(now, limit, cost_of(limit, upto)), reason, static_cast<int>(i));
      continue;
    }
    const int64_t most = limit.effective_amount(now);
    const int64_t rounds = (upto.count - (most - limit.held()) + most - 1) / most;
    if (rounds <= 0) continue;
    constexpr int64_t kMostRounds = 1'000'000;
    const DurationNs run{std::max<int64_t>(std::min(model.mean_run.ns, seconds(86'400).ns), 1)};
    consider({std::min(rounds, kMostRounds) * run.ns}, reason, static_cast<int>(i));
  }
  if (const OwnLimits* const mine = model.accounts.own_limits(account)) {
    Flow& flow = *account.flows.flows[class_of(request)];
    Waiting own_upto = flow.line.before(request, flow.waiting);
    own_upto.add(request);
    const std::vector<Limit*>& own = mine->limiter.limits();
    for (size_t i = 0; i < own.size(); ++i) {
      if (own[i]->is_concurrency()) continue;
      consider(time_until(now, *own[i], cost_of(*own[i], own_upto)), WaitEstimate::Reason::kTenant,
               model.tenant_limit(own[i]->spec()));
    }
  }
  return wait;
}

WaitEstimate Engine::wait_estimate(TimeNs now, const Request& request) {
  WaitEstimate out;
  if (request.state != State::kPending) return out;
  Model& model = model_of(request);
  if (request.delayed) {
    constexpr int64_t kNsPerMs = 1'000'000;
    out.reason = WaitEstimate::Reason::kRetry;
    out.p50.ns = std::max<int64_t>(request.timer.tick * kNsPerMs - now.ns, 0);
    out.p90 = out.p50;
    return out;
  }
  const DurationNs wait = expected_wait(now, model, request, out);
  const auto corrected = [wait](int64_t ratio) {
    return DurationNs{wait.ns / WaitRatios::kOne * ratio};
  };
  out.p50 = corrected(model.wait_ratios.percentile(50));
  out.p90 = corrected(model.wait_ratios.percentile(90));
  return out;
}

// Now and then a wait is predicted, to learn how far predictions are off. Where many tenants wait
// that would cost too much.
void Engine::predict(const Step& step, Model& model, Request& request) {
  constexpr uint64_t kEvery = 32;
  constexpr size_t kMostTenants = 64;
  constexpr int64_t kNsPerMs = 1'000'000;
  if (request.seq % kEvery != 0) return;
  for (size_t index = 0; index < kClasses; ++index) {
    if (model.queue.in_class(index).flows() > kMostTenants) return;
  }
  WaitEstimate unused;
  const DurationNs wait = expected_wait(step.now, model, request, unused);
  request.backoff_ms = static_cast<uint32_t>(std::min<int64_t>(wait.ns / kNsPerMs, UINT32_MAX));
}

}  // namespace llmq::core
