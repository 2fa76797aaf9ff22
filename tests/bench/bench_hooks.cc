// What a hook that is told of everything costs each request; without one, throughput_cq_1 is what
// it was before there were hooks.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench_support.h"

namespace llmq::bench {
namespace {

constexpr uint64_t kRequests = 1'000'000;
constexpr uint64_t kOutstanding = 4096;

void count(void* user, const llmq_hook_t*) { ++*static_cast<uint64_t*>(user); }

// Both ways in turn, so that they meet the same machine.
void hooks(benchmark::State& state) {
  uint64_t told = 0;
  int64_t without = INT64_MAX;
  int64_t with = INT64_MAX;
  for (auto _ : state) {
    for (int round = 0; round < 5; ++round) {
      const NoopManager manager;
      run_through_queue(manager, kRequests / 20, kOutstanding);  // warm
      without = std::min(without, run_through_queue(manager, kRequests, kOutstanding));
      check(llmq_set_hook(manager.get(), UINT32_MAX, count, &told, nullptr), "hook");
      run_through_queue(manager, kRequests / 20, kOutstanding);
      with = std::min(with, run_through_queue(manager, kRequests, kOutstanding));
    }
  }
  const auto requests = static_cast<double>(kRequests);
  state.counters["hook_calls_per_request"] = static_cast<double>(told) / (5 * 1.05 * requests);
  state.counters["hooks_added_ns"] = static_cast<double>(with - without) / requests;
  state.counters["hooks_ratio"] = static_cast<double>(without) / static_cast<double>(with);
}
BENCHMARK(hooks)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
