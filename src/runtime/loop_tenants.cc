// Tenants as the engine knows them, and what each of them has used.
#include <algorithm>

#include "runtime/loop.h"

namespace llmq::runtime {

// The engine is told of a tenant before it is told of its first request.
core::TenantIndex Loop::tenant_of(const Job& job) {
  if (job.extra == nullptr || job.extra->tenant.empty()) return 0;
  const size_t known = tenants_.size();
  const core::TenantIndex tenant = tenants_.index_of(job.extra->tenant);
  if (tenants_.size() == known) return tenant;
  try {
    tell_tenant(tenant);
  } catch (const std::bad_alloc&) {
    tenants_.forget_last();
    throw;
  }
  return tenant;
}

void Loop::tell_tenant(core::TenantIndex tenant) {
  const config::TenantConfig& settings = settings_of(config, tenants_.name(tenant));
  core::TenantSpec spec;
  spec.weight = static_cast<uint32_t>(settings.weight) * core::kWeightOne;
  spec.max_pending = static_cast<uint64_t>(settings.max_pending);
  spec.max_pending_bytes = static_cast<uint64_t>(settings.max_pending_bytes);
  step(core::TenantAdded{tenant, spec});
}

// Its counters change in this turn. The tenant without a name has the model's, less the others'.
void Loop::touch_tenant(const Job& job) {
  if (job.request.tenant == 0) return;
  if_memory_lasts([&] { touched_tenants_.push_back({job.request.model, job.request.tenant}); });
}

void Loop::publish_tenants() {
  std::sort(touched_tenants_.begin(), touched_tenants_.end());
  const auto last = std::unique(touched_tenants_.begin(), touched_tenants_.end());
  for (auto one = touched_tenants_.begin(); one != last; ++one) {
    const core::Counters* counters = engine_.usage_of(one->first, one->second);
    if (counters != nullptr) {
      stats.publish(one->first, one->second, tenants_.name(one->second), *counters);
    }
  }
  touched_tenants_.clear();
}

}  // namespace llmq::runtime
