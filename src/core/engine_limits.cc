// What makes, changes and teaches limits while the engine runs.
#include <algorithm>
#include <cassert>

#include "core/engine.h"
#include "core/room.h"

namespace llmq::core {

void Engine::on(const Step& step, const PoolAdded& event) {
  if (event.pool >= pools_.size()) pools_.resize(event.pool + 1);
  assert(pools_[event.pool] == nullptr);
  pools_[event.pool] = std::make_unique<Pool>();
  Pool& pool = *pools_[event.pool];
  pool.index = event.pool;
  pool.one_account = event.one_account;
  for (const LimitSpec& spec : *event.limits) {
    pool.limits.push_back(std::make_unique<Limit>(spec));
    pool.limits.back()->tell_change(step.now);
  }
}

// New limits join at the end, limits that are gone stop counting: reservations that are out name
// limits by their place.
void Engine::on(const Step& step, const ModelChanged& event) {
  Model* model = this->model(event.model);
  if (model == nullptr) return;
  const bool ready = model->settings.ready;
  model->settings = *event.spec;
  model->settings.ready = ready;
  model->tenant_limits = limits_of(event.spec->limits, true);
  model->tenant_prices = event.spec->prices;
  for (Account& account : model->accounts.all()) {
    if (account.own == nullptr) continue;
    account.own->limiter.change(step.now, model->tenant_limits, kMaxLimitAmount,
                                model->tenant_prices);
    account.own->windows = 0;  // limits may have joined that know of none
    if (account.flows.parked) unpark(*model, account);
  }
  if (model->deployments.front() != nullptr) change(step, model->first(), *event.spec);
  limits_changed(step, *model);
}

void Engine::on(const Step& step, const DeploymentChanged& event) {
  Model* const model = this->model(event.model);
  if (model == nullptr || event.deployment >= model->deployments.size()) return;
  Deployment* const deployment = model->deployments[event.deployment].get();
  if (deployment == nullptr) return;
  change(step, *deployment, *event.spec);
  limits_changed(step, *model);
}

void Engine::change(const Step& step, Deployment& deployment, const DeploymentSpec& spec) {
  assert(spec.pools == deployment.spec.pools);
  deployment.spec = spec;
  weigh_deployments(deployment.model);
  deployment.limiter.change(step.now, limits_of(spec.limits, false), spec.max_in_flight,
                            spec.prices);
  if (!spec.adaptive_concurrency) deployment.load = AdaptiveConcurrency{};
  deployment.limiter.bound_attempts(deployment.load.bound());
  deployment.quota.clear();  // whoever changes settings may have paid
  deployment.key.clear();
  if (!spec.breaker.enabled && !deployment.breaker.is_closed()) {
    const CircuitBreaker::State before = deployment.breaker.state();
    deployment.breaker = CircuitBreaker{};
    note_breaker(step, deployment, before);
  }
  for (const PoolIndex pool : spec.pools) price_pool(step, *pools_[pool]);
}

void Engine::on(const Step& step, const PoolChanged& event) {
  Pool* pool = this->pool(event.pool);
  if (pool == nullptr) return;
  std::vector<bool> kept(pool->limits.size(), false);
  for (const LimitSpec& spec : *event.limits) {
    size_t i = 0;
    while (i < kept.size() && (kept[i] || !is_same_limit(pool->limits[i]->spec(), spec))) ++i;
    if (i < kept.size()) {
      kept[i] = true;
      pool->limits[i]->change(step.now, spec, pool->limits[i]->prices());
      continue;
    }
    pool->limits.push_back(std::make_unique<Limit>(spec));
    for (Deployment* member : pool->members) {
      member->limiter.add_pooled(pool->limits.back().get());
    }
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) pool->limits[i]->open_up(step.now);
  }
  price_pool(step, *pool);
  for (const Deployment* member : pool->members) limits_changed(step, member->model);
}

// Money in a limit that several models share is estimated by the dearest of them; what was used in
// the end is what it is.
void Engine::price_pool(const Step& step, Pool& pool) {
  Prices dearest;
  for (const Deployment* member : pool.members) {
    const Prices& prices = member->spec.prices;
    dearest.input = std::max(dearest.input, prices.input);
    dearest.cached_input = std::max(dearest.cached_input, prices.cached_input);
    dearest.output = std::max(dearest.output, prices.output);
  }
  for (const std::unique_ptr<Limit>& limit : pool.limits) {
    if (limit->spec().kind == LimitKind::kCost) limit->change(step.now, limit->spec(), dearest);
  }
}

// Who waits may have become too large, or may start.
void Engine::limits_changed(const Step& step, Model& model) {
  if (watches(Notice::kLimitChanged)) {
    for (const auto& one : model.deployments) {
      if (one != nullptr) note_limits(step, *one);
    }
  }
  model.check_size = true;
  admit(step, model);
}

// nullptr: there is none.
Limit* Engine::limit_at(ModelIndex index, DeploymentIndex deployment, uint32_t limit) {
  Model* const model = this->model(index);
  if (model == nullptr || deployment >= model->deployments.size()) return nullptr;
  if (model->deployments[deployment] == nullptr) return nullptr;
  const std::vector<Limit*>& limits = model->deployments[deployment]->limiter.limits();
  return limit < limits.size() ? limits[limit] : nullptr;
}

