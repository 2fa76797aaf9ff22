// What a seed means: the provider, the limits as llmq is told them, the load, the faults.
#ifndef LLMQ_TESTS_SIM_SCENARIO_H_
#define LLMQ_TESTS_SIM_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"
#include "tests/sim/providers.h"

namespace llmq::simulator {

inline constexpr int kMaxRates = 3;  // limits per period; concurrency comes on top

// One limit per period, on both sides of the wire.
struct Rate {
  Rule rule;             // how the provider counts
  core::LimitSpec spec;  // what llmq is told
};

struct Faults {  // chances are per million
  int64_t server_error = 0;
  int64_t overloaded = 0;
  int64_t capacity = 0;       // calls at a time that the provider takes: 529 beyond; 0 = any number
  int64_t refused = 0;        // 429 without a reason
  int64_t retry_after = 0;    // ... or an overload, with Retry-After
  int64_t lost_call = 0;      // never reaches the provider
  int64_t lost_answer = 0;    // never reaches the client
  int64_t late_call = 0;      // arrives after J
  int64_t no_connection = 0;  // ends before its bytes leave
  int64_t wrong_headers = 0;
  int64_t cancelled = 0;
  int64_t store_fails = 0;
  int no_quota = 0;    // times at which the account's quota is used up
  int storms = 0;      // of cancels
  int sleeps = 0;      // of the client's machine
  int wall_steps = 0;  // of its clock
  int changes = 0;     // of limits
};

struct Scenario {
  uint64_t seed = 0;
  bool oracle = false;
  int64_t requests = 0;

  // limits
  std::vector<Rate> rates;
  int64_t concurrency = 0;
  core::ChargeModel charge = core::ChargeModel::kActual;  // the provider's, of tokens
  bool headers = false;                                   // answers tell remaining and reset
  core::Prices prices;                                    // whole millionths per token
  int64_t per_tenant = 0;  // calls of one tenant per period of the first limit; 0 = no such limit
  bool durable = false;    // a store must know of each step
  int64_t store_most = 0;  // ns that it takes
  bool leased = false;     // room of the first limit comes from a store
  core::QuotaSpec quota;
  int models = 1;  // 2 share the limits as a pool

  // the way there and back, ns
  int64_t way_least = 0;
  int64_t way_jitter = 0;  // J
  int64_t service_least = 0;
  int64_t service_most = 0;
  int64_t tick_lag = 0;
  int64_t connect_most = 0;  // 0: the bytes leave at the start

  // load
  int64_t burst_most = 0;  // requests that come together
  int64_t gap = 0;         // mean time between bursts, ns
  int64_t backlog = 0;     // most requests that live at the same time
  int64_t input_most = 0;
  int64_t output_most = 0;
  bool unit_cost = false;    // every call is as large as the next, and uses what it reserved
  int64_t actual_least = 0;  // > 0: output_most is reserved, so much is used
  int64_t actual_most = 0;
  int64_t shifted_from = 0;  // > 0: from that request on so many percent of that are used
  int64_t shifted_percent = 100;
  bool streams = false;           // answers come in parts, and the client sees them come
  int64_t part_tokens = 0;        // of output in a part; 0: a quarter of all
  int64_t per_token = 0;          // of output, ns; on top of service_least instead of service_most
  int64_t measured_from = 0;      // ns after the start
  int64_t usage_untold = 20'000;  // calls whose answer does not say what they used, per million
  int64_t overrun = 0;            // calls that use more than they reserved, per million
  int64_t tenants = 1;
  bool priorities = false;
  int64_t late_usage = 0;  // calls whose usage becomes known after their end, per million
  int64_t with_deadline = 0;
  int64_t deadline_most = 0;  // ns
  uint32_t timeout_ms = 0;
  uint8_t max_attempts = 1;
  Faults faults;

  // Nothing but the limits can make the provider refuse: then it must refuse nothing.
  bool judged() const;
  std::string text() const;
};

// The scenario of a seed; with `faults` none may go wrong unless the seed says so.
Scenario scenario_of(uint64_t seed, bool oracle);
core::ModelSpec model_spec_of(const Scenario& scenario);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_SCENARIO_H_
