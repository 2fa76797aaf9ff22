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
#include "runtime/registry.h"
#include "runtime/tenant_names.h"

namespace llmq::runtime {

// Of all requests of one model, or of one tenant.
struct PlanTotals {
  uint64_t requests = 0;
  uint64_t oversize = 0;
  uint64_t expired = 0;
  uint64_t finished = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cost_micros = 0;
  core::TimeNs last_end{};

  void end(core::TimeNs now, bool in_time) {
    ++finished;
    last_end = now;
    if (!in_time) ++expired;
  }
};

struct PlanModel {
  ModelSettings settings;
  std::vector<std::unique_ptr<DeploymentEntry>> deployments;  // of these settings
  PlanTotals totals;
  std::string bound_by;  // the limit that kept the line waiting the longest; "" if none did
};

// What is to be run.
struct PlanInput {
  config::ManagerConfig config;
  std::vector<std::unique_ptr<PoolEntry>> pools;  // by index
  std::vector<PlanModel> models;                  // by index
  std::vector<PlanTotals> tenants{1};             // by index
  TenantNames tenant_names;
  std::deque<core::Request> requests;
};

class Plan {
 public:
  static core::Result<std::unique_ptr<Plan>> create(const config::Config& config);

  // Models that are known already stay as they are.
  core::Result<core::Done> add_models(const config::Config& config);

  // Adds a request, as a submit would; says why not in the same words. One that is too large for a
  // limit is counted and left out.
  core::Error add(const llmq_request_t& request);

  // Runs what was added, once: kAlreadyDone later. It begins at that time: calendars matter.
  core::Result<std::string> run(int64_t start_unix_ms);

 private:
  Plan() = default;
  core::Result<PoolEntry*> pool_named(const std::string& name,
                                      const std::vector<config::PoolConfig>& pools);
  PoolEntry* add_pool(const config::PoolConfig& config);
  PlanTotals& tenant_of(const llmq_request_t& request, core::TenantIndex* index);
  std::string report() const;

  PlanInput input_;
  std::map<std::string, core::ModelIndex, std::less<>> by_name_;
  bool ran_ = false;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_PLAN_H_
