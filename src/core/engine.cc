// What comes in. Admission: engine_admit.cc; ends of attempts and requests: engine_end.cc.
#include "core/engine.h"

#include <algorithm>
#include <cassert>

#include "core/room.h"

namespace llmq::core {

namespace {

// Actions and notices that a step may add beside those of starts.
constexpr size_t kSpare = 64;

// Does the next timer that is due wake a tenant of that model too?
bool is_of_tenant_of(Link* link, ModelIndex model) {
  if (link == nullptr) return false;
  Timer* const timer = TimerWheel::timer_of(link);
  return timer->owner == TimerOwner::kTenant && OwnLimits::of_timer(timer)->model == model;
}

}  // namespace

void Engine::step(Now now, const Event& event, Actions& out) {
  const Step step{now.mono, out};
  if (out.empty()) notices_.clear();
  if_memory_lasts([&] { make_room_to_say(out, kSpare); });
  whole_ = false;
  // The two of every request, without the table that a visit goes through.
  if (const auto* const submit = std::get_if<Submit>(&event)) {
    on(step, *submit);
  } else if (const auto* const end = std::get_if<AttemptFinished>(&event)) {
    on(step, *end);
  } else {
    std::visit([this, &step](const auto& what) { on(step, what); }, event);
  }
  if (!holding_.empty()) return_held_retries(step);
  if (!leaving_.empty()) drop_what_left(step);
  if (!removing_.empty()) drop_removed_models(step);
}

void Engine::on(const Step& step, const Submit& event) {
  Request& request = *event.request;
  Model& model = model_of(request);
  whole_ = true;
  Account& account = model.accounts.of(request.tenant);
  prepare(step, model, account, request);
  whole_ = false;
  take_in(step, model, account, request);
  if (event.answered && !closing_ && !model.removing) {
    finish(step, model, request, State::kCompleted, Status::kOk);
  } else if (!refuse(step, model, account, request, true)) {
    stand_in_line(step, model, account, request);
  }
}

// All that may be lacking until it stands in line: it is taken in as a whole or not at all.
void Engine::prepare(const Step& step, Model& model, Account& account, const Request& request) {
  tenants_.of(request.tenant);
  model.queue.make_room(account.flows, request);
  if (!model.tenant_limits.empty()) own_limits(step, model, account);
  make_room_to_say(step.out, kSaidOfOne);
}

void Engine::take_in(const Step& step, Model& model, Account& account, Request& request) {
  Tenant& tenant = tenants_.of(request.tenant);
  request.seq = next_seq_++;
  request.submitted = step.now;
  request.state = State::kPending;
  ++live_;
  ++model.records;
  ++tenant.pending;
  tenant.pending_bytes += request.bytes;
  if (account.counters.submitted == 0) account.flows.weight = tenant.spec.weight;
  for (Counters* counters : {&model.counters, &account.counters}) {
    ++counters->submitted;
    ++counters->pending;
  }
  if (watches(Notice::kSubmitted)) note(step, Notice::kSubmitted, request);
  if (model.settings.durable) step.out.emplace_back(Persist{&request, Persist::Step::kAccepted});
}

// Ends what need not even wait. `new_call`: it is to be called, not only to follow a call.
bool Engine::refuse(const Step& step, Model& model, Account& account, Request& request,
                    bool new_call) {
  if (closing_ || model.removing) {
    finish(step, model, request, State::kCancelled, Status::kClosing);
  } else if (tenants_.of(request.tenant).is_over_its_caps()) {
    finish(step, model, request, State::kFailed, Status::kQueueFull);
  } else if (const Status why = new_call ? out_of_service(step, model) : Status::kOk;
             why != Status::kOk) {
    finish(step, model, request, State::kFailed, why);
  } else if (new_call && can_never_fit(step, model, account, request)) {
    finish(step, model, request, State::kFailed, Status::kOversize);
  } else if (request.deadline <= step.now) {
    finish(step, model, request, State::kExpired, Status::kDeadline);
  } else {
    return false;
  }
  return true;
}

bool Engine::can_never_fit(const Step& step, Model& model, Account& account,
                           const Request& request) {
  const Demand demand = demand_of(request);
  if (is_oversize(model, demand)) return true;
  return !model.tenant_limits.empty() &&
         own_limits(step, model, account).limiter.too_small_for(demand) >= 0;
}

void Engine::stand_in_line(const Step& step, Model& model, Account& account, Request& request) {
  if (request.deadline != kNever && !may_leave_in_time(request)) {
    const DurationNs least = least_wait(step.now, model, account, request);
    if (request.deadline <= step.now + least) {
      finish(step, model, request, State::kExpired, Status::kDeadline, least);
      return;
    }
  }
  model.queue.push_new(account.flows, request);
  arm_deadline(request);
  if (account.flows.parked && class_of(request) < account.own->parked_class) {
    unpark(model, account);
    admit(step, model);
  } else if (model.block == Block::kNone) {
    admit_alone(step, model);
  } else if (model.block == Block::kLimit) {
    admit_newcomer(step, model, request);
  } else if (model.block == Block::kOther && model.queue.front() == &request) {
    admit(step, model);  // it may be small enough
  }                      // else nobody starts here until something else happens
  if (request.state == State::kPending) predict(step, model, request);
}

void Engine::on(const Step& step, const AttemptSent& event) {
  Request* const run = run_of(*event.request, event.attempt);
  if (run == nullptr) return;
  Model& model = model_of(*run);
  mark_sent(step, model, *run);
  sent_makes_room(step, model, *run);
}

void Engine::on(const Step& step, const AttemptProgress& event) {
  Request* const run = run_of(*event.request, event.attempt);
  if (run == nullptr) return;
  Model& model = model_of(*run);
  const bool was_sent = run->reservation->sent;
  if (!was_sent) mark_sent(step, model, *run);  // an answer proves that it was
  const bool wins = run->role == Role::kHedge;
  Request& request = wins ? hedge_wins(step, model, *run) : *run;
  const bool alone = wins || end_hedge(step, model, request, Status::kCancelled);
  const bool changed = note_output(step, model, request, event.output_tokens);
  if (alone) {
    admit(step, model);  // what the other one held is there for others
  } else if (!was_sent || changed) {
    sent_makes_room(step, model, request);
  }
}

void Engine::on(const Step& step, const ModelReady& event) {
  Model& model = *models_[event.model];
  model.settings.ready = event.ready;
  admit(step, model);
}

void Engine::on(const Step& step, const ModelRemoved& event) {
  Model& model = *models_[event.model];
  if (!model.removing) removing_.push_back(event.model);
  model.removing = true;
  model.stop_mode = std::max(model.stop_mode, event.mode);
  stop(step, model, event.mode);
  if (model.shares_pools) admit(step, model);  // what it held is there for others
}

void Engine::on(const Step& step, const Persisted& event) {
  Request& request = *event.request;
  Model& model = model_of(request);
  assert(request.store_answers > 0);
  --request.store_answers;
  if (is_final(request.state)) {
    if (request.store_answers == 0) hand_back(step, model, request);
    return;
  }
  if (!event.ok) {
    settle(step, model, request, Settlement{});
    finish(step, model, request, State::kFailed, Status::kInternal);
  } else if (request.deadline <= step.now) {
    settle(step, model, request, Settlement{});
    finish(step, model, request, State::kExpired, Status::kDeadline);
  } else if (is_closed(step, model.deployment_of(request))) {  // told meanwhile
    put_back(step, model, request);
  } else {
    launch(step, model, request);
    if (request.reservation->sent) sent_makes_room(step, model, request);
    return;
  }
  admit(step, model);
}

void Engine::on(const Step& step, const LeaseGranted& event) {
  Limit* const limit = limit_at(event.model, event.deployment, event.limit);
  if (limit == nullptr) return;
  limit->lease_granted(step.now, event.amount, event.expires);
  admit(step, *models_[event.model]);
}

void Engine::on(const Step& step, const UsageKnown& event) {
  Model* model = this->model(event.model);
  Grant* const grant = model == nullptr ? nullptr : model->late.take(event.request);
  Status status = Status::kStale;
  if (grant != nullptr) {
    if (amend(step, *model, *grant, event.usage)) {
      status = Status::kOk;
      const Deployment* const deployment = model->deployments[grant->deployment].get();
      count_usage(*model, grant->tenant, event.usage,
                  deployment == nullptr ? model->tenant_prices : deployment->spec.prices);
    }
    grants_.give_back(grant);
  }
  step.out.emplace_back(UsageNoted{event.request, status});
  if (status == Status::kOk) admit(step, *model);
}

void Engine::on(const Step& step, const Tick&) {
  LinkList due;
  timers_.advance(step.now, due);
  while (Link* link = due.front()) {
    link->unlink();
    Timer* timer = TimerWheel::timer_of(link);
    switch (timer->owner) {
      case TimerOwner::kRequest:
        on_timer(step, *Request::of_timer(timer));
        break;
      case TimerOwner::kModel:
        admit(step, *Model::of_timer(timer));
        break;
      case TimerOwner::kTenant: {
        const OwnLimits& own = *OwnLimits::of_timer(timer);
        Model& model = *models_[own.model];
        unpark(model, model.accounts.of(own.tenant));
        // The end of a window is the time of many at once.
        if (!is_of_tenant_of(due.front(), own.model)) admit(step, model);
        break;
      }
      case TimerOwner::kShutdown:
        stop_all(step, StopMode::kAbort);
        break;
    }
  }
}

void Engine::on(const Step&, const TenantAdded& event) {
  whole_ = true;
  tenants_.of(event.tenant).spec = event.spec;
  whole_ = false;
  for (const std::unique_ptr<Model>& model : models_) {
    if (model == nullptr || model->accounts.find(event.tenant) == nullptr) continue;
    model->accounts.of(event.tenant).flows.weight = event.spec.weight;
  }
}

}  // namespace llmq::core
