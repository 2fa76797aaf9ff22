// Windows that follow a calendar, in a time zone: the day that ends at midnight in Los Angeles.
//
// Time zones are the system's (IANA names). A day has 23 or 25 hours where clocks change; weeks
// begin on Monday. In a build without LLMQ_CALENDAR there are only minutes, hours and days of UTC.
#ifndef LLMQ_RUNTIME_CALENDAR_H_
#define LLMQ_RUNTIME_CALENDAR_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/model_config.h"
#include "core/limit/limit_spec.h"
#include "core/result.h"

namespace llmq::runtime {

// From start to before end; the window after it lasts until next_end. Unix milliseconds.
struct CalendarWindow {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t next_end_ms = 0;
};

// The window that holds the given time. `zone` "" is UTC. kInvalidValue for a zone that the system
// does not know, kUnsupported for what this build does not.
core::Result<CalendarWindow> calendar_window(core::Calendar calendar, std::string_view zone,
                                             int64_t wall_unix_ms);

// Is there such a zone, and can the windows of all calendar limits be told?
core::Result<core::Done> check_calendars(const std::vector<core::LimitSpec>& limits,
                                         std::string_view zone);
// The same for all of a model or pool; the error has the whole key.
core::Result<core::Done> check_calendars(const config::ModelConfig& model);
core::Result<core::Done> check_calendars(const config::PoolConfig& pool);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CALENDAR_H_
