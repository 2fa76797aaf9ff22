#include "runtime/clock.h"

#include <uv.h>

#include <chrono>

namespace llmq::runtime {

core::TimeNs mono_now() { return core::TimeNs{static_cast<int64_t>(uv_hrtime())}; }

int64_t wall_unix_ms() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

core::Now now() { return core::Now{mono_now(), wall_unix_ms()}; }

}  // namespace llmq::runtime