void Engine::on(const Step& step, const LimitsObserved& event) {
  Model* model = this->model(event.model);
  if (model == nullptr || event.deployment >= model->deployments.size()) return;
  Deployment* const deployment = model->deployments[event.deployment].get();
  if (deployment == nullptr) return;
  const bool learnt = learn(step, *deployment, *event.observed, nullptr);
  if (watches(Notice::kLimitChanged)) note_limits(step, *deployment);
  if (learnt) admit(step, *model);
}

void Engine::on(const Step& step, const WindowEdges& event) {
  Limit* const limit = limit_at(event.model, event.deployment, event.limit);
  if (limit == nullptr) return;
  limit->set_windows(event.start, event.end, event.next_end);
  admit(step, *models_[event.model]);
}

// Who is parked until a window ends has a timer for that; it is in time unless ends have moved.
void Engine::on(const Step& step, const TenantWindows& event) {
  Model* model = this->model(event.model);
  if (model == nullptr || !model->accounts.set_windows(event.calendar, event.times)) return;
  for (Account& account : model->accounts.all()) {
    if (account.flows.parked) unpark(*model, account);
  }
  admit(step, *model);
}

// While nobody looked time has passed, and nothing else: windows have slid, timers are due. Calls
// of before are not to be sent in one burst with those of after: the pacer, where there is one,
// spaces them.
void Engine::on(const Step& step, const ClockGap&) {
  for (const std::unique_ptr<Model>& model : models_) {
    if (model != nullptr) admit(step, *model);
  }
}

// Headers of an answer belong to the limits of their kind: to that of their period, if it is told,
// or that of which it is a slice; else to that whose amount they name, else to the shortest.
Limit* Engine::limit_shown(Deployment& deployment, const Observation& shown) {
  Limit* best = nullptr;
  for (size_t i = 0; i < deployment.limiter.limits().size(); ++i) {
    Limit* limit = deployment.limiter.limits()[i];
    const LimitSpec& spec = limit->spec();
    if (spec.ours || spec.kind != shown.kind || limit->is_concurrency() ||
        deployment.limiter.is_gone(i)) {
      continue;
    }
    if (shown.period.ns > 0) {
      if (spec.period == shown.period) return limit;
      if (shown.period > spec.period) continue;
    }
    if (shown.period.ns == 0 && shown.limit != kNotTold && spec.amount == shown.limit) return limit;
    if (best == nullptr || spec.period < best->spec().period) best = limit;
  }
  return best;
}

// The same; what nobody configured is found, if there is memory for another limit.
Limit* Engine::limit_of(const Step& step, Deployment& deployment, const Observation& shown) {
  Limit* limit = limit_shown(deployment, shown);
  if (!deployment.spec.finds_limits) return limit;
  const Prices& prices = deployment.spec.prices;
  FoundLimits& found = deployment.found;
  Limiter& limiter = deployment.limiter;
  if (limit != nullptr) {
    if_memory_lasts([&] { limit = found.follow(step.now, limiter, limit, prices, shown); });
    return limit;
  }
  if_memory_lasts([&] { limit = found.find(limiter, deployment.spec.found_like, prices, shown); });
  if (limit == nullptr) return nullptr;
  deployment.scout.end();
  deployment.model.check_size = true;
  return limit;
}

// True if what may start can have changed.
bool Engine::learn(const Step& step, Deployment& deployment, const Observed& observed,
                   const Request* request) {
  const Reservation* reservation = request == nullptr ? nullptr : request->reservation;
  const auto hold_of = [&](const Limit* limit) -> const Hold* {
    if (reservation == nullptr || !reservation->sent) return nullptr;
    const std::vector<Limit*>& limits = deployment.limiter.limits();
    const auto at =
        static_cast<size_t>(std::find(limits.begin(), limits.end(), limit) - limits.begin());
    return at < reservation->count ? &reservation->holds[at] : nullptr;
  };
  bool changed = false;
  for (size_t i = 0; i < observed.count; ++i) {
    Limit* limit = limit_of(step, deployment, observed.limits[i]);
    if (limit == nullptr) continue;
    changed = limit->observe(step.now, hold_of(limit), observed.limits[i]) || changed;
  }
  if (!observed.refused) return changed;
  Limit* refusing = nullptr;
  if (observed.refusal.kind_told) {
    Observation named;
    named.kind = observed.refusal.kind;
    named.period = observed.refusal.period;
    named.limit = observed.refusal.limit;
    refusing = limit_of(step, deployment, named);
  }
  if (refusing != nullptr) {
    changed = refusing->refused(step.now, hold_of(refusing), observed.refusal) || changed;
  } else {
    if (request != nullptr) deployment.scout.refused(step.now, request->started);
    if (observed.refusal.retry_after.ns > 0) {  // no limit is named: nothing starts
      deployment.gate = std::max(deployment.gate, step.now + observed.refusal.retry_after);
    }
  }
  return changed;
}

}  // namespace llmq::core
