// What those who watch are told. Nothing here changes what is decided.
#include "core/engine.h"

namespace llmq::core {

void Engine::on(const Step& step, const Watch& event) {
  watched_ = event.kinds;
  if (!watches(Notice::kLimitChanged)) return;
  for (const std::unique_ptr<Model>& model : models_) {
    if (model == nullptr) continue;
    for (const std::unique_ptr<Deployment>& deployment : model->deployments) {
      if (deployment == nullptr) continue;
      for (Limit* limit : deployment->limiter.limits()) limit->tell_change(step.now);
    }
  }
}

Notice& Engine::note(const Step& step, Notice::Kind kind, const Deployment* deployment) {
  step.out.emplace_back(Tell{static_cast<uint32_t>(notices_.size())});
  Notice& notice = notices_.emplace_back();
  notice.kind = kind;
  notice.at = step.now;
  if (deployment == nullptr) return notice;
  notice.model = deployment->model.index;
  notice.deployment = deployment->index;
  return notice;
}

Notice& Engine::note(const Step& step, Notice::Kind kind, Request& request) {
  const bool runs = request.role != Role::kFollower && request.reservation != nullptr;
  Notice& notice = note(step, kind, runs ? &model_of(request).deployment_of(request) : nullptr);
  const TimeNs never{};
  notice.model = request.model;
  notice.request = &asked_by(request);
  notice.state = notice.request->state;
  notice.is_hedge = runs && request.reservation->is_hedge;
  const bool admits = kind == Notice::kAdmitted;
  notice.attempt = static_cast<uint8_t>(request.attempts + (admits ? 1 : 0));
  const bool starts = admits || request.started == never;
  notice.queued = (starts ? step.now : request.started) - request.submitted;
  return notice;
}

// An attempt that had been started is over.
void Engine::note_attempt_end(const Step& step, Request& request, Status status,
                              const Usage* usage) {
  const bool hedged = request.reservation->hedged;
  const bool trouble = status != Status::kOk || request.attempts > 1 || hedged;
  if (!watches(Notice::kAttemptFinished | (trouble ? Notice::kTrouble : 0U))) return;
  Notice& notice = note(step, Notice::kAttemptFinished, request);
  notice.status = status;
  notice.was_hedged = hedged;
  notice.run = step.now - request.started;
  notice.usage_known = usage != nullptr;
  if (usage != nullptr) notice.usage = *usage;
}

void Engine::note_retry(const Step& step, Request& request, Status status, DurationNs delay) {
  if (!watches(Notice::kRetried | Notice::kTrouble)) return;
  Notice& notice = note(step, Notice::kRetried, request);
  if (request.reservation->hedged) --notice.attempt;  // not the second call's
  notice.state = State::kPending;
  notice.status = status;
  notice.delay = delay;
}

void Engine::note_outcome(const Step& step, Request& request) {
  if (!watches(Notice::kCompleted) || request.role == Role::kFlight) return;
  Notice& notice = note(step, Notice::kCompleted, request);
  notice.status = request.status;
  if (request.attempts > 0) notice.run = step.now - request.started;
}

void Engine::note_breaker(const Step& step, const Deployment& deployment,
                          CircuitBreaker::State before) {
  if (!watches(Notice::kBreakerChanged)) return;
  Notice& notice = note(step, Notice::kBreakerChanged, &deployment);
  notice.before = static_cast<int64_t>(before);
  notice.after = static_cast<int64_t>(deployment.breaker.state());
  notice.until = deployment.breaker.until();
  if (deployment.breaker.state() == CircuitBreaker::State::kOpen) {
    notice.status = deployment.breaker.cause();
  }
}

// Limits of a pool change with whoever hears of it first.
void Engine::note_limits(const Step& step, Deployment& deployment) {
  for (Limit* limit : deployment.limiter.limits()) {
    const Limit::Change change = limit->tell_change(step.now);
    if (change.before == change.after) continue;
    Notice& notice = note(step, Notice::kLimitChanged, &deployment);
    notice.limit = limit->spec().kind;
    notice.period = limit->spec().period;
    notice.pool = pool_of(deployment, limit);
    notice.before = change.before;
    notice.after = change.after;
  }
}

PoolIndex Engine::pool_of(const Deployment& deployment, const Limit* limit) const {
  for (const PoolIndex pool : deployment.spec.pools) {
    for (const std::unique_ptr<Limit>& one : pools_[pool]->limits) {
      if (one.get() == limit) return pool;
    }
  }
  return kNoPool;
}

}  // namespace llmq::core
