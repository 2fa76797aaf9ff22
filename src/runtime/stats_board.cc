#include "runtime/stats_board.h"

namespace llmq::runtime {
namespace {

void add(core::Counters& sum, const core::Counters& one) {
  sum.submitted += one.submitted - one.fallbacks;  // each request once
  sum.completed += one.completed;
  sum.failed += one.failed;
  sum.cancelled += one.cancelled;
  sum.expired += one.expired;
  sum.attempts += one.attempts;
  sum.retries += one.retries;
  sum.fallbacks += one.fallbacks;
  sum.rate_limited += one.rate_limited;
  sum.pending += one.pending;
  sum.processing += one.processing;
  sum.input_tokens += one.input_tokens;
  sum.output_tokens += one.output_tokens;
  sum.cached_input_tokens += one.cached_input_tokens;
  sum.cost_micros += one.cost_micros;
  sum.reasoning_tokens += one.reasoning_tokens;
  sum.hedges += one.hedges;
  sum.hedges_won += one.hedges_won;
  sum.joined += one.joined;
}

}  // namespace

void StatsBoard::publish(core::ModelIndex model, const core::Counters& counters) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (model >= models_.size()) models_.resize(model + 1);
  models_[model] = counters;
}

void StatsBoard::publish(const CacheCounts& counts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  cache_ = counts;
}

CacheCounts StatsBoard::cache() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cache_;
}

void StatsBoard::count_wakeup() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++wakeups_;
}

core::Counters StatsBoard::model(core::ModelIndex model) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return model < models_.size() ? models_[model] : core::Counters{};
}

core::Counters StatsBoard::total() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  core::Counters sum;
  for (const core::Counters& one : models_) add(sum, one);
  return sum;
}

void StatsBoard::publish(core::ModelIndex model, core::TenantIndex tenant, const std::string& name,
                         const core::Counters& counters) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (tenant >= tenants_.size()) tenants_.resize(tenant + 1);
  OfTenant& known = tenants_[tenant];
  if (known.name.empty()) known.name = name;
  for (auto& one : known.models) {
    if (one.first != model) continue;
    one.second = counters;
    return;
  }
  known.models.emplace_back(model, counters);
}

std::vector<std::pair<std::string, core::Counters>> StatsBoard::tenants() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::pair<std::string, core::Counters>> all;
  for (const OfTenant& tenant : tenants_) {
    if (tenant.models.empty()) continue;
    core::Counters sum;
    for (const auto& one : tenant.models) add(sum, one.second);
    all.emplace_back(tenant.name, sum);
  }
  return all;
}

uint64_t StatsBoard::wakeups() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return wakeups_;
}

}  // namespace llmq::runtime
