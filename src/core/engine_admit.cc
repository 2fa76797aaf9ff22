// Admission: who starts now, and why the next one does not.
//
// A pass starts the first in order as long as it fits. The first that does not is the blocked head:
// it is promised the time that the limits give (head_at), and others may pass it only if it still
// starts then (EASY backfilling; Lifka 1995). A head with a time stays the head whoever comes; one
// that only the end of an attempt helps is chosen anew by order each time.
#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "core/engine.h"
#include "core/room.h"

namespace llmq::core {
namespace {

// Costs at which candidates failed: whoever costs as much fails too, and need not be asked.
class Failures {
 public:
  explicit Failures(size_t limits) : limits_(limits) {
    std::fill_n(least_.begin(), limits, std::numeric_limits<int64_t>::max());
  }

  bool cover(const Costs& costs) const {
    for (size_t i = 0; i < limits_; ++i) {
      if (costs[i] >= least_[i]) return true;
    }
    return false;
  }
  void add(size_t limit, int64_t cost) { least_[limit] = std::min(least_[limit], cost); }

 private:
  size_t limits_;
  Costs least_;
};

// Does the model whose turn is decided by `a` go before that of `b`? nullptr: it has nobody.
bool goes_before(const Request* a, const Request* b) {
  if (a == nullptr || b == nullptr) return a != nullptr;
  const TimeNs key_a = a->submitted + kClassOffsets[class_of(*a)];
  const TimeNs key_b = b->submitted + kClassOffsets[class_of(*b)];
  return key_a != key_b ? key_a < key_b : a->seq < b->seq;
}

Request* turn_of(Model& model) {
  const bool promised = model.head != nullptr && model.head_at != kNever;
  return promised ? model.head : model.queue.oldest_of_first();
}

}  // namespace

// Whatever made room in a pooled limit concerns all that share it.
void Engine::admit(const Step& step, Model& model) {
  if (!model.shares_pools) {
    admit_alone(step, model);
  } else {
    admit_group(step, model);
  }
}

void Engine::admit_alone(const Step& step, Model& model) {
  do {
    while (start_first(step, model)) {
    }
  } while (start_others(step, model));
}

// The model, and those that share a pool with it.
void Engine::gather_group(Model& model) {
  group_.clear();
  group_.push_back(&model);
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    for (const PoolIndex pool : deployment->spec.pools) {
      for (const Deployment* member : pools_[pool]->members) {
        Model* const other = &member->model;
        if (std::find(group_.begin(), group_.end(), other) == group_.end()) {
          group_.push_back(other);
        }
      }
    }
  }
}

// The models that share a pool start in the order of their fronts.
void Engine::admit_group(const Step& step, Model& model) {
  gather_group(model);
  for (Model* member : group_) member->settled = false;
  for (;;) {
    Model* next = nullptr;
    const Request* first = nullptr;
    for (Model* member : group_) {
      if (member->settled) continue;
      const Request* const turn = turn_of(*member);
      if (next != nullptr && !goes_before(turn, first)) continue;
      next = member;
      first = turn;
    }
    if (next == nullptr) {  // nobody's turn any more: who passes?
      bool changed = false;
      for (Model* member : group_) {
        if (!start_others(step, *member)) continue;
        member->settled = false;
        changed = true;
      }
      if (changed) continue;
      break;
    }
    const bool guarded = next->guards_pool;
    if (!start_first(step, *next)) next->settled = true;
    if (!guarded || next->guards_pool) continue;
    for (Model* member : group_) {  // who had to wait for it may go on
      if (member != next) member->settled = false;
    }
  }
}

// True if the line has changed: ask again. False: the next one waits, `block` says why.
bool Engine::start_first(const Step& step, Model& model) {
  if (!model.settings.ready) {
    block(model, Block::kNotReady, TimeNs{}, -1);
    return false;
  }
  const bool promised = model.head != nullptr && model.head_at != kNever;
  Request* const first = promised ? model.head : model.queue.front();
  if (first == nullptr) {
    block(model, Block::kNone, TimeNs{}, -1);
    return false;
  }
  if (first->deadline <= step.now) {  // its timer is due in this step, and comes later
    finish(step, model, *first, State::kExpired, Status::kDeadline);
    return true;
  }
  const Demand demand = model.demand_of(*first);
  if (model.check_size && can_never_fit(step, model, model.accounts.of(first->tenant), *first)) {
    finish(step, model, *first, State::kFailed, Status::kOversize);
    return true;
  }
  const Choice gate = first_gate(step, model);
  if (gate.why != Block::kNone) {
    block(model, gate.why, gate.at, -1);
    return false;
  }
  if (!model.tenant_limits.empty()) {
    Account& account = model.accounts.of(first->tenant);
    const Verdict own = own_limits(step, model, account).limiter.earliest(step.now, demand);
    if (own.at > step.now) {
      park(model, account, *first, own);
      return true;
    }
  }
  const Choice choice = choose(step, model, *first, demand);
  if (choice.why == Block::kNone) {
    if (!can_start(step, model)) return wait_for_memory(step, model, *first);
    start(step, *choice.deployment, *first);
    return true;
  }
  if (choice.why == Block::kOther) {
    block(model, Block::kOther, TimeNs{}, -1);
    return false;
  }
  ask_for_leases(step, model, *first);
  if (promised && choice.at == kNever && model.queue.front() != first) {
    forget_head(model);  // time no longer helps it: whose turn is it?
    return true;
  }
  promise(model, *first, choice);
  return false;
}

