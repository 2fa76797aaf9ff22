#include "runtime/plan.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/money.h"
#include "runtime/calendar.h"
#include "runtime/clock.h"
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
  cJSON_AddRawToObject(json, "cost", base::money_text(totals.cost_micros).c_str());
  base::add_number(json, "duration_ms",
                   totals.finished == 0 ? 0 : (totals.last_end - PlanRun::kStart).ns / 1'000'000);
}

void describe_bound(cJSON* json, const std::string& bound_by) {
  if (bound_by.empty()) {
    cJSON_AddNullToObject(json, "bound_by");
  } else {
    cJSON_AddStringToObject(json, "bound_by", bound_by.c_str());
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
    for (const std::string& name : model.pools) {
      const auto pool = pool_index(name, pools.value());
      if (!pool) return pool.error();
      fresh.pools.push_back(pool.value());
    }
    by_name_.emplace(model.name, static_cast<core::ModelIndex>(input_.models.size()));
    fresh.config = std::move(model);
    input_.models.push_back(std::move(fresh));
  }
  return core::Done{};
}

// A pool that is known already stays as it is.
core::Result<core::PoolIndex> Plan::pool_index(const std::string& name,
                                               const std::vector<config::PoolConfig>& pools) {
  const auto is_named = [&name](const auto& pool) { return pool.name == name; };
  std::vector<PlanPool>& known = input_.pools;
  const auto here = std::find_if(known.begin(), known.end(), is_named);
  if (here != known.end()) return static_cast<core::PoolIndex>(here - known.begin());
  const auto made = std::find_if(pools.begin(), pools.end(), is_named);
  if (auto checked = check_calendars(*made); !checked) return checked.error();
  known.push_back(PlanPool{name, made->time_zone, made->limits});
  return static_cast<core::PoolIndex>(known.size() - 1);
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
  TokenCaps caps;
  caps.add(model.config.limits);
  for (const core::PoolIndex pool : model.pools) caps.add(input_.pools[pool].limits);
  TokenEstimate tokens;
  core::Status status =
      estimate_tokens(request, model.config, caps, nullptr, &tokens, nullptr, &why);
  if (status != core::Status::kOk) return why;
  const core::Prices& prices = model.config.prices;
  status = fits_limits(model.config.limits, prices, tokens, "model", name, &why);
  for (const core::PoolIndex index : model.pools) {
    if (status != core::Status::kOk) break;
    const PlanPool& pool = input_.pools[index];
    status = fits_limits(pool.limits, prices, tokens, "pool", pool.name, &why);
  }
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
  base::Json models(cJSON_CreateArray());
  for (const PlanModel& model : input_.models) {
    cJSON* json = cJSON_CreateObject();
    cJSON_AddItemToArray(models.get(), json);
    cJSON_AddStringToObject(json, "model", model.config.name.c_str());
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
  base::Json tenants(cJSON_CreateArray());
  for (core::TenantIndex i = 0; i < input_.tenants.size(); ++i) {
    const PlanTotals& totals = input_.tenants[i];
    if (totals.requests + totals.oversize == 0) continue;
    cJSON* json = cJSON_CreateObject();
    cJSON_AddItemToArray(tenants.get(), json);
    cJSON_AddStringToObject(json, "tenant", input_.tenant_names.name(i).c_str());
    describe(json, totals);
  }
  base::Json json(cJSON_CreateObject());
  describe(json.get(), all);
  describe_bound(json.get(), decides);
  cJSON_AddItemToObject(json.get(), "models", models.release());
  cJSON_AddItemToObject(json.get(), "tenants", tenants.release());
  return base::json_text(json.get());
}

}  // namespace llmq::runtime
