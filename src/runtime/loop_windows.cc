// Calendar limits: the engine is told when their windows begin and end.
#include <spdlog/logger.h>

#include <algorithm>
#include <cstdlib>

#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// The wall clock may wander that far before every window is looked at.
constexpr int64_t kNoticedNs = 500'000'000;

// Of the model, or of the pool that the limit belongs to.
std::string zone_of(const ModelEntry& entry, core::Engine& engine, const core::Limit* limit) {
  const PoolEntry* pool = pool_of(entry, engine, limit);
  return pool != nullptr ? pool->time_zone : entry.settings.read()->time_zone;
}

}  // namespace

// A sleep of the machine, or of the process, is told before anything that came after it.
void Loop::notice_gap() {
  now_ = now();
  const core::DurationNs gap = gap_watch_.after_poll(now_.mono, asleep());
  if (gap.ns == 0) return;
  log->info("nothing ran for {} ms: the machine or the process was stopped", gap.ns / 1'000'000);
  follow_windows();
  step(core::ClockGap{gap});
}

// The model's own calendar limits, and those of its pools that no other model brings already.
void Loop::open_windows(const ModelEntry& entry) {
  core::Model* const model = engine_.model(entry.index);
  if (model == nullptr) return;
  const std::vector<core::Limit*>& limits = model->limiter.limits();
  for (size_t i = 0; i < limits.size(); ++i) {
    const core::Calendar calendar = limits[i]->spec().calendar;
    const bool known =
        std::any_of(windows_.begin(), windows_.end(),
                    [&](const CalendarLimit& other) { return other.limit == limits[i]; });
    if (calendar == core::Calendar::kNone || known) continue;
    windows_.push_back({entry.index, static_cast<uint32_t>(i), limits[i],
                        WindowTrack(calendar, zone_of(entry, engine_, limits[i]))});
    windows_due_ = now_.mono;
  }
  follow_windows();
}

// Is it where it was, as it was?
bool Loop::is_current(const CalendarLimit& one) {
  core::Model* const model = engine_.model(one.model);
  if (model == nullptr || one.index >= model->limiter.limits().size()) return false;
  const core::Limit* const limit = model->limiter.limits()[one.index];
  return limit == one.limit && limit->spec().calendar == one.track.calendar() &&
         zone_of(*entries_[one.model], engine_, limit) == one.track.zone();
}

// After limits of models or pools have changed, or models have gone: another member of a pool takes
// over what a model brought.
void Loop::reconcile_windows() {
  windows_.erase(std::remove_if(windows_.begin(), windows_.end(),
                                [this](const CalendarLimit& one) { return !is_current(one); }),
                 windows_.end());
  for (CalendarLimit& one : windows_) one.track.repeat();
  windows_due_ = now_.mono;
  for (const ModelEntry* entry : entries_) {
    if (entry != nullptr) open_windows(*entry);
  }
}

void Loop::follow_windows() {
  if (windows_.empty()) return;
  const Clocks clocks{now_.mono, gap_watch_.asleep(), now_.wall_unix_ms};
  const int64_t wall_ahead = clocks.wall_unix_ms * 1'000'000 - clocks.mono.ns - clocks.asleep.ns;
  const bool steady =
      clocks.asleep == windows_asleep_ && std::abs(wall_ahead - windows_wall_ahead_) < kNoticedNs;
  if (steady && now_.mono < windows_due_) return;
  windows_asleep_ = clocks.asleep;
  windows_wall_ahead_ = wall_ahead;
  windows_due_ = core::kNever;
  for (CalendarLimit& one : windows_) {
    while (const auto times = one.track.follow(clocks)) {
      log->info("model {}: limit {}: its {} ends in {} ms", entries_[one.model]->config.name,
                core::limit_name(one.limit->spec()),
                core::calendar_name(one.limit->spec().calendar),
                (times->end - now_.mono).ns / 1'000'000);
      step(core::WindowEdges{one.model, one.index, times->start, times->end, times->next_end});
    }
    windows_due_ = std::min(windows_due_, one.track.due());
  }
}

}  // namespace llmq::runtime