// The end of one that runs gives back what another one needs; while none runs there is nothing to
// wait for. As start_first.
bool Engine::wait_for_memory(const Step& step, Model& model, Request& first) {
  if (!model.running.empty()) {
    block(model, Block::kOther, TimeNs{}, -1);
    return false;
  }
  finish(step, model, first, State::kFailed, Status::kNoMem);
  return true;
}

// Those behind a blocked head who may pass it; then the wake-up that this model needs. True: the
// order has changed, so somebody else may be the first now.
bool Engine::start_others(const Step& step, Model& model) {
  TimeNs wake = kNever;
  const Block why = model.block;
  if (why == Block::kGate || why == Block::kQuota || why == Block::kLimit || why == Block::kScout ||
      why == Block::kKey || why == Block::kBreaker) {
    wake = model.blocked_until;
  }
  const size_t waiting = model.queue.size();
  if (model.block == Block::kLimit && waiting > 1) wake = std::min(wake, let_pass(step, model));
  wake_at(model, wake);
  return model.head_at == kNever && model.queue.size() < waiting;
}

// When the next of those that may pass fits; kNever if none is known.
TimeNs Engine::let_pass(const Step& step, Model& model) {
  TimeNs wake = kNever;
  model.look_again = false;
  for (size_t i = 0; i < model.deployments.size(); ++i) {
    if (model.deployments[i] == nullptr || model.queue.size() < 2) continue;
    wake = std::min(wake, let_pass_at(step, *model.deployments[i], wake));
  }
  return wake;
}

// The same for one deployment; nobody is asked to wait until `other`.
TimeNs Engine::let_pass_at(const Step& step, Deployment& deployment, TimeNs other) {
  Model& model = deployment.model;
  assert(model.head != nullptr);
  TimeNs wake = other;
  const TimeNs opens = gate_of(step, deployment).at;
  model.look_again = model.look_again || opens == kNever;
  if (opens >= std::min(model.head_at, other)) return wake;
  if (!may_pass_at_all(step, deployment, opens)) return wake;
  const Limiter& limiter = deployment.limiter;
  const Costs head = limiter.costs_of(model.demand_of(*model.head));
  const Costs smallest = limiter.costs_of(model.queue.smallest());
  Failures failures(limiter.limits().size());
  candidates_.clear();
  const bool known = if_memory_lasts([&] { model.queue.first_in_order(limiter, candidates_); });
  model.look_again = model.look_again || !known;
  for (Request* request : candidates_) {
    const Costs costs = limiter.costs_of(model.demand_of(*request));
    if (request == model.head || failures.cover(costs)) continue;
    int failed = -1;
    const TimeNs at =
        fits_before_head(step, deployment, head, costs, std::max(opens, step.now), wake, failed);
    if (failed >= 0) {
      const auto limit = static_cast<size_t>(failed);
      failures.add(limit, costs[limit]);
      if (failures.cover(smallest)) break;
    } else if (!may_pass(step, deployment, *request)) {
      model.look_again = true;
    } else if (at == step.now) {
      if (!can_start(step, model)) {
        model.look_again = true;
        break;
      }
      start(step, deployment, *request);
      if (gate_of(step, deployment).why != Block::kNone) break;  // it finds out for all
    } else {
      wake = at;
    }
  }
  return wake;
}

// Is there any size at which one that waits may pass the head, now or before it starts?
bool Engine::may_pass_at_all(const Step& step, Deployment& deployment, TimeNs opens) {
  const Model& model = deployment.model;
  const Limiter& limiter = deployment.limiter;
  Costs smallest = limiter.costs_of(model.queue.smallest());
  smallest.demand = Demand{};  // whoever it is, it may be expected to produce hardly anything
  int failed = -1;
  fits_before_head(step, deployment, limiter.costs_of(model.demand_of(*model.head)), smallest,
                   opens, kNever, failed);
  return failed < 0;
}

