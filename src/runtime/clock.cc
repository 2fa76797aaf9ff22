#include "runtime/clock.h"

#include <time.h>
#include <uv.h>

#include <chrono>

namespace llmq::runtime {

core::TimeNs mono_now() { return core::TimeNs{static_cast<int64_t>(uv_hrtime())}; }

int64_t wall_unix_ms() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

core::DurationNs asleep() {
#if defined(CLOCK_BOOTTIME)
  timespec counted{};
  timespec all{};
  if (clock_gettime(CLOCK_MONOTONIC, &counted) == 0 && clock_gettime(CLOCK_BOOTTIME, &all) == 0) {
    return core::seconds(all.tv_sec - counted.tv_sec) +
           core::nanoseconds(all.tv_nsec - counted.tv_nsec);
  }
#endif
  return {};
}

core::Now now() { return core::Now{mono_now(), wall_unix_ms()}; }

}  // namespace llmq::runtime
