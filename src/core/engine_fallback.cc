// Requests that go to another model (policy/fallback.h).
#include <algorithm>

#include "core/engine.h"
#include "core/most_attempts.h"
#include "core/room.h"

namespace llmq::core {

// What was asked for, and how far it has come.
Fallen Engine::fallen(const Model& model, const Request& request) const {
  const auto found = fallen_.find(&request);
  return found == fallen_.end() ? Fallen{model.index, 0, request.submitted} : found->second;
}

// The next model in the list that takes requests; nullptr if there is none.
Model* Engine::next_model(Fallen& state) {
  const Model* const from = model(state.from);
  if (from == nullptr) return nullptr;
  const std::vector<ModelIndex>& list = from->settings.fallback.models;
  while (state.next < list.size()) {
    Model* const next = model(list[state.next++]);
    if (next != nullptr && !next->removing) return next;
  }
  return nullptr;
}

// Would it leave, rather than end with that status?
bool Engine::falls_back_on(const Model& model, const Request& request, Status status) const {
  if (model.settings.fallback.models.empty() && fallen_.empty()) return false;
  const Fallen state = fallen(model, request);
  if (state.from >= models_.size() || models_[state.from] == nullptr) return false;
  return (models_[state.from]->settings.fallback.on & fallback_class(status)) != 0;
}

// Nobody sees output twice, and a call that nobody waits for goes nowhere.
bool Engine::may_leave(const Request& request) const {
  if (request.role == Role::kFlight) return flights_.at(&request).count > 0;  // all may see it anew
  if (request.role != Role::kAlone) return false;
  return request.restarts || request.reservation == nullptr || !request.reservation->output_begun;
}

// False: there is nowhere to go, and nothing has changed.
bool Engine::fall_back(const Step& step, Model& model, Request& request, Status why) {
  if (!may_leave(request) || model.settings.durable || closing_) return false;
  if (request.attempts >= kMostAttempts) return false;
  Fallen state = fallen(model, request);
  Model* const to = next_model(state);
  if (to == nullptr) return false;
  state.since = step.now;
  const bool ready = if_memory_lasts([&] {
    to->queue.make_room_again(to->accounts.of(request.tenant).flows, request);
    fallen_[&request] = state;
  });
  if (!ready) return false;
  if (request.state == State::kProcessing) note_retry(step, request, why, DurationNs{});
  const State before = request.state;
  take_out(model, request);
  const uint64_t moved =
      request.role == Role::kFlight ? take_along(model, *to, request, before) : 1;
  for (Counters* counters : {&model.counters, &model.accounts.of(request.tenant).counters}) {
    counters->fallbacks += moved;
  }
  --model.records;
  request.model = to->index;
  request.state = State::kPending;
  request.delayed = request.pays_budget = false;
  request.backoff_ms = 0;
  ++to->records;
  Account& account = to->accounts.of(request.tenant);
  if (account.counters.submitted == 0) {
    account.flows.weight = tenants_.of(request.tenant).spec.weight;
  }
  for (Counters* counters : {&to->counters, &account.counters}) {
    counters->submitted += moved;
    counters->pending += moved;
  }
  step.out.emplace_back(FallBack{&request, model.index, why});
  return true;
}

// The host has made it ready for its new model, or has found that it cannot.
void Engine::on(const Step& step, const FellBack& event) {
  Request& request = *event.request;
  if (is_final(request.state)) return;
  Model& model = model_of(request);
  Account& account = model.accounts.of(request.tenant);
  if (event.status != Status::kOk) {
    if (!fall_back(step, model, request, event.status)) {
      finish(step, model, request, State::kFailed, event.status);
    }
    return;
  }
  if (refuse(step, model, account, request, true)) return;
  if (!can_return(model, request)) {
    finish(step, model, request, State::kFailed, Status::kNoMem);
    return;
  }
  model.queue.push_returned(account.flows, request);
  arm_deadline(request);
  came_back(step, model, account, request);
}

// When its patience with the model ends where it waits; kNever: never.
TimeNs Engine::patience_ends(const Request& request) {
  Model& model = model_of(request);
  if (model.settings.fallback.after.ns == 0 && fallen_.empty()) return kNever;
  if (closing_ || model.settings.durable) return kNever;  // it would go nowhere
  if (request.role == Role::kFollower) return kNever;     // its call has it
  Fallen state = fallen(model, request);
  const Model* const from = this->model(state.from);
  if (from == nullptr || from->settings.fallback.after.ns == 0) return kNever;
  const TimeNs ends = state.since + from->settings.fallback.after;
  return next_model(state) == nullptr ? kNever : ends;
}

// Another model may yet meet the deadline.
bool Engine::may_leave_in_time(const Request& request) {
  return patience_ends(request) < request.deadline && may_leave(request);
}

}  // namespace llmq::core
