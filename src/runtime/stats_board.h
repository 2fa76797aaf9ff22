// Counters as the loop last published them, for any thread to read without waiting for the loop.
#ifndef LLMQ_RUNTIME_STATS_BOARD_H_
#define LLMQ_RUNTIME_STATS_BOARD_H_

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/model.h"

namespace llmq::runtime {

class StatsBoard {
 public:
  // From the loop: what one model counts now.
  void publish(core::ModelIndex model, const core::Counters& counters);
  void count_wakeup();

  core::Counters model(core::ModelIndex model) const;
  // Sum over all models, removed ones included.
  core::Counters total() const;
  uint64_t wakeups() const;

 private:
  mutable std::mutex mutex_;
  std::vector<core::Counters> models_;
  uint64_t wakeups_ = 0;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_STATS_BOARD_H_
