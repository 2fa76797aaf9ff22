// Runs a list of calls through a scheduler against a simulated provider.
#ifndef LLMQ_TESTS_SIM_TRACE_RUN_H_
#define LLMQ_TESTS_SIM_TRACE_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/schedulers.h"

namespace llmq::simulator {

struct TraceSetup {
  Limits limits;
  int64_t way_least = 20'000'000;
  int64_t service_base = 500'000'000;
  int64_t per_token = 20'000'000;  // of output
  uint64_t seed = 1;
  // > 0: so many come at their times of arrival, after them one for each that starts.
  size_t closed = 0;
};

struct TraceResult {
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t wakes = 0;
  int64_t tokens = 0;
  int64_t first = 0;  // submission
  int64_t last = 0;   // accepted call
  double use = 0;     // tokens accepted / what the limit allows from first to last
};

TraceResult run_trace(std::vector<Job>& jobs, Scheduler& scheduler, const TraceSetup& setup);

// The wait of the `permille`-th of the chosen jobs, in seconds; 0 if there are none.
double wait_of(const std::vector<Job>& jobs, int permille,
               const std::function<bool(const Job&)>& of);

// Reads TIMESTAMP,ContextTokens,GeneratedTokens; "" or what is wrong.
std::string read_trace(const std::string& file, std::vector<Job>& jobs);
// Priorities and tenants by seed: tenants in shares of 1, 1/2, .. 1/5.
void assign(std::vector<Job>& jobs, uint64_t seed);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_TRACE_RUN_H_
