// What the policies cost a request that meets no trouble: circuit breaker, adaptive concurrency,
// retries under a budget, fallback and hedging, all of them on against all of them off.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench_support.h"

namespace llmq::bench {
namespace {

constexpr uint64_t kRequests = 1'000'000;
constexpr uint64_t kOutstanding = 4096;
constexpr const char* kPolicies[][3] = {
    {"model.noop.breaker.enabled", "false", "true"},
    {"model.noop.adaptive_concurrency", "false", "true"},
    {"model.noop.retry.max_attempts", "1", "8"},
    {"model.noop.fallback.models", "", "spare"},
    {"model.noop.fallback.after_ms", "0", "3600000"},
    {"model.noop.hedge.enabled", "false", "true"},
};

void add_spare_model(llmq_manager_t* manager) {
  llmq_conf_t* conf = nullptr;
  check(llmq_conf_create(&conf), "conf");
  check(llmq_conf_set(conf, "model.spare.rpm", "1000", nullptr), "rpm");
  check(llmq_manager_register_models(manager, conf, 0, nullptr), "spare");
  llmq_conf_free(conf);
}

void set_policies(llmq_manager_t* manager, bool on) {
  for (const auto& [key, off_value, on_value] : kPolicies) {
    check(llmq_manager_set(manager, key, on ? on_value : off_value, nullptr), key);
  }
}

// Both ways in turn, so that they meet the same machine.
void policies(benchmark::State& state) {
  int64_t without = INT64_MAX;
  int64_t with = INT64_MAX;
  for (auto _ : state) {
    for (int round = 0; round < 5; ++round) {
      const NoopManager manager;
      add_spare_model(manager.get());
      for (const bool on : {false, true}) {
        set_policies(manager.get(), on);
        run_through_queue(manager, kRequests / 20, kOutstanding);  // warm
        int64_t& best = on ? with : without;
        best = std::min(best, run_through_queue(manager, kRequests, kOutstanding));
      }
    }
  }
  const auto requests = static_cast<double>(kRequests);
  state.counters["policies_added_ns"] = static_cast<double>(with - without) / requests;
  state.counters["policies_ratio"] = static_cast<double>(without) / static_cast<double>(with);
}
BENCHMARK(policies)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
