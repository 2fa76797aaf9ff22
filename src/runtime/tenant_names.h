// The numbers by which the engine knows tenants. 0 is the tenant without a name; others are
// numbered as they are first seen, and keep their number.
#ifndef LLMQ_RUNTIME_TENANT_NAMES_H_
#define LLMQ_RUNTIME_TENANT_NAMES_H_

#include <cstddef>
#include <deque>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/model_config.h"
#include "core/grant.h"

namespace llmq::runtime {

class TenantNames {
 public:
  core::TenantIndex index_of(std::string_view name) {
    if (name.empty()) return 0;
    const auto found = indexes_.find(name);
    if (found != indexes_.end()) return found->second;
    const auto index = static_cast<core::TenantIndex>(names_.size());
    names_.emplace_back(name);
    try {
      indexes_.emplace(names_.back(), index);
    } catch (const std::bad_alloc&) {
      names_.pop_back();
      throw;
    }
    return index;
  }
  // The one that came last is new again.
  void forget_last() {
    indexes_.erase(names_.back());
    names_.pop_back();
  }

  // Of an index that was given out.
  const std::string& name(core::TenantIndex index) const { return names_[index]; }
  size_t size() const { return names_.size(); }  // indexes lie below

 private:
  std::deque<std::string> names_ = {""};  // by index; addresses never move
  std::unordered_map<std::string_view, core::TenantIndex> indexes_;
};

// Those of its own, or those for all.
inline const config::TenantConfig& settings_of(const config::ManagerConfig& config,
                                               const std::string& tenant) {
  for (const config::TenantConfig& own : config.tenants) {
    if (own.name == tenant) return own;
  }
  return config.every_tenant;
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_TENANT_NAMES_H_
