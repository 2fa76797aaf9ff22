#include "runtime/plan.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/money.h"
#include "runtime/calendar.h"
#include "runtime/clock.h"
#include "runtime/deployments.h"
#include "runtime/plan_run.h"
#include "runtime/request_check.h"

namespace llmq::runtime {
namespace {

void describe(cJSON* json, const PlanTotals& totals) {
  base::add_number(json, "requests", static_cast<int64_t>(totals.requests));
  base::add_number(json, "oversize", static_cast<int64_t>(totals.oversize));
  base::add_number(json, "expired", static_cast<int64_t>(totals.expired));
  base::add_number(json, "unfinished", static_cast<int64_t>(totals.requests - totals.finished));
  base::add_number(json, "input_tokens", totals.input_tokens);
  base::add_number(json, "output_tokens", totals.output_tokens);
  base::add_raw(json, "cost", base::money_text(totals.cost_micros).c_str());
  base::add_number(json, "duration_ms",
                   totals.finished == 0 ? 0 : (totals.last_end - PlanRun::kStart).ns / 1'000'000);
}

void describe_bound(cJSON* json, const std::string& bound_by) {
  if (bound_by.empty()) {
    base::add_null(json, "bound_by");
  } else {
    base::add_text(json, "bound_by", bound_by.c_str());
  }
}

}  // namespace

core::Result<std::unique_ptr<Plan>> Plan::create(const config::Config& config) {
  std::unique_ptr<Plan> plan(new Plan);
  auto manager = config.manager();
  if (!manager) return manager.error();
  plan->input_.config = std::move(manager.value());
  auto added = plan->add_models(config);
  if (!added) return added.error();
  return plan;
}

core::Result<core::Done> Plan::add_models(const config::Config& config) {
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  auto models = config.models();
  if (!models) return models.error();
  auto pools = config.pools();
  if (!pools) return pools.error();
  for (config::ModelConfig& model : models.value()) {
    if (by_name_.count(model.name) != 0) continue;
    if (auto checked = check_calendars(model); !checked) return checked.error();
    PlanModel fresh;
    PoolEntry* const total =
        model.is_named() ? add_pool({"", model.limits, model.time_zone}) : nullptr;
    std::vector<DeploymentEntry*> entries;
    for (const config::DeploymentConfig& deployment : model.deployments) {
      auto entry = std::make_unique<DeploymentEntry>();
      entry->index = static_cast<core::DeploymentIndex>(entries.size());
      entry->config = deployment;
      for (const std::string& name : deployment.pools) {
        const auto pool = pool_named(name, pools.value());
        if (!pool) return pool.error();
        entry->pools.push_back(pool.value());
      }
      if (total != nullptr) entry->pools.push_back(total);
      entries.push_back(entry.get());
      fresh.deployments.push_back(std::move(entry));
    }
    by_name_.emplace(model.name, static_cast<core::ModelIndex>(input_.models.size()));
    fresh.settings = settings_of(std::move(model), std::move(entries));
    input_.models.push_back(std::move(fresh));
  }
  return core::Done{};
}

// A pool that is known already stays as it is.
core::Result<PoolEntry*> Plan::pool_named(const std::string& name,
                                          const std::vector<config::PoolConfig>& pools) {
  for (const std::unique_ptr<PoolEntry>& known : input_.pools) {
    if (known->name == name) return known.get();
  }
  const auto made =
      std::find_if(pools.begin(), pools.end(), [&](const auto& pool) { return pool.name == name; });
  if (auto checked = check_calendars(*made); !checked) return checked.error();
  return add_pool(*made);
}

PoolEntry* Plan::add_pool(const config::PoolConfig& config) {
  auto pool = std::make_unique<PoolEntry>();
  pool->index = static_cast<core::PoolIndex>(input_.pools.size());
  pool->name = config.name;
  pool->time_zone = config.time_zone;
  pool->first_limits = config.limits;
  pool->limits.replace(config.limits);
  input_.pools.push_back(std::move(pool));
  return input_.pools.back().get();
}

PlanTotals& Plan::tenant_of(const llmq_request_t& request, core::TenantIndex* index) {
  std::string_view name;
  if (request.tenant != nullptr) name = {request.tenant, request.tenant_len};
  *index = input_.tenant_names.index_of(name);
  if (*index >= input_.tenants.size()) input_.tenants.resize(*index + 1);
  return input_.tenants[*index];
}

core::Error Plan::add(const llmq_request_t& request) {
  core::Error why;
  why.code = core::Status::kOk;
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  if (check_members(request, &why) != core::Status::kOk) return why;
  const std::string_view name(request.model == nullptr ? "" : request.model, request.model_len);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return core::Error{core::Status::kUnknownModel,
                       "no model \"" + std::string(name) + "\" is in the plan", "model"};
  }
  PlanModel& model = input_.models[found->second];
  TokenEstimate tokens;
  core::Status status = estimate_tokens(request, model.settings, caps_of(model.settings), nullptr,
                                        &tokens, nullptr, &why);
  if (status != core::Status::kOk) return why;
  const core::Prices& prices = model.settings.deployments.front().prices;
  status = fits_somewhere(model.settings, tokens, &why);
  core::TenantIndex tenant = 0;
  PlanTotals* const both[] = {&model.totals, &tenant_of(request, &tenant)};
  for (PlanTotals* totals : both) {
    if (status != core::Status::kOk) {
      totals->oversize += status == core::Status::kOversize ? 1 : 0;
      continue;
    }
    ++totals->requests;
    totals->input_tokens += tokens.input;
    totals->output_tokens += tokens.output;
    totals->cost_micros += core::price_of(prices, tokens.input, 0, tokens.output);
  }
  if (status != core::Status::kOk) return why;
  core::Request& record = input_.requests.emplace_back();
  record.id = input_.requests.size();
  record.model = found->second;
  record.tenant = tenant;
  record.est_input_tokens = static_cast<uint32_t>(tokens.input);
  record.est_output_tokens = static_cast<uint32_t>(tokens.output);
  record.max_attempts = 1;
  record.priority = static_cast<uint8_t>(request.priority) & 7;  // checked: 0 to 4
  if (request.deadline_ns > 0) {
    record.deadline = PlanRun::kStart + (core::TimeNs{request.deadline_ns} - mono_now());
  }
  return why;
}

