// The two clocks of the process. The monotonic one is libuv's, so that loop timers and engine times
// agree.
#ifndef LLMQ_RUNTIME_CLOCK_H_
#define LLMQ_RUNTIME_CLOCK_H_

#include "core/time.h"

namespace llmq::runtime {

core::TimeNs mono_now();
int64_t wall_unix_ms();
core::Now now();
// How long the machine has slept since it was started, as far as mono_now() did not count it.
core::DurationNs asleep();

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CLOCK_H_
