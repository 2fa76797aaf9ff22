// What the ends of attempts tell of a deployment: whether it works, and whether its key is good.
// And what becomes of requests while none of their model's deployments is of use.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {
namespace {

// In a row, before the key of a model's last deployment is given up too.
constexpr int64_t kKeyRefusals = 3;

// A probe that has told nothing after that long makes room for another.
constexpr DurationNs kMostLease = seconds(30);

}  // namespace

// The deployment failed, whatever the request was.
bool Engine::is_outage(Status status) {
  return status == Status::kServer || status == Status::kTransport || status == Status::kTimeout;
}

DurationNs Engine::probe_lease(const Request& request) {
  if (request.timeout_ms == 0) return kMostLease;
  return std::min(milliseconds(request.timeout_ms), kMostLease);
}

// True if who may start, or what becomes of those who wait, may have changed.
bool Engine::weigh_health(const Step& step, Deployment& deployment, const Request& request,
                          Status status, bool mended) {
  const bool key = weigh_key(step, deployment, request, status, mended);
  const BreakerSpec& spec = deployment.spec.breaker;
  if (!spec.enabled) return key;
  CircuitBreaker& breaker = deployment.breaker;
  // What refuses a call while nothing else runs there is not full: it is out of order.
  const bool alone = deployment.processing <= 1 || !deployment.spec.adaptive_concurrency;
  const CircuitBreaker::State before = breaker.state();
  bool changed = false;
  if (status == Status::kOk) {
    changed = breaker.succeeded(step.now, &request, request.started);
  } else if (is_outage(status) || (status == Status::kOverloaded && alone)) {
    const bool connected = status != Status::kTransport || request.reservation->sent;
    changed = breaker.failed(step.now, &request, request.started, status, connected, spec, random_);
  } else if (status == Status::kRateLimited || is_transient(status) || !is_answer(status)) {
    breaker.ended(&request);
  } else {
    changed = breaker.answered(step.now, &request, request.started);
  }
  if (!changed) return key || !breaker.is_closed();  // a probe has ended: there is room for another
  note_breaker(step, deployment, before);
  if (breaker.is_closed()) {
    const auto others = static_cast<int64_t>(deployment.processing) - 1;
    deployment.load.closed(others);  // what has failed for a while is not sent everything at once
    deployment.limiter.bound_attempts(deployment.load.bound());
  }
  return true;
}

// Does the status come from the provider, about this request alone?
bool Engine::is_answer(Status status) {
  switch (status) {
    case Status::kQuotaExhausted:
    case Status::kAuth:
    case Status::kBadRequest:
    case Status::kContextTooLong:
    case Status::kContentFilter:
      return true;
    default:
      return false;
  }
}

// A refused key is refused again: elsewhere there may be a better one. The last one is given up
// when it was refused three times, and no call went well between.
bool Engine::weigh_key(const Step& step, Deployment& deployment, const Request& request,
                       Status status, bool mended) {
  if (status == Status::kOk) {
    deployment.key_refusals = 0;
    if (!deployment.key.is_probe(request)) return false;
    deployment.key.clear();
    return true;
  }
  if (status != Status::kAuth || mended) return false;
  ++deployment.key_refusals;
  const auto& all = deployment.model.deployments;
  const bool another = std::any_of(all.begin(), all.end(), [&deployment](const auto& other) {
    return other != nullptr && other.get() != &deployment && !other->leaving &&
           !other->key.suspended();
  });
  if (!another && !deployment.key.suspended() && deployment.key_refusals < kKeyRefusals) {
    return false;
  }
  deployment.key.suspend(step.now + deployment.spec.quota.recheck);
  return true;
}

void Engine::on(const Step& step, const KeyRenewed& event) {
  Model* const model = this->model(event.model);
  if (model == nullptr || event.deployment >= model->deployments.size()) return;
  Deployment* const deployment = model->deployments[event.deployment].get();
  if (deployment == nullptr) return;
  deployment->key.clear();
  deployment->key_refusals = 0;
  admit(step, *model);
}

// Why a deployment is of no use to anybody, and is not to be waited for; kOk: it is, or it is.
Status Engine::useless(const Step& step, const Deployment& deployment) {
  if (deployment.key.suspended() && step.now < deployment.key.until()) return Status::kAuth;
  const bool used_up = deployment.quota.suspended() && step.now < deployment.quota.until();
  if (used_up && !deployment.spec.quota.blocks) return Status::kQuotaExhausted;
  if (deployment.breaker.is_open(step.now) && deployment.model.settings.fails_in_outage) {
    return deployment.breaker.cause();
  }
  return Status::kOk;
}

// What requests of the model end with; kOk: there is a deployment that they can wait for.
Status Engine::out_of_service(const Step& step, const Model& model) {
  Status reason = Status::kOk;
  for (const std::unique_ptr<Deployment>& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    const Status why = useless(step, *deployment);
    if (why == Status::kOk) return Status::kOk;
    if (reason == Status::kOk) reason = why;
  }
  return reason;
}

void Engine::end_if_out_of_service(const Step& step, Model& model) {
  const Status status = out_of_service(step, model);
  if (status != Status::kOk) fail_waiting(step, model, status);
}

// What waits for its turn, or for its retry, ends.
void Engine::fail_waiting(const Step& step, Model& model, Status status) {
  for (Account& account : model.accounts.all()) {
    if (account.flows.parked) unpark(model, account);
  }
  while (Request* request = model.queue.front()) {
    finish(step, model, *request, State::kFailed, status);
  }
  for (LinkList* late : {&model.delayed, &model.over_budget}) {
    while (Link* link = late->front()) {
      finish(step, model, *Request::of_link(link), State::kFailed, status);
    }
  }
}

// The failure was not the request's, and was known of, or there is another place to go: it does not
// use up one of the attempts that the request may have.
bool Engine::is_forgiven(const Step& step, const Deployment& deployment, Status status) {
  if (out_of_service(step, deployment.model) != Status::kOk) return false;
  if (status == Status::kQuotaExhausted) return true;
  if (status == Status::kAuth) return deployment.key.suspended();
  return (is_outage(status) || status == Status::kOverloaded) && !deployment.breaker.is_closed();
}

}  // namespace llmq::core
