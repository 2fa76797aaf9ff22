// Counters as the loop last published them, for any thread to read without waiting for the loop.
#ifndef LLMQ_RUNTIME_STATS_BOARD_H_
#define LLMQ_RUNTIME_STATS_BOARD_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"
#include "runtime/response_cache.h"

namespace llmq::runtime {

class StatsBoard {
 public:
  // From the loop: what one model counts now.
  void publish(core::ModelIndex model, const core::Counters& counters);
  // And what one of its tenants does.
  void publish(core::ModelIndex model, core::TenantIndex tenant, const std::string& name,
               const core::Counters& counters);
  void publish(const CacheCounts& counts);
  void count_wakeup();

  core::Counters model(core::ModelIndex model) const;
  // Sum over all models, removed ones included.
  core::Counters total() const;
  // Of each tenant that has a name, over all models, in the order of their first requests.
  std::vector<std::pair<std::string, core::Counters>> tenants() const;
  uint64_t wakeups() const;
  CacheCounts cache() const;

 private:
  struct OfTenant {
    std::string name;
    std::vector<std::pair<core::ModelIndex, core::Counters>> models;
  };

  std::vector<core::Counters> models_;
  std::vector<OfTenant> tenants_;  // by index
  uint64_t wakeups_ = 0;
  CacheCounts cache_;
  mutable std::mutex mutex_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_STATS_BOARD_H_
