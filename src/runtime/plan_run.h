// The run of a plan: the engine's host under a virtual clock. Time goes from event to event.
#ifndef LLMQ_RUNTIME_PLAN_RUN_H_
#define LLMQ_RUNTIME_PLAN_RUN_H_

#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "core/action.h"
#include "core/engine.h"
#include "runtime/calendar_windows.h"
#include "runtime/plan.h"

namespace llmq::runtime {

class PlanRun {
 public:
  // When every plan begins, on the virtual clock.
  static constexpr core::TimeNs kStart{1'000'000'000};

  // On the wall clock it is `start_unix_ms` then.
  PlanRun(PlanInput& input, int64_t start_unix_ms);

  // Until everything has ended, or a hundred years are over. Counts the ends in the input.
  void run();

 private:
  struct Answer {
    core::TimeNs due;
    uint64_t order;
    core::Request* request;
    bool operator<(const Answer& other) const {  // the earliest is the greatest
      return due != other.due ? due > other.due : order > other.order;
    }
  };
  // For how long each limit kept the line waiting, by deployment and the limiter's index; then each
  // tenant's own.
  struct Blocked {
    std::vector<std::vector<int64_t>> limits_ns;
    std::vector<int64_t> tenant_ns;
  };

  void add_tenants();
  void add_models();
  void step(const core::Event& event);
  void advance(core::TimeNs to);
  void follow_calendars();
  void take_answer();
  void count_end(const core::Request& request);
  std::string bound_by(core::ModelIndex index);

  PlanInput& input_;
  const int64_t start_unix_ms_;
  core::Engine engine_;
  CalendarWindows windows_;
  core::Actions actions_;
  core::TimeNs now_ = kStart;
  uint64_t order_ = 0;
  std::priority_queue<Answer> answers_;
  std::vector<Blocked> blocked_;  // by model
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_PLAN_RUN_H_
