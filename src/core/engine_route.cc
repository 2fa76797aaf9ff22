// Where a request goes: the deployment that can start it first.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {

// What keeps every call from a deployment, whatever its size.
Engine::Choice Engine::gate_of(const Step& step, Deployment& deployment) {
  if (deployment.leaving) return {kNever, &deployment, Block::kNotReady, -1};
  if (deployment.quota.holds(step.now)) {
    return {deployment.quota.opens(step.now), &deployment, Block::kQuota, -1};
  }
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

// The deployment that can start `request` first, and what decides that.
Engine::Choice Engine::choose(const Step& step, Model& model, const Request& request,
                              const Demand& demand) {
  Choice best;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    const Choice one = look_at(step, *deployment, request, demand);
    deployment->refuses_head = one.limit;
    if (best.deployment == nullptr || one.at < best.at) best = one;
  }
  return best;
}

Engine::Choice Engine::look_at(const Step& step, Deployment& deployment, const Request& request,
                               const Demand& demand) {
  const Choice gate = gate_of(step, deployment);
  if (gate.at == kNever) return gate;
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

// Nothing may begin there that has not begun.
bool Engine::is_closed(const Step& step, const Deployment& deployment) {
  return deployment.leaving || step.now < deployment.gate || step.now < deployment.quota.until();
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
