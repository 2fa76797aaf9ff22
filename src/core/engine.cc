// What comes in, and admission. Ends of attempts and requests: engine_end.cc.
#include "core/engine.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {

void Engine::step(Now now, const Event& event, Actions& out) {
  const Step step{now.mono, out};
  std::visit([this, &step](const auto& what) { on(step, what); }, event);
  if (!removing_.empty()) drop_removed_models(step);
}

void Engine::on(const Step& step, const Submit& event) {
  Request& request = *event.request;
  Model& model = model_of(request);
  request.seq = next_seq_++;
  request.submitted = step.now;
  request.state = State::kPending;
  ++live_;
  ++model.records;
  ++model.counters.submitted;
  ++model.counters.pending;
  const bool waits_alone = model.queue.empty();
  model.queue.push_new(request);
  if (model.spec.durable) step.out.emplace_back(Persist{&request, Persist::Step::kAccepted});
  if (closing_ || model.removing) {
    finish(step, model, request, State::kCancelled, Status::kClosing);
    return;
  }
  if (model.limiter.too_small_for(demand_of(request)) >= 0) {
    finish(step, model, request, State::kFailed, Status::kOversize);
    return;
  }
  if (request.deadline <= step.now) {
    finish(step, model, request, State::kExpired, Status::kDeadline);
    return;
  }
  arm_deadline(request);
  if (waits_alone) admit(step, model);  // else somebody stands before it, and waits for a reason
}

void Engine::on(const Step& step, const Cancel& event) {
  Request& request = *event.request;
  if (is_final(request.state)) return;
  Model& model = model_of(request);
  if (request.state == State::kProcessing) {
    abort_attempt(step, model, request, Status::kCancelled);
  }
  finish(step, model, request, State::kCancelled, Status::kCancelled);
  admit(step, model);
}

void Engine::on(const Step& step, const AttemptSent& event) {
  Request& request = *event.request;
  if (request.state != State::kProcessing || request.attempts != event.attempt ||
      request.store_answers != 0) {
    return;
  }
  Model& model = model_of(request);
  model.limiter.sent(step.now, *request.reservation);
  time_makes_room(step, model);
}

void Engine::on(const Step& step, const ModelAdded& event) {
  if (event.model >= models_.size()) models_.resize(event.model + 1);
  assert(models_[event.model] == nullptr);
  std::vector<Limit*> pooled;
  for (const PoolIndex index : event.spec->pools) {
    Pool& pool = *pools_[index];
    pool.members.push_back(event.model);
    for (const std::unique_ptr<Limit>& limit : pool.limits) pooled.push_back(limit.get());
  }
  models_[event.model] = std::make_unique<Model>(event.model, *event.spec, pooled);
  if (closing_) stop(step, *models_[event.model], close_mode_);
}

void Engine::on(const Step& step, const ModelReady& event) {
  Model& model = *models_[event.model];
  model.spec.ready = event.ready;
  admit(step, model);
}

void Engine::on(const Step& step, const ModelRemoved& event) {
  Model& model = *models_[event.model];
  if (!model.removing) removing_.push_back(event.model);
  model.removing = true;
  model.stop_mode = std::max(model.stop_mode, event.mode);
  stop(step, model, event.mode);
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
    model.limiter.refund(*request.reservation);
    finish(step, model, request, State::kFailed, Status::kInternal);
  } else if (request.deadline <= step.now) {
    model.limiter.refund(*request.reservation);
    finish(step, model, request, State::kExpired, Status::kDeadline);
  } else if (step.now < model.gate) {  // a Retry-After came while the store wrote
    put_back(model, request);
  } else {
    launch(step, model, request);
    time_makes_room(step, model);
    return;
  }
  admit(step, model);
}

void Engine::on(const Step& step, const LeaseGranted& event) {
  Model* model = this->model(event.model);
  if (model == nullptr || event.limit >= model->limiter.limits().size()) return;
  model->limiter.limits()[event.limit]->lease_granted(step.now, event.amount, event.expires);
  admit(step, *model);
}

