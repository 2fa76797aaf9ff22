// Where a request goes: the deployment that can start it first. Of several that can do so now, one
// of the lowest order; then, where weights differ, the one that has been given least for its
// weight; then the one with the largest part of its limits left; then the one that answers first.
// Where there are many, of two that are drawn (Mitzenmacher, "The Power of Two Choices in
// Randomized Load Balancing", 2001).
#include <algorithm>

#include "core/engine.h"
#include "core/limit/wide.h"

namespace llmq::core {
namespace {

// Fractions this close are equal.
constexpr int64_t kSteps = 64;

// Above that, two are drawn.
constexpr size_t kMostCompared = 16;

// Of two that can start a call now.
struct Standing {
  int64_t order = 0;
  int64_t given = 0;  // for its weight; 0 where all weigh the same
  int64_t left = 0;   // of the limit that has least left, in steps of what it allows
  int64_t delay = 0;  // time to the first output x those that wait for it

  bool before(const Standing& other) const {
    if (order != other.order) return order < other.order;
    if (given != other.given) return given < other.given;
    return left != other.left ? left > other.left : delay < other.delay;
  }
};

Standing standing_of(TimeNs now, const Deployment& deployment) {
  Standing standing;
  standing.order = deployment.spec.order;
  if (deployment.model.weighs) {
    standing.given = std::max(deployment.given, deployment.model.least_given);
  }
  standing.left = kSteps;
  for (Limit* limit : deployment.limiter.limits()) {
    const int64_t most = limit->effective_amount(now);
    if (limit->is_open() || most <= 0) continue;
    const int64_t left = std::max<int64_t>(most - limit->used(now) - limit->held(), 0);
    standing.left = std::min(standing.left, mul_div(left, kSteps, most));
  }
  const auto pending = static_cast<int64_t>(deployment.processing) + 1;
  constexpr int64_t kNsPerUs = 1000;
  standing.delay = deployment.first_output.average().ns / kNsPerUs * pending;
  return standing;
}

}  // namespace

// What keeps every call from a deployment, whatever its size.
Engine::Choice Engine::gate_of(const Step& step, Deployment& deployment) {
  if (deployment.leaving) return {kNever, &deployment, Block::kNotReady, -1};
  if (deployment.quota.holds(step.now)) {
    return {deployment.quota.opens(step.now), &deployment, Block::kQuota, -1};
  }
  if (deployment.key.holds(step.now)) {
    return {deployment.key.opens(step.now), &deployment, Block::kKey, -1};
  }
  const TimeNs works = deployment.breaker.opens(step.now);
  if (works > step.now) return {works, &deployment, Block::kBreaker, -1};
  if (step.now < deployment.gate) return {deployment.gate, &deployment, Block::kGate, -1};
  const TimeNs scout = deployment.scout.opens(step.now, deployment.processing);
  if (scout > step.now) return {scout, &deployment, Block::kScout, -1};
  return {step.now, &deployment, Block::kNone, -1};
}

// The gate that opens first; `why` is kNone if one is open.
Engine::Choice Engine::first_gate(const Step& step, Model& model) {
  Choice best{kNever, nullptr, Block::kNotReady, -1};
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    const Choice gate = gate_of(step, *deployment);
    if (gate.why == Block::kNone) return gate;
    if (best.deployment == nullptr || gate.at < best.at) best = gate;
  }
  return best;
}

// The deployment that can start `request` first, and what decides that. Of several that can do so
// now, the one with the largest part of its limits left, then the one that answers first.
Engine::Choice Engine::choose(const Step& step, Model& model, const Request& request,
                              const Demand& demand) {
  if (model.deployments.size() > kMostCompared && !model.weighs && !model.ordered) {
    const Choice drawn = choose_of_two(step, model, request, demand);
    if (drawn.why == Block::kNone) return drawn;
  }
  Choice best{kNever, nullptr, Block::kNotReady, -1};
  Standing standing;  // of the best
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;  // one to wait at stays
    const Choice one = look_at(step, *deployment, request, demand);
    deployment->refuses_head = one.limit;
    const bool first = best.deployment == nullptr || one.at < best.at;
    const bool tie = !first && one.why == Block::kNone;
    if (!first && !tie) continue;
    if (model.deployments.size() > 1 && one.why == Block::kNone) {
      const Standing other = standing_of(step.now, *deployment);
      if (tie && !other.before(standing)) continue;
      standing = other;
    }
    best = one;
  }
  return best;
}

