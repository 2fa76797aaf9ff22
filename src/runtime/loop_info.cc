// The state of models as JSON, for people and dashboards (llmq_manager_info_json).
#include <algorithm>

#include "base/json.h"
#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

std::string blocked_text(const ModelEntry& entry, core::Engine& engine, core::Model& model) {
  switch (model.block) {
    case core::Block::kNone:
      return "";
    case core::Block::kNotReady:
      return "no processor is set";
    case core::Block::kGate:
      return "the provider's Retry-After";
    case core::Block::kScout:
      return "the first answers, which may show the provider's limits";
    case core::Block::kQuota:
      return "the account's quota, used up";
    case core::Block::kKey:
      return "the provider's key, refused";
    case core::Block::kBreaker:
      return "the circuit breaker: the provider does not work";
    case core::Block::kBudget:
      return "the budget of retries";
    case core::Block::kOther:
      return "the first in line of another model of its pool";
    case core::Block::kLimit:
      if (model.blocked_by < 0) return "a deployment that is paused";
      return full_limit_name(
          *entry.called[model.blocked_at->index], engine,
          model.blocked_at->limiter.limits()[static_cast<size_t>(model.blocked_by)]);
  }
  return "";
}

// How many attempts may run at a time, and why not as many as is configured.
base::Json concurrency_json(const core::Deployment& deployment) {
  const int64_t configured = deployment.limiter.most_attempts();
  const core::AdaptiveConcurrency& load = deployment.load;
  base::Json json(base::new_object());
  base::add_number(json.get(), "configured", configured);
  base::add_number(json.get(), "effective", std::min(configured, load.bound()));
  if (load.ramps()) {
    base::add_text(json.get(), "why", "slow start after a pause or an outage");
  } else if (load.bounds()) {
    base::add_text(json.get(), "why", "the provider was overloaded");
  }
  base::add_number(json.get(), "overloads", static_cast<int64_t>(load.overloads()));
  return json;
}

// The account's quota is used up: what the provider said, and when the next call finds out.
base::Json quota_json(core::TimeNs now, const DeploymentEntry& entry,
                      const core::Deployment& deployment) {
  base::Json json(base::new_object());
  base::add_text(json.get(), "requests", deployment.spec.quota.blocks ? "block" : "fail");
  const int64_t wait = milliseconds_until(now, deployment.quota.until());
  base::add_number(json.get(), "recheck_ms", std::max<int64_t>(wait, 0));
  base::add_text(json.get(), "told", entry.quota_told.c_str());
  return json;
}

// Limits that each tenant has to itself: how many have used them of late, how many they hold back.
base::Json tenant_limits_json(const core::Model& model) {
  base::Json list(base::new_array());
  for (size_t i = 0; i < model.tenant_limits.size(); ++i) {
    const core::LimitSpec& spec = model.tenant_limits[i];
    cJSON* json = base::new_object();
    base::append(list.get(), json);
    base::add_text(json, "limit", core::limit_name(spec).c_str());
    base::add_text(json, "kind", core::kind_name(spec.kind));
    base::add_number(json, "amount", spec.amount);
    base::add_number(json, "tenants", static_cast<int64_t>(model.accounts.with_own_limits()));
    base::add_number(json, "waiting", model.parked[i]);
  }
  return list;
}

// Limits, quota and load of one place where the model is called.
void add_deployment(cJSON* json, core::TimeNs now, const DeploymentEntry& entry,
                    core::Engine& engine, const core::Deployment& deployment) {
  if (deployment.quota.suspended()) {
    base::add(json, "quota_exhausted", quota_json(now, entry, deployment).release());
  }
  base::add(json, "concurrency", concurrency_json(deployment).release());
  cJSON* limits = base::add_array(json, "limits");
  const std::vector<core::Limit*>& all = deployment.limiter.limits();
  for (size_t i = 0; i < all.size(); ++i) {
    if (deployment.limiter.is_gone(i) || all[i]->spec().ours) continue;
    base::Json limit = limit_json(now, entry, engine, *all[i], deployment.limiter.is_implicit(i));
    if (deployment.limiter.is_found(i)) base::add_true(limit.get(), "found");
    base::append(limits, limit.release());
  }
}

const char* state_of(core::TimeNs now, const core::Deployment& deployment) {
  if (deployment.leaving) return "leaving";
  if (deployment.quota.suspended()) return "quota_exhausted";
  if (deployment.key.suspended()) return "key_refused";
  if (deployment.breaker.is_open(now)) return "out";
  if (!deployment.breaker.is_closed()) return "probed";
  return now < deployment.gate ? "paused" : "ready";
}

// Those that have names, and before them the limits over all of them.
void add_deployments(cJSON* json, core::TimeNs now, const ModelEntry& entry, core::Engine& engine,
                     const core::Model& model) {
  cJSON* limits = base::add_array(json, "limits");
  if (entry.total != nullptr) {
    const DeploymentEntry& any = *entry.called.front();
    for (const auto& limit : engine.pool(entry.total->index)->limits) {
      if (limit->is_open()) continue;
      base::append(limits, limit_json(now, any, engine, *limit, false).release());
    }
  }
  cJSON* list = base::add_array(json, "deployments");
  for (const auto& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    const DeploymentEntry& one = *entry.called[deployment->index];
    cJSON* place = base::new_object();
    base::append(list, place);
    base::add_text(place, "name", one.config.name.c_str());
    base::add_text(place, "state", state_of(now, *deployment));
    base::add_number(place, "processing", static_cast<int64_t>(deployment->processing));
    add_deployment(place, now, one, engine, *deployment);
  }
}

base::Json model_json(core::TimeNs now, const ModelEntry& entry, core::Engine& engine,
                      core::Model& model) {
  base::Json json(base::new_object());
  base::add_text(json.get(), "model", entry.config.name.c_str());
  base::add_number(json.get(), "pending", static_cast<int64_t>(model.counters.pending));
  base::add_number(json.get(), "processing", static_cast<int64_t>(model.counters.processing));
  const auto settings = entry.settings.read();
  base::add_number(json.get(), "max_attempts", settings->retry.max_attempts);
  base::add_number(json.get(), "timeout_ms", settings->timeout.ns / 1'000'000);
  const std::string blocked = blocked_text(entry, engine, model);
  if (!model.queue.empty() && !blocked.empty()) {
    base::add_text(json.get(), "blocked_by", blocked.c_str());
    base::add_number(json.get(), "blocked_for_ms", milliseconds_until(now, model.blocked_until));
  }
  if (settings->is_named()) {
    add_deployments(json.get(), now, entry, engine, model);
  } else {
    add_deployment(json.get(), now, *entry.called.front(), engine, model.first());
  }
  if (!model.tenant_limits.empty()) {
    base::add(json.get(), "tenant_limits", tenant_limits_json(model).release());
  }
  return json;
}

}  // namespace

std::string Loop::info_json(const std::vector<ModelEntry*>& models, bool single) {
  const core::TimeNs at = mono_now();
  base::Json list(base::new_array());
  for (const ModelEntry* entry : models) {
    core::Model* model = engine_.model(entry->index);
    if (model == nullptr) continue;
    base::Json json = model_json(at, *entry, engine_, *model);
    if (single) return base::json_text(json.get());
    base::append(list.get(), json.release());
  }
  base::Json all(base::new_object());
  base::add_number(all.get(), "live", static_cast<int64_t>(engine_.live()));
  base::add(all.get(), "models", list.release());
  return base::json_text(all.get());
}

}  // namespace llmq::runtime
