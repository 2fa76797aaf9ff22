// Models and their deployments come, change and go.
#include <algorithm>
#include <cassert>

#include "core/engine.h"
#include "core/room.h"

namespace llmq::core {

void Engine::on(const Step& step, const ModelAdded& event) {
  if (event.model >= models_.size()) models_.resize(event.model + 1);
  make_room(group_, models_.size());
  make_room(holding_, models_.size() - holding_.size());
  assert(models_[event.model] == nullptr);
  models_[event.model] = std::make_unique<Model>(event.model, *event.spec);
  add_deployment(step, *models_[event.model], 0, *event.spec);
  if (closing_) stop(step, *models_[event.model], close_mode_);
}

void Engine::on(const Step& step, const DeploymentAdded& event) {
  Model* const model = this->model(event.model);
  if (model == nullptr) return;
  add_deployment(step, *model, event.deployment, *event.spec);
  limits_changed(step, *model);
}

void Engine::add_deployment(const Step& step, Model& model, DeploymentIndex index,
                            const DeploymentSpec& spec) {
  make_room(account_, ++deployments_added_);
  if (index >= model.deployments.size()) model.deployments.resize(index + 1);
  assert(model.deployments[index] == nullptr);
  std::vector<Limit*> pooled;
  for (const PoolIndex pool : spec.pools) {
    for (const std::unique_ptr<Limit>& limit : pools_[pool]->limits) pooled.push_back(limit.get());
  }
  model.deployments[index] = std::make_unique<Deployment>(model, index, spec, pooled);
  Deployment& deployment = *model.deployments[index];
  deployment.given = model.least_given;
  weigh_deployments(model);
  model.shares_pools = model.shares_pools || !spec.pools.empty();
  for (const PoolIndex pool : spec.pools) {
    pools_[pool]->members.push_back(&deployment);
    price_pool(step, *pools_[pool]);
  }
  if (spec.finds_limits && !deployment.limiter.bounds_per_period()) {
    deployment.scout.begin(spec.limits_unseen);
  }
  for (size_t i = 0; i < deployment.limiter.limits().size(); ++i) {
    if (!deployment.limiter.is_pooled(i)) deployment.limiter.limits()[i]->tell_change(step.now);
  }
}

// What runs there ends first, or is taken from there; who waits goes elsewhere, or waits on.
void Engine::on(const Step& step, const DeploymentRemoved& event) {
  Model* const model = this->model(event.model);
  if (model == nullptr || event.deployment >= model->deployments.size()) return;
  Deployment* const deployment = model->deployments[event.deployment].get();
  if (deployment == nullptr) return;
  if (!deployment->leaving) leaving_.push_back(deployment);
  deployment->leaving = true;
  weigh_deployments(*model);
  if (event.mode != StopMode::kDrain) take_back_from(step, *deployment);
  forget_head(*model);
  admit(step, *model);
}

// Whatever runs at a deployment is tried elsewhere, at once: it has not failed, so that neither
// retry.on nor the budget of retries is asked. What a store does not know of yet has not begun: it
// is put back when the store answers.
void Engine::take_back_from(const Step& step, Deployment& deployment) {
  Model& model = deployment.model;
  std::vector<Request*> runs;
  for (Link* link = model.running.front(); link != nullptr; link = model.running.after(*link)) {
    Request* const request = Request::of_link(link);
    const bool here = request->reservation->deployment == deployment.index;
    if (here && request->store_answers == 0) runs.push_back(request);
  }
  for (Request* request : runs) {
    abort_attempt(step, model, *request, Status::kClosing);
    if (request->role != Role::kHedge) grant_another_attempt(*request);
    attempt_failed(step, model, *request, Status::kTransport, DurationNs{}, true);
  }
}

void Engine::leave_pools(Deployment& deployment) {
  for (const PoolIndex pool : deployment.spec.pools) {
    std::vector<Deployment*>& members = pools_[pool]->members;
    members.erase(std::find(members.begin(), members.end(), &deployment));
  }
}

// At the end of a step: until then somebody on the stack may still work with them.
void Engine::drop_what_left(const Step& step) {
  const auto gone = [this, &step](Deployment* deployment) {
    if (deployment->processing > 0) return false;
    Model& model = deployment->model;
    leave_pools(*deployment);
    const DeploymentIndex index = deployment->index;
    if (model.blocked_at == deployment) forget_head(model);
    model.deployments[index].reset();
    step.out.emplace_back(DeploymentGone{model.index, index});
    return true;
  };
  leaving_.erase(std::remove_if(leaving_.begin(), leaving_.end(), gone), leaving_.end());
}

}  // namespace llmq::core
