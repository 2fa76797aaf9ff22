// What makes, changes and teaches limits while the engine runs.
#include <cassert>

#include "core/engine.h"

namespace llmq::core {

void Engine::on(const Step&, const PoolAdded& event) {
  if (event.pool >= pools_.size()) pools_.resize(event.pool + 1);
  assert(pools_[event.pool] == nullptr);
  pools_[event.pool] = std::make_unique<Pool>();
  Pool& pool = *pools_[event.pool];
  pool.index = event.pool;
  for (const LimitSpec& spec : *event.limits) pool.limits.push_back(std::make_unique<Limit>(spec));
}

void Engine::on(const Step&, const ModelChanged&) {}

void Engine::on(const Step&, const PoolChanged&) {}

void Engine::on(const Step& step, const LimitsObserved& event) {
  Model* model = this->model(event.model);
  if (model != nullptr) learn(step, *model, *event.observed, nullptr);
}

void Engine::on(const Step&, const WindowEdges&) {}

void Engine::on(const Step&, const ClockGap&) {}

void Engine::learn(const Step&, Model&, const Observed&, const Request*) {}

}  // namespace llmq::core
