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
  if (model.spec.pools.empty()) {
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
  if (!model.spec.ready) {
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
  if (model.check_size && model.limiter.too_small_for(demand) >= 0) {
    finish(step, model, *first, State::kFailed, Status::kOversize);
    return true;
  }
  if (model.quota.holds(step.now)) {
    block(model, Block::kQuota, model.quota.opens(step.now), -1);
    return false;
  }
  if (step.now < model.gate) {
    block(model, Block::kGate, model.gate, -1);
    return false;
  }
  const TimeNs scout = model.scout.opens(step.now, model.counters.processing);
  if (scout > step.now) {
    block(model, Block::kScout, scout, -1);
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
  const Verdict verdict = model.limiter.earliest(step.now, demand);
  if (verdict.at > step.now) {
    ask_for_leases(step, model, *first);
    if (promised && verdict.at == kNever && model.queue.front() != first) {
      forget_head(model);  // time no longer helps it: whose turn is it?
      return true;
    }
    promise(model, *first, verdict);
    return false;
  }
  if (!model.spec.pools.empty() && delays_other_front(step, model, *first)) {
    block(model, Block::kOther, TimeNs{}, -1);
    return false;
  }
  start(step, model, *first);
  return true;
}

// Those behind a blocked head who may pass it; then the wake-up that this model needs. True: the
// order has changed, so somebody else may be the first now.
bool Engine::start_others(const Step& step, Model& model) {
  TimeNs wake = kNever;
  const Block why = model.block;
  if (why == Block::kGate || why == Block::kQuota || why == Block::kLimit || why == Block::kScout) {
    wake = model.blocked_until;
  }
  const size_t waiting = model.queue.size();
  if (model.block == Block::kLimit && waiting > 1) wake = std::min(wake, let_pass(step, model));
  wake_at(model, wake);
  return model.head_at == kNever && model.queue.size() < waiting;
}

// When the next of those that may pass fits; kNever if none is known.
TimeNs Engine::let_pass(const Step& step, Model& model) {
  assert(model.head != nullptr);
  TimeNs wake = kNever;
  model.look_again = false;
  if (!may_pass_at_all(step, model)) return wake;
  const Limiter& limiter = model.limiter;
  const Costs head = limiter.costs_of(model.demand_of(*model.head));
  const Costs smallest = limiter.costs_of(model.queue.smallest());
  Failures failures(limiter.limits().size());
  candidates_.clear();
  model.queue.first_in_order(limiter, candidates_);
  for (Request* request : candidates_) {
    const Costs costs = limiter.costs_of(model.demand_of(*request));
    if (request == model.head || failures.cover(costs)) continue;
    int failed = -1;
    const TimeNs at = fits_before_head(step, model, head, costs, wake, failed);
    if (failed >= 0) {
      const auto limit = static_cast<size_t>(failed);
      failures.add(limit, costs[limit]);
      if (failures.cover(smallest)) break;
    } else if (!may_pass(step, model, *request)) {
      model.look_again = true;
    } else if (at == step.now) {
      start(step, model, *request);
    } else {
      wake = at;
    }
  }
  return wake;
}

// Is there any size at which one that waits may pass the head, now or before it starts?
bool Engine::may_pass_at_all(const Step& step, Model& model) {
  const Limiter& limiter = model.limiter;
  Costs smallest = limiter.costs_of(model.queue.smallest());
  smallest.demand = Demand{};  // whoever it is, it may be expected to produce hardly anything
  int failed = -1;
  fits_before_head(step, model, limiter.costs_of(model.demand_of(*model.head)), smallest, kNever,
                   failed);
  return failed < 0;
}

// When the limits of the model let a call of `costs` start before the head, without putting it off,
// and before `other`, if that is not now. Else `failed` is a limit that forbids it, to that call
// and to all that cost as much.
TimeNs Engine::fits_before_head(const Step& step, Model& model, const Costs& head,
                                const Costs& costs, TimeNs other, int& failed) {
  const std::vector<Limit*>& limits = model.limiter.limits();
  const TimeNs before = std::min(model.head_at, other);
  TimeNs start = step.now;
  for (size_t i = 0; i < limits.size(); ++i) {
    const TimeNs at = limits[i]->earliest(step.now, costs[i], costs.demand);
    TimeNs behind{};
    if (model.head_at != kNever) {
      behind = limits[i]->earliest_behind(step.now, head[i], head.demand, costs[i], costs.demand);
    } else if (static_cast<int>(i) == model.blocked_by && costs[i] > 0) {
      behind = kNever;
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

// May the request pass the head if the limits of the model allow it?
bool Engine::may_pass(const Step& step, Model& model, const Request& request) {
  const Demand demand = model.demand_of(request);
  const Request& head = *model.head;
  if (request.deadline <= step.now) return false;
  if (model.check_size && model.limiter.too_small_for(demand) >= 0) return false;
  if (!model.tenant_limits.empty()) {
    Account& account = model.accounts.of(request.tenant);
    if (account.flows.parked) return false;
    Limiter& own = own_limits(step, model, account).limiter;
    if (own.earliest(step.now, demand).at > step.now) return false;
    if (head.tenant == request.tenant &&
        own.earliest_behind(step.now, model.demand_of(head), demand) > model.head_at) {
      return false;
    }
  }
  return model.spec.pools.empty() || !delays_other_front(step, model, request);
}

// A front of another model that a pooled limit blocks must not start later for this.
bool Engine::delays_other_front(const Step& step, const Model& model, const Request& request) {
  const Demand demand = model.demand_of(request);
  const std::vector<Limit*>& own = model.limiter.limits();
  const auto delays = [&](const Model& other) {
    const Demand front = other.demand_of(*other.head);
    const std::vector<Limit*>& limits = other.limiter.limits();
    for (size_t i = 0; i < limits.size(); ++i) {
      if (!other.limiter.is_pooled(i) ||
          std::find(own.begin(), own.end(), limits[i]) == own.end()) {
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
  for (const PoolIndex pool : model.spec.pools) {
    for (const ModelIndex index : pools_[pool]->members) {
      const Model& other = *models_[index];
      if (&other != &model && other.guards_pool && delays(other)) return true;
    }
  }
  return false;
}

// Somebody came while another one is blocked: nothing has changed for those who were looked at
// before, so only the newcomer is.
void Engine::admit_newcomer(const Step& step, Model& model, Request& request) {
  if (step.now < model.gate || model.quota.holds(step.now)) return;
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
  int failed = -1;
  const Limiter& limiter = model.limiter;
  const TimeNs at = fits_before_head(step, model, limiter.costs_of(model.demand_of(*model.head)),
                                     limiter.costs_of(model.demand_of(request)), kNever, failed);
  if (failed >= 0) return;
  if (!may_pass(step, model, request)) {
    model.look_again = true;
  } else if (at == step.now) {
    start(step, model, request);
    if (model.head_at == kNever) admit(step, model);
  } else if (at < model.wake_at) {
    wake_at(model, at);
  }
}

void Engine::block(Model& model, Block why, TimeNs until, int limit) {
  model.block = why;
  model.blocked_until = until;
  model.blocked_by = limit;
  if (why != Block::kLimit) forget_head(model);
}

// At most one front per pool binds the other models, else two promises could contradict each other.
void Engine::promise(Model& model, Request& request, const Verdict& verdict) {
  block(model, Block::kLimit, verdict.at, verdict.limit);
  model.head = &request;
  model.head_at = verdict.at;
  model.guards_pool = model.limiter.is_pooled(static_cast<size_t>(verdict.limit));
  if (!model.guards_pool) return;
  for (const PoolIndex pool : model.spec.pools) {
    for (const ModelIndex index : pools_[pool]->members) {
      if (index != model.index && models_[index]->guards_pool) model.guards_pool = false;
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
    const Limit& limit = *one.limiter.limits()[static_cast<size_t>(one.blocked_by)];
    if (one.blocked_until != kNever && !limit.projects()) {
      if (one.look_again) start_others(step, one);
      return false;
    }
    return !limit.is_concurrency();
  };
  bool helps = look(model);
  for (const PoolIndex pool : model.spec.pools) {
    for (const ModelIndex index : pools_[pool]->members) {
      if (index != model.index && look(*models_[index])) helps = true;
    }
  }
  if (helps) admit(step, model);
}

void Engine::ask_for_leases(const Step& step, Model& model, const Request& request) {
  const std::vector<Limit*>& limits = model.limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    if (!limits[i]->spec().shared) continue;
    const int64_t cost = limits[i]->cost_of(model.demand_of(request));
    const int64_t wanted = limits[i]->lease_wanted(step.now, cost);
    if (wanted > 0) {
      step.out.emplace_back(Lease{model.index, static_cast<uint32_t>(i), wanted});
    }
  }
}

}  // namespace llmq::core