void Engine::on(const Step& step, const UsageKnown& event) {
  Model* model = this->model(event.model);
  Reservation* reservation = model == nullptr ? nullptr : model->late.take(event.request);
  Status status = Status::kStale;
  if (reservation != nullptr) {
    if (model->limiter.amend(step.now, *reservation, event.usage)) {
      status = Status::kOk;
      model->counters.input_tokens += static_cast<uint64_t>(event.usage.input_tokens);
      model->counters.output_tokens += static_cast<uint64_t>(event.usage.output_tokens);
      model->counters.cached_input_tokens += static_cast<uint64_t>(event.usage.cached_input_tokens);
    }
    reservations_.give_back(reservation);
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
      case TimerOwner::kShutdown:
        stop_all(step, StopMode::kAbort);
        break;
    }
  }
}

// Starts what may start, in order; says why the next one does not.
void Engine::admit(const Step& step, Model& model) {
  model.blocked_until = TimeNs{};
  model.blocked_by = -1;
  while (model.spec.ready) {
    Request* head = model.queue.front();
    if (head == nullptr) break;
    if (head->deadline <= step.now) {  // its timer is due in this step, and comes later
      finish(step, model, *head, State::kExpired, Status::kDeadline);
      continue;
    }
    if (model.check_size && model.limiter.too_small_for(demand_of(*head)) >= 0) {
      finish(step, model, *head, State::kFailed, Status::kOversize);
      continue;
    }
    if (step.now < model.gate) {
      block(step, model, model.gate, -1);
      return;
    }
    const Verdict verdict = model.limiter.earliest(step.now, demand_of(*head));
    if (verdict.at > step.now) {
      ask_for_leases(step, model, *head);
      block(step, model, verdict.at, verdict.limit);
      return;
    }
    start(step, model, *head);
  }
  timers_.cancel(model.wake);
}

void Engine::block(const Step&, Model& model, TimeNs until, int limit) {
  model.blocked_until = until;
  model.blocked_by = limit;
  if (until == kNever) {
    timers_.cancel(model.wake);
  } else {
    timers_.schedule(model.wake, until);
  }
}

// Held room has become charged room, which leaves with time: who waited for the end of an attempt
// alone now has a time to wake for.
void Engine::time_makes_room(const Step& step, Model& model) {
  if (model.blocked_until == kNever) admit(step, model);
}

void Engine::ask_for_leases(const Step& step, Model& model, const Request& request) {
  const std::vector<Limit*>& limits = model.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    if (!limits[i]->spec().shared) continue;
    const int64_t cost = limits[i]->cost_of(demand_of(request));
    const int64_t wanted = limits[i]->lease_wanted(step.now, cost);
    if (wanted > 0) {
      step.out.emplace_back(Lease{model.index, static_cast<uint32_t>(i), wanted});
    }
  }
}

// Reserves, which cannot fail, and lets the attempt begin - at once, or when the store knows of it.
void Engine::start(const Step& step, Model& model, Request& request) {
  request.reservation = reservations_.take();
  model.limiter.reserve(step.now, demand_of(request), *request.reservation);
  model.queue.remove(request);
  model.running.push_back(request.link);
  request.state = State::kProcessing;
  --model.counters.pending;
  ++model.counters.processing;
  if (model.spec.durable) {
    ++request.store_answers;
    step.out.emplace_back(Persist{&request, Persist::Step::kSending});
    return;
  }
  launch(step, model, request);
}

// Gives up a reservation before the attempt began; the request stands in line where it stood.
void Engine::put_back(Model& model, Request& request) {
  model.limiter.refund(*request.reservation);
  reservations_.give_back(request.reservation);
  request.reservation = nullptr;
  request.link.unlink();
  request.state = State::kPending;
  --model.counters.processing;
  ++model.counters.pending;
  model.queue.push_returned(request);
  arm_deadline(request);
}

void Engine::launch(const Step& step, Model& model, Request& request) {
  ++request.attempts;
  ++model.counters.attempts;
  if (request.attempts > 1) ++model.counters.retries;
  request.started = step.now;
  if (model.spec.sends_at_start) model.limiter.sent(step.now, *request.reservation);
  const TimeNs timeout =
      request.timeout_ms == 0 ? kNever : step.now + milliseconds(request.timeout_ms);
  const TimeNs due = std::min(timeout, request.deadline);
  if (due == kNever) {
    timers_.cancel(request.timer);
  } else {
    timers_.schedule(request.timer, due);
  }
  step.out.emplace_back(StartAttempt{&request, request.attempts});
}

}  // namespace llmq::core