core::Result<std::string> Plan::run(int64_t start_unix_ms) {
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  ran_ = true;
  PlanRun(input_, start_unix_ms).run();
  return report();
}

std::string Plan::report() const {
  PlanTotals all;
  std::string decides;
  base::Json models(base::new_array());
  for (const PlanModel& model : input_.models) {
    cJSON* json = base::new_object();
    base::append(models.get(), json);
    base::add_text(json, "model", model.settings.name.c_str());
    const PlanTotals& totals = model.totals;
    describe(json, totals);
    describe_bound(json, model.bound_by);
    all.requests += totals.requests;
    all.oversize += totals.oversize;
    all.expired += totals.expired;
    all.finished += totals.finished;
    all.input_tokens += totals.input_tokens;
    all.output_tokens += totals.output_tokens;
    all.cost_micros += totals.cost_micros;
    if (totals.finished > 0 && totals.last_end >= all.last_end) {
      all.last_end = totals.last_end;
      decides = model.bound_by;
    }
  }
  base::Json tenants(base::new_array());
  for (core::TenantIndex i = 0; i < input_.tenants.size(); ++i) {
    const PlanTotals& totals = input_.tenants[i];
    if (totals.requests + totals.oversize == 0) continue;
    cJSON* json = base::new_object();
    base::append(tenants.get(), json);
    base::add_text(json, "tenant", input_.tenant_names.name(i).c_str());
    describe(json, totals);
  }
  base::Json json(base::new_object());
  describe(json.get(), all);
  describe_bound(json.get(), decides);
  base::add(json.get(), "models", models.release());
  base::add(json.get(), "tenants", tenants.release());
  return base::json_text(json.get());
}

}  // namespace llmq::runtime
