// Requests that share one call: who joins, who leaves, what becomes of the call (flight.h).
#include <algorithm>
#include <cassert>

#include "core/engine.h"

namespace llmq::core {

void Engine::on(const Step& step, const Join& event) {
  Request& request = *event.request;
  Request& flight = *event.flight;
  assert(flight.model == request.model && flight.tenant == request.tenant);
  assert(!is_final(flight.state));
  Model& model = model_of(request);
  whole_ = true;
  Account& account = model.accounts.of(request.tenant);
  const bool is_new = flight.role != Role::kFlight;
  prepare(step, model, account, request);
  if (is_new) {
    flights_[&flight];
  } else {
    model.queue.make_room_again(account.flows, request);  // if it makes the call more urgent
  }
  whole_ = false;
  take_in(step, model, account, request);
  if (is_new) {
    tenants_.of(request.tenant).pending_bytes += flight.bytes;
    take_off(step, model, flight);
  } else {
    if (refuse(step, model, account, request, false)) return;
    for (Counters* counters : {&model.counters, &account.counters}) ++counters->joined;
  }
  follow(step, model, request, flight);
  if (is_new && !refuse(step, model, account, flight, true)) {
    stand_in_line(step, model, account, flight);
  }
}

// The call becomes a request among the others. Its followers are counted, it is not.
void Engine::take_off(const Step& step, Model& model, Request& flight) {
  flight.role = Role::kFlight;
  flight.seq = next_seq_++;
  flight.submitted = step.now;
  flight.state = State::kPending;
  ++live_;
  ++model.records;
  flights_[&flight];
}

void Engine::follow(const Step& step, Model& model, Request& request, Request& flight) {
  Flight& shared = flights_.at(&flight);
  shared.followers.push_back(request.link);
  ++shared.count;
  request.role = Role::kFollower;
  request.flight = &flight;
  if (flight.state == State::kProcessing) set_state(model, request, State::kProcessing);
  flight.late_usage = flight.late_usage || request.late_usage;
  arm_deadline(request);
  wait_for(flight, request.deadline);
  hurry(step, model, flight, request);
}

// The flight goes on as long as anybody may wait for it.
void Engine::wait_for(Request& flight, TimeNs deadline) {
  if (deadline <= flight.deadline) return;
  flight.deadline = deadline;
  if (flight.state == State::kPending) {
    if (!flight.delayed) arm_deadline(flight);
  } else if (flight.store_answers == 0) {  // else it is armed when it is launched
    arm_attempt(flight);
  }
}

// It is as urgent as its most urgent follower. One that runs is in its class until that attempt has
// ended.
void Engine::hurry(const Step& step, Model& model, Request& flight, const Request& follower) {
  if (class_of(follower) >= class_of(flight) || flight.state == State::kProcessing) return;
  if (flight.delayed) {
    flight.priority = follower.priority;
    return;
  }
  Account& account = model.accounts.of(flight.tenant);
  if (model.head == &flight) forget_head(model);
  model.queue.remove(account.flows, flight);
  flight.priority = follower.priority;
  if (account.flows.parked) unpark(model, account);
  model.queue.push_returned(account.flows, flight);
  admit(step, model);
}

// One has had enough; the last one takes the call with it.
void Engine::leave(const Step& step, Model& model, Request& follower, State state, Status status) {
  Request& flight = *follower.flight;
  finish(step, model, follower, state, status);
  if (flights_.at(&flight).count == 0) on(step, Cancel{&flight});
}

// What a follower tells at its end of the call that it shared.
void Engine::take_off_list(Model& model, Request& follower) {
  const Request& flight = *follower.flight;
  follower.link.unlink();
  --flights_.at(&flight).count;
  follower.attempts = flight.attempts;
  if (flight.attempts > 0) follower.started = std::max(flight.started, follower.submitted);
  follower.flight = nullptr;
  Account& account = model.accounts.of(follower.tenant);
  for (Counters* counters : {&model.counters, &account.counters}) {
    --(follower.state == State::kProcessing ? counters->processing : counters->pending);
  }
}

// An attempt has failed of which output has been seen. Whose callers must not see it twice end with
// it; is it tried again for anybody else?
bool Engine::may_begin_anew(const Step& step, Model& model, Request& request, Status status) {
  if (request.role != Role::kFlight) return request.restarts;
  Flight& shared = flights_.at(&request);
  for (Link* link = shared.followers.front(); link != nullptr;) {
    Request& follower = *Request::of_link(link);
    link = shared.followers.after(*link);
    if (!follower.restarts) finish(step, model, follower, State::kFailed, status);
  }
  return shared.count > 0;
}

// The next attempt comes not before `start`: those who cannot wait so long are told now. False:
// nobody is left.
bool Engine::somebody_waits_until(const Step& step, Model& model, Request& flight, TimeNs start) {
  Flight& shared = flights_.at(&flight);
  const Request* most_urgent = nullptr;
  for (Link* link = shared.followers.front(); link != nullptr;) {
    Request& follower = *Request::of_link(link);
    link = shared.followers.after(*link);
    if (follower.deadline <= start) {
      finish(step, model, follower, State::kExpired, Status::kDeadline);
    } else if (most_urgent == nullptr || class_of(follower) < class_of(*most_urgent)) {
      most_urgent = &follower;
    }
  }
  if (most_urgent != nullptr) flight.priority = most_urgent->priority;
  return shared.count > 0;
}

// The call goes to another model, and with it all who share it: how many?
uint64_t Engine::take_along(Model& from, Model& to, const Request& flight, State before) {
  Flight& shared = flights_.at(&flight);
  for (Link* link = shared.followers.front(); link != nullptr;
       link = shared.followers.after(*link)) {
    Request& follower = *Request::of_link(link);
    follower.model = to.index;
    follower.state = State::kPending;
  }
  for (Counters* counters : {&from.counters, &from.accounts.of(flight.tenant).counters}) {
    (before == State::kProcessing ? counters->processing : counters->pending) -= shared.count;
  }
  from.records -= shared.count;
  to.records += shared.count;
  return shared.count;
}

// The call has its outcome, and so have all who share it.
void Engine::land(const Step& step, Model& model, Request& flight, DurationNs estimate) {
  Flight& shared = flights_.at(&flight);
  while (Link* link = shared.followers.front()) {
    finish(step, model, *Request::of_link(link), flight.state, flight.status, estimate);
  }
  flights_.erase(&flight);
  if (flight.store_answers == 0) hand_back(step, model, flight);
}

// The request runs now, or waits again, and with it all who share the call.
void Engine::set_state(Model& model, Request& request, State state) {
  uint64_t requests = 1;
  if (request.role == Role::kFlight) {
    Flight& shared = flights_.at(&request);
    requests = shared.count;
    for (Link* link = shared.followers.front(); link != nullptr;
         link = shared.followers.after(*link)) {
      Request::of_link(link)->state = state;
    }
  }
  request.state = state;
  const bool starts = state == State::kProcessing;
  for (Counters* counters : {&model.counters, &model.accounts.of(request.tenant).counters}) {
    (starts ? counters->pending : counters->processing) -= requests;
    (starts ? counters->processing : counters->pending) += requests;
  }
}

}  // namespace llmq::core
