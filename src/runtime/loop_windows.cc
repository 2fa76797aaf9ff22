// Calendar limits: the engine is told when their windows begin and end.

#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"

namespace llmq::runtime {

// A sleep of the machine, or of the process, is told before anything that came after it.
void Loop::notice_gap() {
  now_ = now();
  const core::DurationNs gap = gap_watch_.after_poll(now_.mono, asleep());
  if (gap.ns == 0) return;
  log->info("nothing ran for {} ms: the machine or the process was stopped", gap.ns / 1'000'000);
  follow_windows();
  step(core::ClockGap{gap});
}

// Of the model, or of the pool that the limit belongs to.
std::string Loop::zone_of(core::ModelIndex model, const core::Limit* limit) {
  const ModelEntry& entry = *entries_[model];
  for (const DeploymentEntry* deployment : entry.called) {
    const PoolEntry* pool = limit == nullptr ? nullptr : pool_of(*deployment, engine_, limit);
    if (pool != nullptr) return pool->time_zone;
  }
  return entry.config.time_zone;
}

// After limits of models or pools have changed, or models have gone: another member of a pool takes
// over what a model brought.
void Loop::reconcile_windows() {
  windows_.reconcile();
  for (const ModelEntry* entry : entries_) {
    if (entry != nullptr) windows_.open(entry->index);
  }
  follow_windows();
}

void Loop::follow_windows() {
  const Clocks clocks{now_.mono, gap_watch_.asleep(), now_.wall_unix_ms};
  windows_.follow(clocks, [this](const CalendarWindows::One& one, const WindowTimes& times) {
    if_memory_lasts([&] {
      const std::string whose = one.limit == nullptr
                                    ? "limits of each tenant"
                                    : "limit " + core::limit_name(one.limit->spec());
      log->info("model {}: {}: the {} ends in {} ms", entries_[one.model]->config.name, whose,
                core::calendar_name(one.track.calendar()), (times.end - now_.mono).ns / 1'000'000);
    });
    step(CalendarWindows::event_of(one, times));
  });
}

}  // namespace llmq::runtime
