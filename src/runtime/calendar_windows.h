// All windows of an engine that follow a calendar: its host asks when they begin and end, and tells
// the engine.
#ifndef LLMQ_RUNTIME_CALENDAR_WINDOWS_H_
#define LLMQ_RUNTIME_CALENDAR_WINDOWS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/engine.h"
#include "runtime/window_track.h"

namespace llmq::runtime {

class CalendarWindows {
 public:
  // A limit whose windows follow a calendar; of a pool, by way of one of its members. Without a
  // limit: of all limits of that calendar that tenants of the model have to themselves.
  struct One {
    core::ModelIndex model;
    core::DeploymentIndex deployment;
    uint32_t index;
    const core::Limit* limit;
    WindowTrack track;
  };

  // The time zone of a limit of that model; of what its tenants have to themselves for nullptr.
  using ZoneOf = std::function<std::string(core::ModelIndex model, const core::Limit* limit)>;
  using Tell = std::function<void(const One& one, const WindowTimes& times)>;

  // The engine must outlive it.
  CalendarWindows(core::Engine& engine, ZoneOf zone_of)
      : engine_(engine), zone_of_(std::move(zone_of)) {}

  // The model's own calendar limits, those of its pools that no other model brings already, and the
  // calendars of its tenants' limits: one each, however many tenants there are.
  void open(core::ModelIndex model);
  // Is one of them there by way of that model?
  bool come_from(core::ModelIndex model) const;
  // Limits have changed, or models have gone: forgets what is not there any more, and tells the
  // rest anew. Then all models are to be opened again.
  void reconcile();

  // Tells all that has changed until now. Times must not decrease.
  void follow(const Clocks& now, const Tell& tell);
  // When to follow at the latest.
  core::TimeNs due() const { return due_; }

  static core::Event event_of(const One& one, const WindowTimes& times);

 private:
  void add(core::ModelIndex model, core::DeploymentIndex deployment, uint32_t index,
           const core::Limit* limit, core::Calendar calendar);
  bool is_current(const One& one) const;

  core::Engine& engine_;
  ZoneOf zone_of_;
  std::vector<One> all_;
  core::TimeNs due_ = core::kNever;
  core::DurationNs asleep_{};  // the clocks when all were last followed
  int64_t wall_ahead_ = 0;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CALENDAR_WINDOWS_H_
