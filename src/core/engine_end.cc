// How attempts and requests end: results, failures and retries, time-outs, cancels, shutdown.
#include <algorithm>
#include <cassert>

#include "core/engine.h"
#include "core/most_attempts.h"

namespace llmq::core {
namespace {

// What failed and comes back stands where it stood: before a head that was promised its start when
// nothing had failed yet.
bool comes_before_head(const Model& model, const Request& request) {
  const TimeNs key = request.submitted + kClassOffsets[class_of(request)];
  const TimeNs head = model.head->submitted + kClassOffsets[class_of(*model.head)];
  return key != head ? key < head : request.seq < model.head->seq;
}

// A request that leaves the line from behind a blocked head leaves nothing to anybody. Where few
// wait, those who were not looked at before are looked at now.
bool leaves_nothing(const Model& model, const Account& account, const Request& request) {
  return request.state == State::kPending && model.block == Block::kLimit &&
         model.head != nullptr && model.head != &request && !account.flows.parked &&
         model.queue.size() > 4 * ClassLine::kScan;
}

// Moving average over about sixteen runs.
void note_run(Model& model, DurationNs run) {
  const bool first = model.mean_run.ns == 0;
  model.mean_run.ns += (run.ns - model.mean_run.ns) / (first ? 1 : 16);
}

// A refusal that the provider gives before it works on the call: no tokens were used.
bool refused_before_work(Status status) {
  switch (status) {
    case Status::kRateLimited:
    case Status::kQuotaExhausted:
    case Status::kAuth:
    case Status::kBadRequest:
    case Status::kContextTooLong:
    case Status::kOverloaded:
      return true;
    default:
      return false;
  }
}

// Its timer is due for a look at how slow it is, before its time-out.
bool is_about_hedge(const Request& request) {
  const TimeNs at = request.reservation->hedge_at;
  if (at == kNever) return false;
  return request.timeout_ms == 0 || at < request.started + milliseconds(request.timeout_ms);
}

Settlement settlement_of(const AttemptFinished& event) {
  if (event.usage_known) return Settlement{Settlement::Kind::kKnown, event.usage};
  if (refused_before_work(event.status)) return Settlement{Settlement::Kind::kRejected, {}};
  return Settlement{Settlement::Kind::kUnknown, {}};
}

}  // namespace

void Engine::on(const Step& step, const AttemptFinished& event) {
  Request* const run = run_of(*event.request, event.attempt);
  if (run == nullptr) return;
  Model& model = model_of(*run);
  const bool wins = run->role == Role::kHedge && event.status == Status::kOk;
  Request& request = wins ? hedge_wins(step, model, *run) : *run;
  Deployment& deployment = model.deployment_of(request);
  if (event.status == Status::kRateLimited) {
    ++model.counters.rate_limited;
    ++model.accounts.of(request.tenant).counters.rate_limited;
    const bool told = event.observed != nullptr && event.observed->refused;  // learn() closes it
    if (event.retry_after.ns > 0 && !told) {
      deployment.gate = std::max(deployment.gate, step.now + event.retry_after);
    }
  }
  weigh_load(step, deployment, request, event);
  if (event.usage_known) count_usage(model, request.tenant, event.usage, deployment.spec.prices);
  if (event.status == Status::kOk && !request.reservation->sent) {
    mark_sent(step, model, request);  // an answer proves that it was
  }
  const bool learnt =
      event.observed != nullptr && learn(step, deployment, *event.observed, &request);
  note_run(model, step.now - request.started);
  if (event.status == Status::kOk && !request.reservation->output_begun) {
    note_first_output(step, deployment, request);
  }
  if (event.usage_known) learn_output(step, model, request, event.usage.output_tokens);
  Request& asked = *event.request;
  const bool wants_late_usage = asked.late_usage;
  if (event.usage_known) asked.late_usage = false;
  const bool health = weigh_health(step, deployment, request, event.status, event.mended);
  end_retry(step, model, request, is_outage(event.status) || event.status == Status::kOverloaded);
  const bool quota = note_quota(step, deployment, request, event) || deployment.quota.suspended();
  const bool room = settle(step, model, request, settlement_of(event)) || learnt;
  if (watches(Notice::kLimitChanged)) note_limits(step, deployment);
  note_attempt_end(step, request, event.status, event.usage_known ? &event.usage : nullptr);
  if (!is_transient(event.status)) deployment.scout.answered(deployment.spec.max_in_flight);
  if (event.status == Status::kOk) {
    finish(step, model, request, State::kCompleted, Status::kOk);
  } else {
    attempt_failed(step, model, request, event.status, event.retry_after, event.mended);
    if (!is_final(asked.state)) asked.late_usage = wants_late_usage;  // of the last attempt
    if (event.status == Status::kQuotaExhausted) fail_for_quota(step, deployment);
    if (health) end_if_out_of_service(step, model);
  }
  // A free slot does not help who waits for time to pass; it may help somebody behind.
  const bool waits_for_time = model.block == Block::kLimit && model.blocked_until != kNever &&
                              model.blocked_until > step.now && step.now >= deployment.gate;
  const bool elsewhere = model.shares_pools || model.deployments.size() > 1;
  if (!room && !quota && !health && waits_for_time && !elsewhere) {
    if (model.look_again) start_others(step, model);
  } else {
    admit(step, model);
  }
}

void Engine::on(const Step& step, const Cancel& event) {
  Request& request = *event.request;
  if (is_final(request.state)) return;
  Model& model = model_of(request);
  if (request.role == Role::kFollower) {
    leave(step, model, request, State::kCancelled, Status::kCancelled);
    return;
  }
  const bool in_vain = leaves_nothing(model, model.accounts.of(request.tenant), request);
  if (request.state == State::kProcessing) {
    give_up(step, model, request, Status::kCancelled);
  }
  finish(step, model, request, State::kCancelled, Status::kCancelled);
  if (!in_vain) admit(step, model);
}

void Engine::on_timer(const Step& step, Request& request) {
  Model& model = model_of(request);
  if (request.role == Role::kFollower && request.deadline <= step.now) {
    leave(step, model, request, State::kExpired, Status::kDeadline);
    return;
  }
  if (request.deadline <= step.now) {
    const bool in_vain = leaves_nothing(model, model.accounts.of(request.tenant), request);
    if (request.state == State::kProcessing) {
      give_up(step, model, request, Status::kDeadline);
    }
    finish(step, model, request, State::kExpired, Status::kDeadline);
    if (!in_vain) admit(step, model);
    return;
  }
  if (request.state == State::kProcessing && request.role != Role::kFollower) {
    if (is_about_hedge(request)) return hedge(step, model, request);
    Deployment& deployment = model.deployment_of(request);
    weigh_load(step, deployment, request, {&request, request.attempts, Status::kTimeout});
    if (watches(Notice::kLimitChanged)) note_limits(step, deployment);
    const bool health = weigh_health(step, deployment, request, Status::kTimeout, false);
    end_retry(step, model, request, true);
    abort_attempt(step, model, request, Status::kTimeout);
    attempt_failed(step, model, request, Status::kTimeout, DurationNs{});
    if (health) end_if_out_of_service(step, model);
    admit(step, model);
    return;
  }
  if (patience_ends(request) <= step.now && fall_back(step, model, request, Status::kOk)) {
    admit(step, model);
    return;
  }
  if (!request.delayed) {  // a wheel tick before the deadline's own nanosecond
    arm_deadline(request);
    return;
  }
  if (!return_to_line(step, model, request)) return;
  came_back(step, model, model.accounts.of(request.tenant), request);
}

// It stands in line again, where it belongs by its age.
void Engine::came_back(const Step& step, Model& model, Account& account, Request& request) {
  const bool promised = model.block == Block::kLimit && model.head_at != kNever;
  if (account.flows.parked) {  // it may stand before who did not fit
    unpark(model, account);
    admit(step, model);
  } else if (model.queue.front() == &request && !(promised && !comes_before_head(model, request))) {
    forget_head(model);
    admit(step, model);
  } else if (model.block == Block::kLimit) {
    admit_newcomer(step, model, request);
  }
}

// Ends a running attempt from our side; what it may have used stays charged.
void Engine::abort_attempt(const Step& step, Model& model, Request& request, Status reason) {
  settle(step, model, request, Settlement{Settlement::Kind::kUnknown, {}});
  if (request.store_answers == 0) {  // else it has not been launched
    step.out.emplace_back(AbortAttempt{&asked_by(request), request.attempts, reason});
    note_attempt_end(step, request, reason);
  }
}

// Ends all that runs of the request.
void Engine::give_up(const Step& step, Model& model, Request& request, Status reason) {
  end_hedge(step, model, request, reason);
  abort_attempt(step, model, request, reason);
}

// Its share of the limits is settled; what becomes of the request? Where two attempts run it goes
// on with the other one.
void Engine::attempt_failed(const Step& step, Model& model, Request& request, Status status,
                            DurationNs retry_after, bool mended) {
  if (request.role == Role::kHedge) return drop_hedge(request);
  if (hedge_takes_over(step, request)) return;
  if (request.reservation->hedged) ++request.attempts;  // the second call has used up that number
  if ((closing_ && close_mode_ != StopMode::kDrain) ||
      (model.removing && model.stop_mode != StopMode::kDrain)) {
    finish(step, model, request, State::kCancelled, Status::kClosing);
    return;
  }
  if (request.reservation->output_begun &&  // seen already: never twice
      !may_begin_anew(step, model, request, status)) {
    finish(step, model, request, State::kFailed, status);
    return;
  }
  const Deployment& deployment = model.deployment_of(request);
  const bool forgiven = is_forgiven(step, deployment, status) && grant_another_attempt(request);
  const bool at_once =
      (mended && request.attempts < request.max_attempts) || (forgiven && status == Status::kAuth);
  const std::optional<DurationNs> delay =
      at_once ? DurationNs{}
      : forgiven && status == Status::kQuotaExhausted
          ? quota_wait(step, model)
          : retry_delay(model.settings.retry, status, request.attempts, request.max_attempts,
                        retry_after, request.backoff_ms, random_);
  if (!delay || out_of_service(step, model) != Status::kOk) {
    finish(step, model, request, State::kFailed, status);
    return;
  }
  const TimeNs not_before = step.now + *delay;
  if (not_before == kNever) {  // a Retry-After beyond all time
    finish(step, model, request, State::kFailed, status);
    return;
  }
  if (not_before >= patience_ends(request) && fall_back(step, model, request, status)) return;
  if (not_before >= request.deadline) {  // it cannot make it: say so now
    finish(step, model, request, State::kExpired, Status::kDeadline);
    return;
  }
  note_retry(step, request, status, *delay);
  request.pays_budget =
      !forgiven && !mended && (is_outage(status) || status == Status::kOverloaded);
  grants_.give_back(request.reservation);
  request.reservation = nullptr;
  request.link.unlink();
  model.delayed.push_back(request.link);
  request.delayed = true;
  set_state(model, request, State::kPending);
  timers_.schedule(request.timer, not_before);
  if (request.role == Role::kFlight && !somebody_waits_until(step, model, request, not_before)) {
    finish(step, model, request, State::kExpired, Status::kDeadline);
  }
}

// The attempt that has just ended is none of those that the request may have. False: it has had
// more than any may have.
bool Engine::grant_another_attempt(Request& request) {
  if (request.attempts >= kMostAttempts) return false;
  if (request.max_attempts < kMostAttempts) ++request.max_attempts;
  return true;
}

void Engine::arm_deadline(Request& request) {
  const TimeNs due = std::min(request.deadline, patience_ends(request));
  if (due == kNever) {
    timers_.cancel(request.timer);
  } else {
    timers_.schedule(request.timer, due);
  }
}

// The request has its outcome. What it held must be settled.
void Engine::finish(const Step& step, Model& model, Request& request, State state, Status status,
                    DurationNs estimate) {
  assert(!is_final(request.state) && is_final(state));
  end_hedge(step, model, request, Status::kCancelled);
  if (state == State::kFailed && falls_back_on(model, request, status) &&
      fall_back(step, model, request, status)) {
    return;
  }
  take_out(model, request);
  request.state = state;
  request.status = status;
  if (request.role == Role::kFlight) {
    land(step, model, request, estimate);
    return;
  }
  for (Counters* counters : {&model.counters, &model.accounts.of(request.tenant).counters}) {
    ++(state == State::kCompleted   ? counters->completed
       : state == State::kFailed    ? counters->failed
       : state == State::kCancelled ? counters->cancelled
                                    : counters->expired);
  }
  if (model.settings.durable) {
    ++request.store_answers;
    step.out.emplace_back(Persist{&request, Persist::Step::kDone});
  } else {
    hand_back(step, model, request, estimate);
  }
}

void Engine::count_usage(Model& model, TenantIndex tenant, const Usage& usage,
                         const Prices& prices) {
  const int64_t cost = usage.cost_micros > 0
                           ? usage.cost_micros
                           : price_of(prices, usage.input_tokens - usage.cached_input_tokens,
                                      usage.cached_input_tokens, usage.output_tokens);
  for (Counters* counters : {&model.counters, &model.accounts.of(tenant).counters}) {
    counters->input_tokens += static_cast<uint64_t>(usage.input_tokens);
    counters->output_tokens += static_cast<uint64_t>(usage.output_tokens);
    counters->cached_input_tokens += static_cast<uint64_t>(usage.cached_input_tokens);
    counters->cost_micros += static_cast<uint64_t>(cost);
    counters->reasoning_tokens += static_cast<uint64_t>(usage.reasoning_tokens);
  }
}

// Leaves its list, its timer and its place in line.
void Engine::take_out(Model& model, Request& request) {
  Account& account = model.accounts.of(request.tenant);
  timers_.cancel(request.timer);
  if (request.role == Role::kFollower) {
    take_off_list(model, request);
    return;
  }
  const uint64_t counted = request.role == Role::kFlight ? 0 : 1;  // its followers are
  if (request.state == State::kProcessing) {
    request.link.unlink();
    for (Counters* counters : {&model.counters, &account.counters}) counters->processing -= counted;
  } else {
    if (request.delayed) {
      request.link.unlink();
    } else if (request.link.linked() || request.heap_index != kNotInHeap) {  // else refused
      if (model.head == &request) forget_head(model);
      model.queue.remove(account.flows, request);
      leave_line_as_retry(model, account, request);
      if (account.flows.parked) unpark(model, account);  // the next one may fit
    }
    for (Counters* counters : {&model.counters, &account.counters}) counters->pending -= counted;
  }
  if (request.reservation == nullptr) return;
  if (request.late_usage && request.reservation->sent) {
    model.late.keep(request.id, request.reservation, grants_);
  } else {
    grants_.give_back(request.reservation);
  }
  request.reservation = nullptr;
}

void Engine::hand_back(const Step& step, Model& model, Request& request, DurationNs estimate) {
  if (!fallen_.empty()) fallen_.erase(&request);
  note_outcome(step, request);
  step.out.emplace_back(FinishRequest{&request, estimate});
  Tenant& tenant = tenants_.of(request.tenant);
  if (request.role != Role::kFlight) --tenant.pending;
  tenant.pending_bytes -= request.bytes;
  --model.records;
  --live_;
  close_if_done(step);
}

void Engine::close_if_done(const Step& step) {
  if (!closing_ || closed_ || live_ > 0) return;
  closed_ = true;
  timers_.cancel(shutdown_timer_);
  step.out.emplace_back(Closed{});
}

// At the end of a step: until then somebody on the stack may still work with the model.
void Engine::drop_removed_models(const Step& step) {
  const auto gone = [this, &step](ModelIndex index) {
    Model& model = *models_[index];
    if (model.records > 0) return false;
    timers_.cancel(model.wake);
    model.late.clear(grants_);
    for (Account& account : model.accounts.all()) {
      if (account.own != nullptr) timers_.cancel(account.own->wake);
    }
    for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
      if (deployment != nullptr) leave_pools(*deployment);
    }
    holding_.erase(std::remove(holding_.begin(), holding_.end(), &model), holding_.end());
    models_[index].reset();
    step.out.emplace_back(ModelGone{index});
    return true;
  };
  removing_.erase(std::remove_if(removing_.begin(), removing_.end(), gone), removing_.end());
}

