// Cost per request with a thousand and with a million in line.
#include <benchmark/benchmark.h>

#include "bench_support.h"

namespace llmq::bench {
namespace {

constexpr uint64_t kShallow = 1'000;
constexpr uint64_t kDeep = 1'000'000;
constexpr uint64_t kRequests = 4'000'000;

double cost_at(uint64_t depth) {
  const NoopManager manager("64");
  run_through_queue(manager, depth, depth);  // the line's memory exists
  return static_cast<double>(run_through_queue(manager, kRequests, depth)) /
         static_cast<double>(kRequests);
}

void depth_cost(benchmark::State& state) {
  for (auto _ : state) {
    const double shallow = cost_at(kShallow);
    const double deep = cost_at(kDeep);
    state.counters["cost_1k_ns"] = shallow;
    state.counters["cost_1m_ns"] = deep;
    state.counters["cost_ratio_1m_over_1k"] = deep / shallow;
  }
}
BENCHMARK(depth_cost)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
