// Counters as the loop last published them, for any thread to read without waiting for the loop.
#ifndef LLMQ_RUNTIME_STATS_BOARD_H_
#define LLMQ_RUNTIME_STATS_BOARD_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/model.h"

namespace llmq::runtime {

class StatsBoard {
 public:
  // From the loop: what one model counts now.
  void publish(core::ModelIndex model, const core::Counters& counters);
  // And what one of its tenants does.
  void publish(core::ModelIndex model, core::TenantIndex tenant, const std::string& name,
               const core::Counters& counters);
  void count_wakeup();

  core::Counters model(core::ModelIndex model) const;
  // Sum over all models, removed ones included.
  core::Counters total() const;
  // Of each tenant that has a name, over all models, in the order of their first requests.
  std::vector<std::pair<std::string, core::Counters>> tenants() const;
  uint64_t wakeups() const;

 private:
  struct OfTenant {
    std::string name;
    std::vector<std::pair<core::ModelIndex, core::Counters>> models;
  };

  std::vector<core::Counters> models_;
  std::vector<OfTenant> tenants_;  // by index
  uint64_t wakeups_ = 0;
  mutable std::mutex mutex_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_STATS_BOARD_H_