// Ends what is there as the mode says; the rest goes on.
void Engine::stop(const Step& step, Model& model, StopMode mode) {
  if (mode == StopMode::kDrain) return;
  for (Account& account : model.accounts.all()) {
    if (account.flows.parked) unpark(model, account);
  }
  while (Request* request = model.queue.front()) {
    finish(step, model, *request, State::kCancelled, Status::kClosing);
  }
  for (LinkList* late : {&model.delayed, &model.over_budget}) {
    while (Link* link = late->front()) {
      finish(step, model, *Request::of_link(link), State::kCancelled, Status::kClosing);
    }
  }
  admit_alone(step, model);  // nobody is left to wait for
  if (mode == StopMode::kCancel) return;
  while (Link* link = model.running.front()) {
    Request& request = asked_by(*Request::of_link(link));
    give_up(step, model, request, Status::kClosing);
    finish(step, model, request, State::kCancelled, Status::kClosing);
  }
}

void Engine::stop_all(const Step& step, StopMode mode) {
  close_mode_ = std::max(close_mode_, mode);
  for (const std::unique_ptr<Model>& model : models_) {
    if (model != nullptr) stop(step, *model, mode);
  }
}

void Engine::on(const Step& step, const Shutdown& event) {
  closing_ = true;
  if (!closed_ && event.deadline < close_deadline_) {  // a later call cannot put it off
    close_deadline_ = event.deadline;
    timers_.schedule(shutdown_timer_, event.deadline);
  }
  stop_all(step, event.mode);
  close_if_done(step);
}

}  // namespace llmq::core
