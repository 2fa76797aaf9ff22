// A model with several deployments, each with a schedule of what is wrong with it, and callers that
// keep a line of requests waiting. The engine is the real one; what it tells is checked on the way.
#ifndef LLMQ_TESTS_SIM_OUTAGE_WORLD_H_
#define LLMQ_TESTS_SIM_OUTAGE_WORLD_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/engine.h"
#include "tests/sim/event_heap.h"
#include "tests/sim/random.h"
#include "tests/support/notice_check.h"

namespace llmq::simulator {

// What a deployment does to the calls that arrive between two times, in seconds from the begin.
struct Fault {
  int64_t from_s = 0;
  int64_t to_s = 0;
  int64_t per_mille = 1000;  // of the calls; the others are answered
  core::Status status = core::Status::kServer;
  int64_t latency_ms = 100;    // of the failure, or of a call that goes well
  int64_t retry_after_ms = 0;  // 0 = none; the same end for all if `until_end`
  bool until_end = false;      // Retry-After points at the end of the fault
  bool hangs = false;          // no answer comes at all
  bool unsent = false;         // there is no connection
  bool cut = false;            // its output has begun before
};

struct Incident {
  const char* name = "";
  int deployments = 1;
  int64_t concurrency = 50;  // of each: what bounds the throughput
  int64_t latency_ms = 1000;
  int64_t requests = 0;  // in all, submitted as they are answered, `waiting` at a time
  int64_t waiting = 1000;
  uint32_t timeout_ms = 10'000;
  uint8_t max_attempts = 8;
  std::vector<std::vector<Fault>> faults;  // by deployment
  int64_t ends_s = 0;                      // of the last fault: everything works from then on
  bool breaker = true;                     // false: to see what it is good for
  bool hedges = false;                     // slow calls are made a second time elsewhere
  bool fails_some = false;                 // requests may fail: those that met a fault of their own
};

// What it came to.
struct Aftermath {
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t attempts = 0;
  uint64_t retries = 0;
  uint64_t wasted = 0;         // retries that failed
  uint64_t refused_after = 0;  // attempts that failed later than a minute after the end
  int64_t full_after_ms = -1;  // from the end of the faults to full throughput
  int64_t open_ms = 0;         // of breakers not closed at that end: how long they were last open
  uint64_t hedges = 0;         // second calls, and those whose output came first
  uint64_t hedges_won = 0;
  int64_t p95_ms = 0;  // from the submission to the end, of what was submitted during the faults
  int64_t p99_ms = 0;
  bool collapsed = false;  // throughput fell below a half again, with work left
  std::string wrong;       // what broke the life of a request; "" = nothing
};

Aftermath run_incident(const Incident& incident);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_OUTAGE_WORLD_H_