// Without a deployment if neither of the two can start it now.
Engine::Choice Engine::choose_of_two(const Step& step, Model& model, const Request& request,
                                     const Demand& demand) {
  Choice best{kNever, nullptr, Block::kNotReady, -1};
  const auto last = static_cast<int64_t>(model.deployments.size()) - 1;
  const int64_t first = random_.between(0, last);
  const int64_t second = random_.between(0, last - 1);
  for (const int64_t index : {first, second + (second >= first ? 1 : 0)}) {
    Deployment* const one = model.deployments[static_cast<size_t>(index)].get();
    if (one == nullptr) continue;
    const Choice choice = look_at(step, *one, request, demand);
    if (choice.why != Block::kNone) continue;
    const bool better = best.deployment == nullptr ||
                        standing_of(step.now, *one).before(standing_of(step.now, *best.deployment));
    if (better) best = choice;
  }
  return best;
}

// Of the places where the request does not run, and that work, the best of those that can start it
// now; nullptr if there is none. It finds out for nobody whether one works again.
Deployment* Engine::other_place(const Step& step, Model& model, const Request& request,
                                const Demand& demand) {
  Deployment* best = nullptr;
  for (const std::unique_ptr<Deployment>& one : model.deployments) {
    if (one == nullptr || one->index == request.reservation->deployment) continue;
    if (!one->breaker.is_closed() || one->quota.suspended() || one->key.suspended()) continue;
    if (look_at(step, *one, request, demand).why != Block::kNone) continue;
    const bool better =
        best == nullptr || standing_of(step.now, *one).before(standing_of(step.now, *best));
    if (better) best = one.get();
  }
  return best;
}

// Whether orders or weights decide anything.
void Engine::weigh_deployments(Model& model) {
  const DeploymentSpec* first = nullptr;
  model.weighs = model.ordered = false;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    const DeploymentSpec& spec = deployment->spec;
    if (first == nullptr) first = &spec;
    model.weighs = model.weighs || spec.weight != first->weight;
    model.ordered = model.ordered || spec.order != first->order;
  }
}

// A deployment that could not be used for a while does not make up for it.
void Engine::count_given(Deployment& deployment) {
  Model& model = deployment.model;
  if (!model.weighs) return;
  constexpr int64_t kOne = int64_t{1} << 24;
  model.least_given = std::max(deployment.given, model.least_given);
  deployment.given = model.least_given + kOne / deployment.spec.weight;
}

Engine::Choice Engine::look_at(const Step& step, Deployment& deployment, const Request& request,
                               const Demand& demand) {
  const Choice gate = gate_of(step, deployment);
  if (gate.at == kNever) return gate;
  if (avoids(step, deployment, request)) {
    return {kNever, &deployment, Block::kBudget, -1};
  }
  if (deployment.model.check_size && deployment.limiter.too_small_for(demand) >= 0) {
    return {kNever, &deployment, Block::kLimit, -1};
  }
  const Verdict verdict = deployment.limiter.earliest(step.now, demand);
  if (verdict.at > step.now && verdict.at >= gate.at) {
    return {verdict.at, &deployment, Block::kLimit, verdict.limit};
  }
  if (gate.at > step.now) return gate;
  if (!deployment.spec.pools.empty() && delays_other_front(step, deployment, request)) {
    return {kNever, &deployment, Block::kOther, -1};
  }
  return gate;
}

// Only where there is a choice it matters how fast one is.
void Engine::note_first_output(const Step& step, Deployment& deployment, const Request& request) {
  if (deployment.model.deployments.size() == 1) return;
  deployment.first_output.add(step.now, step.now - request.started);
  learn_first_output(deployment.model, request, step.now - request.started);
}

// Nothing may begin there that has not begun.
bool Engine::is_closed(const Step& step, const Deployment& deployment) {
  return deployment.leaving || deployment.breaker.is_open(step.now) ||
         step.now < std::max({deployment.gate, deployment.quota.until(), deployment.key.until()});
}

// No deployment can ever take it.
bool Engine::is_oversize(const Model& model, const Demand& demand) {
  bool known = false;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    if (deployment->limiter.too_small_for(demand) < 0) return false;
    known = true;
  }
  return known;
}

}  // namespace llmq::core