// When the limits of the deployment let a call of `costs` start before the head, without putting it
// off, and before `other`; not before `opens`. Else `failed` is a limit that forbids it, to that
// call and to all that cost as much.
TimeNs Engine::fits_before_head(const Step& step, Deployment& deployment, const Costs& head,
                                const Costs& costs, TimeNs opens, TimeNs other, int& failed) {
  Model& model = deployment.model;
  const std::vector<Limit*>& limits = deployment.limiter.limits();
  const TimeNs before = std::min(model.head_at, other);
  TimeNs start = opens;
  for (size_t i = 0; i < limits.size(); ++i) {
    const TimeNs at = limits[i]->earliest(step.now, costs[i], costs.demand);
    TimeNs behind{};
    if (model.head_at == kNever) {
      if (static_cast<int>(i) == deployment.refuses_head && costs[i] > 0) behind = kNever;
    } else if (head_draws_on(model, deployment, i)) {
      behind = limits[i]->earliest_behind(step.now, head[i], head.demand, costs[i], costs.demand);
    }
    model.look_again = model.look_again || at == kNever || behind == kNever;
    const bool too_late = at > step.now && at >= before;
    if (too_late || behind > model.head_at || behind == kNever) {
      failed = static_cast<int>(i);
      return kNever;
    }
    start = std::max(start, at);
  }
  return start;
}

// Will the head, where it was promised its start, take something of that limit?
bool Engine::head_draws_on(const Model& model, const Deployment& deployment, size_t limit) {
  if (model.blocked_at == &deployment) return true;
  if (!deployment.limiter.is_pooled(limit)) return false;
  const std::vector<Limit*>& promised = model.blocked_at->limiter.limits();
  return std::find(promised.begin(), promised.end(), deployment.limiter.limits()[limit]) !=
         promised.end();
}

// May the request pass the head if the limits of the deployment allow it?
bool Engine::may_pass(const Step& step, Deployment& deployment, const Request& request) {
  Model& model = deployment.model;
  const Demand demand = model.demand_of(request);
  const Request& head = *model.head;
  if (request.deadline <= step.now) return false;
  if (avoids(step, deployment, request)) return false;
  if (model.check_size && deployment.limiter.too_small_for(demand) >= 0) return false;
  if (!model.tenant_limits.empty()) {
    Account& account = model.accounts.of(request.tenant);
    if (account.flows.parked) return false;
    Limiter& own = own_limits(step, model, account).limiter;
    if (model.check_size && own.too_small_for(demand) >= 0) return false;
    if (own.earliest(step.now, demand).at > step.now) return false;
    if (head.tenant == request.tenant &&
        own.earliest_behind(step.now, model.demand_of(head), demand) > model.head_at) {
      return false;
    }
  }
  return deployment.spec.pools.empty() || !delays_other_front(step, deployment, request);
}

// A front of another model that a pooled limit blocks must not start later for this.
bool Engine::delays_other_front(const Step& step, const Deployment& deployment,
                                const Request& request) {
  const Model& model = deployment.model;
  const Demand demand = model.demand_of(request);
  const std::vector<Limit*>& own = deployment.limiter.limits();
  const auto delays = [&](const Model& other) {
    const Demand front = other.demand_of(*other.head);
    const Limiter& limiter = other.blocked_at->limiter;
    const std::vector<Limit*>& limits = limiter.limits();
    for (size_t i = 0; i < limits.size(); ++i) {
      if (!limiter.is_pooled(i) || std::find(own.begin(), own.end(), limits[i]) == own.end()) {
        continue;
      }
      const int64_t cost = limits[i]->cost_of(demand);
      if (other.head_at == kNever) {
        if (static_cast<int>(i) == other.blocked_by && cost > 0) return true;
      } else if (limits[i]->earliest_behind(step.now, front, demand) > other.head_at) {
        return true;
      }
    }
    return false;
  };
  for (const PoolIndex pool : deployment.spec.pools) {
    for (const Deployment* member : pools_[pool]->members) {
      const Model& other = member->model;
      if (&other != &model && other.guards_pool && delays(other)) return true;
    }
  }
  return false;
}

