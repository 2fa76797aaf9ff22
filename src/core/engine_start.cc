// Starts of attempts, and what they hold until they end: room in the model's limits and in those of
// the tenant, and the tenant's part in the fair order.
#include <algorithm>
#include <cassert>

#include "core/engine.h"
#include "core/room.h"

namespace llmq::core {

// There is memory for all that a start at any deployment of the model needs.
bool Engine::can_start(const Step& step, const Model& model) {
  return if_memory_lasts([&] {
    grants_.make_room(!model.tenant_limits.empty());
    make_room_to_say(step.out, kSaidOfOne);
  });
}

// Reserves, which cannot fail, and lets the attempt begin - at once, or when the store knows of it.
void Engine::start(const Step& step, Deployment& deployment, Request& request) {
  Model& model = deployment.model;
  Account& account = model.accounts.of(request.tenant);
  const Demand demand = model.demand_of(request);
  hold(step, deployment, request, demand);
  Grant& grant = *request.reservation;
  if (model.queue.counts(request)) grant.charged = share_of(deployment, account, demand);
  if (model.head == &request) forget_head(model);
  model.queue.serve(account.flows, request, grant.charged);
  begin_retry(step, deployment, request);
  model.running.push_back(request.link);
  set_state(model, request, State::kProcessing);
  if (request.attempts == 0 && request.backoff_ms != 0) {
    model.wait_ratios.add(milliseconds(request.backoff_ms), step.now - request.submitted);
    request.backoff_ms = 0;
  }
  if (watches(Notice::kAdmitted)) note(step, Notice::kAdmitted, request);
  if (model.settings.durable) {
    ++request.store_answers;
    step.out.emplace_back(Persist{&request, Persist::Step::kSending});
    return;
  }
  launch(step, model, request);
}

// What the attempt takes of all limits, and what the policies hear of it.
void Engine::hold(const Step& step, Deployment& deployment, Request& request,
                  const Demand& demand) {
  Model& model = deployment.model;
  Grant& grant = *grants_.take();
  request.reservation = &grant;
  grant.tenant = request.tenant;
  grant.deployment = deployment.index;
  grant.own_limits = 0;
  grant.charged = 0;
  grant.output_begun = grant.is_retry = false;
  grant.is_hedge = request.role == Role::kHedge;
  deployment.limiter.reserve(step.now, demand, grant);
  if (!model.tenant_limits.empty()) {
    OwnLimits& own = own_limits(step, model, model.accounts.of(request.tenant));
    if (grant.own == nullptr) grant.own = std::make_unique<Reservation>();
    own.limiter.reserve(step.now, demand, *grant.own);
    ++own.running;
    grant.own_limits = own.number;
  }
  count_given(deployment);
  ++deployment.processing;
  deployment.in_flight.input_tokens += demand.input_tokens;
  deployment.in_flight.output_tokens += demand.output_tokens;
  deployment.quota.started(&request);
  deployment.key.started(&request);
  if (deployment.breaker.started(step.now, &request, probe_lease(request))) {
    note_breaker(step, deployment, CircuitBreaker::State::kOpen);
  }
  deployment.scout.started(step.now);
}

// Gives up what was reserved before the attempt began; the request stands in line where it stood.
void Engine::put_back(const Step& step, Model& model, Request& request) {
  const bool is_retry = request.reservation->is_retry;
  settle(step, model, request, Settlement{});
  grants_.give_back(request.reservation);
  request.reservation = nullptr;
  request.link.unlink();
  set_state(model, request, State::kPending);
  request.pays_budget = is_retry;
  stand_again(model, request);
}

void Engine::launch(const Step& step, Model& model, Request& request) {
  ++request.attempts;
  Account& account = model.accounts.of(request.tenant);
  model.deployment_of(request).retries.attempt(step.now);
  if (account.retries != nullptr) account.retries->attempt(step.now);
  for (Counters* counters : {&model.counters, &account.counters}) {
    ++counters->attempts;
    if (request.attempts > 1 && request.role != Role::kHedge) ++counters->retries;
  }
  request.started = step.now;
  if (model.deployment_of(request).spec.sends_at_start) mark_sent(step, model, request);
  plan_hedge(step, model, request);
  arm_attempt(request);
  if (watches(Notice::kAttemptStarted)) note(step, Notice::kAttemptStarted, request);
  step.out.emplace_back(StartAttempt{&asked_by(request), request.attempts,
                                     request.reservation->deployment,
                                     request.role == Role::kHedge});
}

// Until the attempt's time-out, the deadline, or a look at how slow it is.
void Engine::arm_attempt(Request& request) {
  const TimeNs timeout =
      request.timeout_ms == 0 ? kNever : request.started + milliseconds(request.timeout_ms);
  const TimeNs due = std::min({timeout, request.deadline, request.reservation->hedge_at});
  if (due == kNever) {
    timers_.cancel(request.timer);
  } else {
    timers_.schedule(request.timer, due);
  }
}

void Engine::mark_sent(const Step& step, Model& model, Request& request) {
  Grant& grant = *request.reservation;
  model.deployment_of(request).limiter.sent(step.now, grant);
  OwnLimits* const own = model.accounts.own_limits(grant.tenant, grant.own_limits);
  if (own != nullptr) own->limiter.sent(step.now, *grant.own);
}

// True if what fits, or when, may have changed.
bool Engine::note_output(const Step& step, Model& model, Request& request, int64_t tokens) {
  Grant& grant = *request.reservation;
  if (!grant.output_begun) {
    grant.output_begun = true;
    grant.begun_at = step.now;
    note_first_output(step, model.deployment_of(request), request);
    grant.begun_with = tokens;
    if (watches(Notice::kFirstByte)) note(step, Notice::kFirstByte, request);
  }
  bool changed = model.deployment_of(request).limiter.progress(step.now, grant, tokens);
  OwnLimits* const own = model.accounts.own_limits(grant.tenant, grant.own_limits);
  if (own != nullptr) changed = own->limiter.progress(step.now, *grant.own, tokens) || changed;
  return changed;
}

// How long its output was and how fast it came: for the limits that count on it, and for estimates.
// Calls that neither expect nor bring any, such as embeddings, tell nothing of the others.
void Engine::learn_output(const Step& step, Model& model, const Request& request, int64_t tokens) {
  const bool for_tenants = std::any_of(model.tenant_limits.begin(), model.tenant_limits.end(),
                                       [](const LimitSpec& spec) { return Limit::projects(spec); });
  if (tokens == 0 && request.est_output_tokens == 0) return;
  const Grant& grant = *request.reservation;
  const int64_t before = grant.output_begun ? grant.begun_with : 0;
  const TimeNs from = grant.output_begun ? grant.begun_at : request.started;
  if_memory_lasts([&] {
    model.outputs.add(request, tokens, tokens - before, step.now - from,
                      for_tenants || model.deployment_of(request).limiter.projects());
  });
}

// Gives back, or charges for good, what the attempt held. True if a limit per period has more room
// now, or somebody who was parked may go on.
bool Engine::settle(const Step& step, Model& model, Request& request,
                    const Settlement& settlement) {
  Grant& grant = *request.reservation;
  Deployment& deployment = model.deployment_of(request);
  Account& account = model.accounts.of(grant.tenant);
  OwnLimits* const own = model.accounts.own_limits(grant.tenant, grant.own_limits);
  const bool sent = grant.sent;
  bool room = true;
  uint64_t used = 0;  // of what the fair order has charged
  if (sent) {
    room = deployment.limiter.settle(step.now, grant, settlement);
    if (own != nullptr) own->limiter.settle(step.now, *grant.own, settlement);
    if (settlement.kind == Settlement::Kind::kUnknown) used = grant.charged;
    if (settlement.kind == Settlement::Kind::kKnown && grant.charged != 0) {
      const Usage& usage = settlement.usage;
      used = share_of(deployment, account, Demand{usage.input_tokens, usage.output_tokens});
    }
  } else {
    deployment.limiter.refund(step.now, grant);
    if (own != nullptr) own->limiter.refund(step.now, *grant.own);
  }
  deployment.quota.ended(&request);
  deployment.key.ended(&request);
  deployment.breaker.ended(&request);
  end_retry(step, model, request, false);
  if (!grant.is_hedge) {  // a second call was not in line: the order knows of one
    model.queue.settle(account.flows, request, static_cast<int64_t>(used - grant.charged));
  }
  grant.charged = 0;
  --deployment.processing;
  deployment.in_flight.input_tokens -= request.est_input_tokens;
  deployment.in_flight.output_tokens -= request.est_output_tokens;
  if (own == nullptr) return room;
  --own->running;
  if (!account.flows.parked) return room;
  unpark(model, account);
  return true;
}

// Usage of a request that has ended. False if no charge of it lies in a window any more.
bool Engine::amend(const Step& step, Model& model, Grant& grant, const Usage& usage) {
  const std::unique_ptr<Deployment>& deployment = model.deployments[grant.deployment];
  bool alive = deployment != nullptr && deployment->limiter.amend(step.now, grant, usage);
  OwnLimits* const own = model.accounts.own_limits(grant.tenant, grant.own_limits);
  if (own != nullptr) alive = own->limiter.amend(step.now, *grant.own, usage) || alive;
  Account& account = model.accounts.of(grant.tenant);
  if (alive && account.flows.parked) unpark(model, account);
  return alive;
}

// d/w of the fair order.
uint64_t Engine::share_of(const Deployment& deployment, const Account& account,
                          const Demand& demand) const {
  const DurationNs share = deployment.limiter.dominant_share(demand);
  if (share.ns == 0) {
    const std::vector<Limit*>& limits = deployment.limiter.limits();
    const bool rates = std::any_of(limits.begin(), limits.end(),
                                   [](const Limit* limit) { return !limit->is_concurrency(); });
    if (rates) return 0;  // it takes nothing of them
  }
  return virtual_cost(share, account.flows.weight);
}

OwnLimits& Engine::own_limits(const Step& step, Model& model, Account& account) {
  return model.accounts.own_limits(step.now, account, model.index, model.tenant_limits,
                                   model.tenant_prices);
}

// The tenant's own limits have no room for its next request: until they have, it is out of the
// order, so that it holds up nobody.
void Engine::park(Model& model, Account& account, const Request& request, const Verdict& verdict) {
  OwnLimits& own = *account.own;
  if (model.head != nullptr && model.head->tenant == request.tenant) forget_head(model);
  own.parked_class = class_of(request);
  own.parked_until = verdict.at;
  const Limit& limit = *own.limiter.limits()[static_cast<size_t>(verdict.limit)];
  own.parked_by = model.tenant_limit(limit.spec());
  if (own.parked_by >= 0) ++model.parked[static_cast<size_t>(own.parked_by)];
  model.queue.park(account.flows);
  if (verdict.at != kNever) timers_.schedule(own.wake, verdict.at);
}

void Engine::unpark(Model& model, Account& account) {
  OwnLimits& own = *account.own;
  timers_.cancel(own.wake);
  own.parked_until = kNever;
  if (own.parked_by >= 0) --model.parked[static_cast<size_t>(own.parked_by)];
  own.parked_by = -1;
  model.queue.unpark(account.flows);
}

const Counters* Engine::usage_of(ModelIndex model, TenantIndex tenant) const {
  if (model >= models_.size() || models_[model] == nullptr) return nullptr;
  const Account* const account = models_[model]->accounts.find(tenant);
  return account == nullptr ? nullptr : &account->counters;
}

}  // namespace llmq::core
