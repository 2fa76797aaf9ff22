// The slow and obvious judge: after every step it counts everything anew from the list of what
// happened, and compares.
#ifndef LLMQ_TESTS_SIM_ORACLE_H_
#define LLMQ_TESTS_SIM_ORACLE_H_

#include <cstdint>
#include <vector>

#include "tests/sim/world.h"

namespace llmq::simulator {

class Oracle {
 public:
  explicit Oracle(World& world) : world_(world) {}

  void check();                     // after every step
  void started(World::Slot& slot);  // before its books take the attempt
  void arrived(int64_t now);        // at the provider; counts against limits of requests

 private:
  struct Span {
    int64_t least;  // no earlier
    int64_t most;   // no later
  };

  void recount(size_t limit);
  void check_line(core::ModelIndex index);
  void check_nobody_could_start(core::ModelIndex index);
  Span start_of(size_t limit, int64_t cost) const;
  bool is_disturbed() const;

  World& world_;
  std::vector<int64_t> arrivals_;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_ORACLE_H_
