// Second calls of requests that wait for their first output (hedge.h, policy/hedge.h).
#include <algorithm>
#include <cassert>

#include "core/engine.h"
#include "core/most_attempts.h"
#include "core/room.h"

namespace llmq::core {
namespace {

int64_t tokens_of(const Request& request) {
  return int64_t{request.est_input_tokens} + request.est_output_tokens;
}

bool hedges(const Model& model) {
  return model.settings.hedge.enabled && !model.settings.durable && model.deployments.size() > 1;
}

}  // namespace

// An attempt begins. When it counts as slow is told by those that could be called instead.
void Engine::plan_hedge(const Step& step, Model& model, const Request& request) {
  Grant& grant = *request.reservation;
  grant.hedge_at = kNever;
  grant.hedged = false;
  if (!hedges(model) || request.role == Role::kHedge) return;
  const HedgeSpec& spec = model.settings.hedge;
  model.hedge_budget.attempt(tokens_of(request), spec);
  if (request.max_attempts <= 1) return;  // it may be called once
  DurationNs least{};
  bool known = false;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    if (deployment->index == grant.deployment) continue;
    FirstOutputs& outputs = deployment->first_outputs[request.streams];
    if (!outputs.known()) continue;
    least = known ? std::min(least, outputs.p95()) : outputs.p95();
    known = true;
  }
  if (known || spec.after.ns > 0) grant.hedge_at = step.now + std::max(least, spec.after);
}

// The first output of an attempt took that long, or longer if it is given up.
void Engine::learn_first_output(Model& model, const Request& request, DurationNs latency) {
  if (!hedges(model)) return;
  model.deployment_of(request).first_outputs[request.streams].add(latency);
}

// The one that is asked for by the record: itself, or the one that it is a second call of.
Request& Engine::asked_by(Request& run) {
  return run.role == Role::kHedge ? *Hedge::of_run(run).of : run;
}

Request* Engine::hedge_of(const Request& request) {
  if (hedges_.empty()) return nullptr;
  const auto found = hedges_.find(&request);
  return found == hedges_.end() ? nullptr : &found->second->run;
}

// What runs as that attempt of the request; nullptr if it does not run.
Request* Engine::run_of(Request& request, uint8_t attempt) {
  if (request.state != State::kProcessing || request.store_answers != 0) return nullptr;
  if (request.attempts == attempt) return &request;
  Request* const hedge = hedge_of(request);
  return hedge != nullptr && hedge->attempts == attempt ? hedge : nullptr;
}

// It has brought nothing for long. If it cannot be called elsewhere now, it is looked at again
// after as long a time as it has run.
void Engine::hedge(const Step& step, Model& model, Request& request) {
  Grant& grant = *request.reservation;
  grant.hedge_at = kNever;
  const int64_t tokens = tokens_of(request);
  if (!grant.output_begun && !closing_ && !model.removing && hedges(model)) {
    const Demand demand = model.demand_of(request);
    Deployment* const place =
        model.hedge_budget.covers(tokens) ? hedge_place(step, model, request, demand) : nullptr;
    if (place != nullptr && make_hedge(step, model, request)) {
      grant_another_attempt(request);
      model.hedge_budget.spend(tokens);
      grant.hedged = true;
      begin_hedge(step, *place, request, demand);
    } else {
      grant.hedge_at = step.now + (step.now - request.started);
    }
  }
  arm_attempt(request);
}

// Where another call can start at once, if nobody waits for that room; nullptr: nowhere.
Deployment* Engine::hedge_place(const Step& step, Model& model, const Request& request,
                                const Demand& demand) {
  if (!model.settings.ready || model.block != Block::kNone) return nullptr;
  if (!model.tenant_limits.empty()) {
    Account& account = model.accounts.of(request.tenant);
    if (account.flows.parked) return nullptr;
    if (own_limits(step, model, account).limiter.earliest(step.now, demand).at > step.now) {
      return nullptr;
    }
  }
  return other_place(step, model, request, demand);
}

// Its record, and room for its start. False: it may have no other attempt, or there is no memory.
bool Engine::make_hedge(const Step& step, const Model& model, const Request& request) {
  if (request.attempts >= kMostAttempts || !can_start(step, model)) return false;
  return if_memory_lasts([&] { hedges_.emplace(&request, std::make_unique<Hedge>()); });
}

void Engine::begin_hedge(const Step& step, Deployment& place, Request& request,
                         const Demand& demand) {
  Model& model = place.model;
  Hedge& hedge = *hedges_.at(&request);
  hedge.of = &request;
  Request& run = hedge.run;
  run.role = Role::kHedge;
  run.state = State::kProcessing;
  run.id = request.id;
  run.est_input_tokens = request.est_input_tokens;
  run.est_output_tokens = request.est_output_tokens;
  run.timeout_ms = request.timeout_ms;
  run.model = request.model;
  run.tenant = request.tenant;
  run.priority = request.priority;
  run.streams = request.streams;
  run.attempts = request.attempts;
  run.submitted = request.submitted;
  hold(step, place, run, demand);
  model.running.push_back(run.link);
  for (Counters* counters : {&model.counters, &model.accounts.of(run.tenant).counters}) {
    ++counters->hedges;
  }
  if (watches(Notice::kAdmitted)) note(step, Notice::kAdmitted, run);
  launch(step, model, run);
}

// Its record goes; what it held is settled.
void Engine::drop_hedge(Request& run) {
  timers_.cancel(run.timer);
  run.link.unlink();
  if (run.reservation != nullptr) grants_.give_back(run.reservation);
  hedges_.erase(Hedge::of_run(run).of);
}

// The request has no use for its second call. What that may have used stays charged. False: it has
// none.
bool Engine::end_hedge(const Step& step, Model& model, const Request& request, Status reason) {
  Request* const run = hedge_of(request);
  if (run == nullptr) return false;
  abort_attempt(step, model, *run, reason);
  drop_hedge(*run);
  return true;
}

// The request's own attempt is over, and settled: the second call becomes its only one. False: it
// has none.
bool Engine::hedge_takes_over(const Step& step, Request& request) {
  Request* const run = hedge_of(request);
  if (run == nullptr) return false;
  grants_.give_back(request.reservation);
  request.reservation = run->reservation;
  run->reservation = nullptr;
  request.attempts = run->attempts;
  request.started = run->started;
  drop_hedge(*run);
  arm_attempt(request);
  step.out.emplace_back(TakeOver{&request, request.attempts});
  return true;
}

// The second call brings the first output.
Request& Engine::hedge_wins(const Step& step, Model& model, Request& run) {
  Request& request = asked_by(run);
  learn_first_output(model, request, step.now - request.started);
  abort_attempt(step, model, request, Status::kCancelled);
  for (Counters* counters : {&model.counters, &model.accounts.of(run.tenant).counters}) {
    ++counters->hedges_won;
  }
  hedge_takes_over(step, request);
  return request;
}

}  // namespace llmq::core
