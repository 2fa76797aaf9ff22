// How long a set of requests will take under the limits, and what it will cost: the engine itself
// under a virtual clock, with answers that come after a mean time. Nothing is sent.
#ifndef LLMQ_RUNTIME_PLAN_H_
#define LLMQ_RUNTIME_PLAN_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/engine.h"
#include "core/request.h"
#include "core/result.h"

namespace llmq::runtime {

class Plan {
 public:
  static core::Result<std::unique_ptr<Plan>> create(const config::Config& config);

  // Models that are known already stay as they are.
  core::Result<core::Done> add_models(const config::Config& config);

  // Adds a request, as a submit would; says why not in the same words. One that is too large for a
  // limit is counted and left out.
  core::Error add(const llmq_request_t& request);

  // Runs what was added, once: kAlreadyDone later.
  core::Result<std::string> run();

 private:
  struct PlanPool {
    std::string name;
    std::vector<core::LimitSpec> limits;
  };
  struct PlanModel {
    config::ModelConfig config;
    std::vector<core::PoolIndex> pools;
    uint64_t requests = 0;
    uint64_t oversize = 0;
    uint64_t expired = 0;
    uint64_t finished = 0;
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    int64_t cost_micros = 0;
    core::TimeNs last_end{};
    // For how long each limit kept the front of the line waiting, by the limiter's index.
    std::vector<int64_t> blocked_ns;
  };
  class Simulation;

  Plan() = default;
  std::string bound_by(const PlanModel& model, core::Model& engine_model) const;
  std::string report(Simulation& simulation);

  std::vector<PlanPool> pools_;
  std::vector<PlanModel> models_;
  std::map<std::string, core::ModelIndex, std::less<>> by_name_;
  std::deque<core::Request> requests_;
  bool ran_ = false;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_PLAN_H_
