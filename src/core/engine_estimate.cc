// How long a request waits: at least, to refuse what cannot make its deadline, and probably, to
// tell whoever asks.
#include <algorithm>
#include <limits>

#include "core/engine.h"
#include "core/limit/wide.h"

namespace llmq::core {
namespace {

// What has been sent counts whatever it turns out to have used.
bool never_refunds(const LimitSpec& spec) {
  return spec.kind == LimitKind::kRequests || spec.charge == ChargeModel::kArrival;
}

// May a request of that size ever pass one that stands before it? Only where a limit is short that
// it needs less of than the largest of them.
bool may_pass_someone(TimeNs now, Deployment& deployment, const Request& request) {
  Model& model = deployment.model;
  if (model.queue.empty()) return false;
  const Demand demand = demand_of(request);
  Waiting all = model.queue.waiting();
  all.add(request);
  const std::vector<Limit*>& limits = deployment.limiter.limits();
  return std::any_of(limits.begin(), limits.end(), [&](Limit* limit) {
    return !limit->is_concurrency() &&
           limit->cost_of(demand) < limit->cost_of(model.queue.largest()) &&
           limit->earliest(now, cost_of(*limit, all)) > now;
  });
}

// Two that serve together take 1 / (1/a + 1/b) for what one alone takes a or b for.
DurationNs rates_added(DurationNs a, DurationNs b) {
  const DurationNs longer = std::max(a, b);
  const DurationNs shorter = std::min(a, b);
  constexpr DurationNs kNever{std::numeric_limits<int64_t>::max()};
  if (longer == kNever || longer.ns == 0) return shorter;
  return {static_cast<int64_t>(Wide{shorter.ns} * longer.ns / (Wide{shorter.ns} + longer.ns))};
}

}  // namespace

// Of a request that is about to stand in line. A bound that no course of events beats but cancels,
// failures before the bytes leave, and changed limits: what runs may give back all that it has
// reserved, and of those before it only those count that must start first: nobody, where they lose
// patience with the model.
DurationNs Engine::least_wait(TimeNs now, Model& model, const Account& account,
                              const Request& request) {
  Waiting ahead;
  // Where there are several deployments, those before it may all go to the others.
  const bool single = model.deployments.size() == 1 && model.deployments.front() != nullptr;
  if (single) ahead = must_start_before(now, model, account, request);
  DurationNs least{std::numeric_limits<int64_t>::max()};
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    least = std::min(least, least_wait_at(now, *deployment, request, ahead));
  }
  return least.ns == std::numeric_limits<int64_t>::max() ? DurationNs{} : least;
}

Waiting Engine::must_start_before(TimeNs now, Model& model, const Account& account,
                                  const Request& request) const {
  Waiting ahead;
  const bool may_leave = model.settings.fallback.after.ns > 0 || !fallen_.empty();
  if (may_leave || may_pass_someone(now, model.first(), request)) return ahead;
  const size_t own_class = class_of(request);
  const Flow* const flow = account.flows.flows[own_class];
  if (flow != nullptr) ahead = flow->firm;
  const size_t others = model.queue.in_class(own_class).known() - (flow == nullptr ? 0 : 1);
  const bool alone = others == 0 && model.tenant_limits.empty();
  for (size_t index = 0; alone && index < own_class; ++index) {
    ahead += model.queue.in_class(index).firm();
  }
  return ahead;
}

DurationNs Engine::least_wait_at(TimeNs now, Deployment& deployment, const Request& request,
                                 const Waiting& ahead) {
  const Demand demand = demand_of(request);
  const TimeNs opens = std::max({deployment.gate, deployment.quota.until(), deployment.key.until(),
                                 deployment.breaker.until()});
  DurationNs least{std::max<int64_t>((opens - now).ns, 0)};
  const std::vector<Limit*>& limits = deployment.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    Limit& limit = *limits[i];
    if (limit.is_concurrency()) continue;
    const int64_t cost = limit.cost_of(demand);
    DurationNs at_least{};
    if (never_refunds(limit.spec())) {
      at_least = least_time_until(now, limit, cost + cost_of(limit, ahead) - limit.held());
    } else if (!deployment.limiter.is_pooled(i) && deployment.model.late.empty() &&
               !limit.projects()) {
      at_least = least_time_until(now, limit, cost - limit.cost_of(deployment.in_flight));
    }
    least = std::max(least, at_least);
  }
  return least;
}

// Without the correction by experience. Several deployments serve together: their rates add up.
DurationNs Engine::expected_wait(TimeNs now, Model& model, const Request& request,
                                 WaitEstimate& out) {
  DurationNs wait{std::numeric_limits<int64_t>::max()};
  DurationNs least = wait;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    WaitEstimate alone;
    const DurationNs its = wait_at(now, *deployment, request, alone);
    out.place = alone.place;
    if (its < least) {
      least = its;
      out = alone;
    }
    wait = rates_added(wait, its);
  }
  if (least.ns == std::numeric_limits<int64_t>::max()) wait = {};
  Account& account = model.accounts.of(request.tenant);
  const OwnLimits* const mine = model.accounts.own_limits(account);
  if (mine == nullptr) return wait;
  Flow& flow = *account.flows.flows[class_of(request)];
  Waiting own_upto = flow.line.before(request, flow.waiting);
  own_upto.add(request);
  const std::vector<Limit*>& own = mine->limiter.limits();
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i]->is_concurrency()) continue;
    const DurationNs its = time_until(now, *own[i], cost_of(*own[i], own_upto));
    if (its <= wait) continue;
    wait = its;
    out.reason = WaitEstimate::Reason::kTenant;
    out.limit = model.tenant_limit(own[i]->spec());
  }
  return wait;
}

// If everybody went to that deployment.
DurationNs Engine::wait_at(TimeNs now, Deployment& deployment, const Request& request,
                           WaitEstimate& out) {
  Model& model = deployment.model;
  Account& account = model.accounts.of(request.tenant);
  Waiting upto = waiting_before(model.queue, account.flows, request, deployment.limiter);
  upto.add(request);
  out.place = static_cast<uint64_t>(upto.count);
  out.deployment = deployment.index;
  DurationNs wait{};
  const auto consider = [&](DurationNs other, WaitEstimate::Reason reason, int limit) {
    if (other <= wait) return;
    wait = other;
    out.reason = reason;
    out.limit = limit;
  };
  if (now < deployment.quota.until()) {
    consider(deployment.quota.until() - now, WaitEstimate::Reason::kQuota, -1);
  }
  if (now < deployment.breaker.until()) {
    consider(deployment.breaker.until() - now, WaitEstimate::Reason::kBreaker, -1);
  }
  if (now < deployment.gate) consider(deployment.gate - now, WaitEstimate::Reason::kGate, -1);
  const std::vector<Limit*>& limits = deployment.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    Limit& limit = *limits[i];
    const auto reason = deployment.limiter.is_pooled(i) ? WaitEstimate::Reason::kPool
                                                        : WaitEstimate::Reason::kModel;
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
  return wait;
}

WaitEstimate Engine::wait_estimate(TimeNs now, const Request& request) {
  if (request.role == Role::kFollower) return wait_estimate(now, *request.flight);
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