// Somebody came while another one is blocked: nothing has changed for those who were looked at
// before, so only the newcomer is.
void Engine::admit_newcomer(const Step& step, Model& model, Request& request) {
  assert(model.head != nullptr);
  if (model.head_at == kNever && model.queue.front() == &request) {  // nothing was promised
    admit(step, model);
    return;
  }
  const bool in_a_crowd = model.queue.size() > ClassLine::kScan;
  if (in_a_crowd && class_of(request) >= class_of(*model.head)) {
    if (model.queue.counts(request)) model.look_again = true;  // its tenant may be early in order
    return;
  }
  for (size_t i = 0; i < model.deployments.size(); ++i) {
    if (model.deployments[i] == nullptr) continue;
    Deployment& deployment = *model.deployments[i];
    const TimeNs opens = gate_of(step, deployment).at;
    if (opens == kNever) continue;
    int failed = -1;
    const Limiter& limiter = deployment.limiter;
    const TimeNs at =
        fits_before_head(step, deployment, limiter.costs_of(model.demand_of(*model.head)),
                         limiter.costs_of(model.demand_of(request)), opens, kNever, failed);
    if (failed >= 0 || at >= model.head_at) continue;
    if (!may_pass(step, deployment, request)) {
      model.look_again = true;
    } else if (at == step.now) {
      if (!can_start(step, model)) {
        model.look_again = true;
        return;
      }
      start(step, deployment, request);
      if (model.head_at == kNever) admit(step, model);
      return;
    } else if (at < model.wake_at) {
      wake_at(model, at);
    }
  }
}

void Engine::block(Model& model, Block why, TimeNs until, int limit) {
  model.block = why;
  model.blocked_until = until;
  model.blocked_by = limit;
  model.blocked_at = nullptr;
  if (why != Block::kLimit) forget_head(model);
}

// At most one front per pool binds the other models, else two promises could contradict each other.
void Engine::promise(Model& model, Request& request, const Choice& choice) {
  block(model, Block::kLimit, choice.at, choice.limit);
  model.blocked_at = choice.deployment;
  model.head = &request;
  model.head_at = choice.at;
  model.guards_pool =
      choice.limit >= 0 && choice.deployment->limiter.is_pooled(static_cast<size_t>(choice.limit));
  if (!model.guards_pool) return;
  for (const PoolIndex pool : choice.deployment->spec.pools) {
    for (const Deployment* member : pools_[pool]->members) {
      if (&member->model != &model && member->model.guards_pool) model.guards_pool = false;
    }
  }
}

void Engine::forget_head(Model& model) {
  model.head = nullptr;
  model.head_at = kNever;
  model.guards_pool = false;
}

void Engine::wake_at(Model& model, TimeNs at) {
  model.wake_at = at;
  if (at == kNever) {
    timers_.cancel(model.wake);
  } else {
    timers_.schedule(model.wake, at);
  }
}

// Held room has become charged room, which leaves with time: who waited for the end of an attempt
// alone now has a time to wake for. A slot stays taken.
void Engine::sent_makes_room(const Step& step, Model& model, const Request& request) {
  if (!model.tenant_limits.empty()) {
    Account& account = model.accounts.of(request.tenant);
    if (account.flows.parked && account.own->parked_until == kNever) {
      unpark(model, account);
      admit(step, model);
      return;
    }
  }
  const auto look = [this, &step](Model& one) {
    if (one.block != Block::kLimit) return false;
    if (one.blocked_by < 0 || one.deployments.size() > 1) return true;
    const Limit& limit = *one.blocked_at->limiter.limits()[static_cast<size_t>(one.blocked_by)];
    if (one.blocked_until != kNever && !limit.projects()) {
      if (one.look_again) start_others(step, one);
      return false;
    }
    return !limit.is_concurrency();
  };
  bool helps = look(model);
  for (const PoolIndex pool : model.deployment_of(request).spec.pools) {
    for (const Deployment* member : pools_[pool]->members) {
      if (&member->model != &model && look(member->model)) helps = true;
    }
  }
  if (helps) admit(step, model);
}

void Engine::ask_for_leases(const Step& step, Model& model, const Request& request) {
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    const std::vector<Limit*>& limits = deployment->limiter.limits();
    for (size_t i = 0; i < limits.size(); ++i) {
      if (!limits[i]->spec().shared) continue;
      const int64_t cost = limits[i]->cost_of(model.demand_of(request));
      const int64_t wanted = limits[i]->lease_wanted(step.now, cost);
      if (wanted <= 0) continue;
      step.out.emplace_back(
          Lease{model.index, static_cast<uint32_t>(i), wanted, deployment->index});
    }
  }
}

}  // namespace llmq::core
