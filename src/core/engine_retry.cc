// Retries: when a failed attempt is tried again, and who must wait for room in a budget of retries.
#include <algorithm>

#include "core/engine.h"
#include "core/room.h"

namespace llmq::core {
namespace {

// Of those that wait for room, so many are looked at in a step.
constexpr int kLooked = 64;

}  // namespace

// It should be tried again elsewhere: there the budget has room.
bool Engine::avoids(const Step& step, Deployment& deployment, const Request& request) {
  const Model& model = deployment.model;
  if (!request.pays_budget || model.deployments.size() == 1) return false;
  const RetryBudgetSpec& spec = model.settings.retry.budget;
  if (deployment.retries.room(step.now, spec) > 0) return false;
  return std::any_of(model.deployments.begin(), model.deployments.end(), [&](const auto& other) {
    return other != nullptr && !other->leaving && other->retries.room(step.now, spec) > 0;
  });
}

bool Engine::has_room_for_retry(const Step& step, const Model& model, Account& account) {
  const RetryBudgetSpec& spec = model.settings.retry.budget;
  return account.retries == nullptr || account.retries->room(step.now, spec) > 0;
}

// Those that stand in line for a retry go before it.
bool Engine::may_return(const Step& step, Model& model, const Request& request) {
  if (!request.pays_budget) return true;
  if (!has_room_for_retry(step, model, model.accounts.of(request.tenant))) return false;
  const RetryBudgetSpec& spec = model.settings.retry.budget;
  int64_t room = 0;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    room += std::max<int64_t>(deployment->retries.room(step.now, spec), 0);
  }
  return room > model.retries_in_line;
}

// When time alone may let it return.
TimeNs Engine::next_retry_room(const Step& step, Model& model, const Request& request) {
  const Account& account = model.accounts.of(request.tenant);
  TimeNs next = account.retries == nullptr ? kNever : account.retries->next_room(step.now);
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    next = std::min(next, deployment->retries.next_room(step.now));
  }
  return next;
}

// There is memory for its place in line.
bool Engine::can_return(Model& model, const Request& request) {
  return if_memory_lasts([&] {
    Account& account = model.accounts.of(request.tenant);
    if (account.retries == nullptr && request.pays_budget) {
      account.retries = std::make_unique<RetryBudget>();
    }
    model.queue.make_room_again(account.flows, request);
  });
}

// It stands where it stood, or waits until the budgets have room: then it holds up nobody.
bool Engine::return_to_line(const Step& step, Model& model, Request& request) {
  if (!may_return(step, model, request)) {
    request.link.unlink();
    hold_for_budget(model, request);
    return false;
  }
  if (!can_return(model, request)) {
    finish(step, model, request, State::kFailed, Status::kNoMem);
    return false;
  }
  request.link.unlink();
  request.delayed = false;
  stand_again(model, request);
  return true;
}

// What it takes of the budgets is taken now: once in line it waits for limits alone.
void Engine::stand_again(Model& model, Request& request) {
  Account& account = model.accounts.of(request.tenant);
  if (request.pays_budget) {
    ++model.retries_in_line;
    if (account.retries == nullptr) account.retries = std::make_unique<RetryBudget>();
    account.retries->promise();
  }
  model.queue.push_returned(account.flows, request);
  arm_deadline(request);
}

// It leaves the line, to begin or for good.
void Engine::leave_line_as_retry(Model& model, Account& account, const Request& request) {
  if (!request.pays_budget) return;
  --model.retries_in_line;
  account.retries->withdraw();
}

void Engine::hold_for_budget(Model& model, Request& request) {
  request.delayed = true;
  model.over_budget.push_back(request.link);
  arm_deadline(request);
  if (model.holds_retries) return;
  model.holds_retries = true;
  holding_.push_back(&model);
}

void Engine::begin_retry(const Step& step, Deployment& deployment, Request& request) {
  Grant& grant = *request.reservation;
  grant.is_retry = request.pays_budget;
  if (!request.pays_budget) return;
  Account& account = deployment.model.accounts.of(request.tenant);
  leave_line_as_retry(deployment.model, account, request);
  request.pays_budget = false;
  grant.retry_begun = step.now;
  deployment.retries.begin(step.now);
  account.retries->begin(step.now);
}

// Nothing, if it is no retry that counts, or was over before.
void Engine::end_retry(const Step& step, Model& model, const Request& request, bool wasted) {
  Grant& grant = *request.reservation;
  if (!grant.is_retry) return;
  grant.is_retry = false;
  model.deployment_of(request).retries.end(step.now, grant.retry_begun, wasted);
  model.accounts.of(grant.tenant).retries->end(step.now, grant.retry_begun, wasted);
}

// At the end of a step: attempts that began, retries that went well and time have made room.
void Engine::return_held_retries(const Step& step) {
  for (size_t i = 0; i < holding_.size(); ++i) {
    Model& model = *holding_[i];
    if (return_some(step, model)) admit(step, model);
  }
  const auto done = [](Model* model) {
    model->holds_retries = !model->over_budget.empty();
    return !model->holds_retries;
  };
  holding_.erase(std::remove_if(holding_.begin(), holding_.end(), done), holding_.end());
}

// True if somebody stands in line again. Who must wait longer goes behind the others; the first of
// them has a timer for all.
bool Engine::return_some(const Step& step, Model& model) {
  bool any = false;
  TimeNs next = kNever;
  for (int looked = 0; looked < kLooked && !model.over_budget.empty(); ++looked) {
    Request& request = *Request::of_link(model.over_budget.front());
    if (may_return(step, model, request)) {
      any = return_to_line(step, model, request) || any;
      continue;
    }
    next = std::min(next, next_retry_room(step, model, request));
    Account& account = model.accounts.of(request.tenant);
    if (has_room_for_retry(step, model, account)) break;  // it is the model's, for everybody
    request.link.unlink();
    model.over_budget.push_back(request.link);
  }
  if (model.over_budget.empty()) return any;
  Request& first = *Request::of_link(model.over_budget.front());
  const TimeNs due = std::min({next, first.deadline, patience_ends(first)});
  if (due != kNever) timers_.schedule(first.timer, due);
  return any;
}

}  // namespace llmq::core
