// Bytes that a queued request costs beyond its payload, malloc overhead of the payload included:
// growth of the resident set over a million requests that wait.
#include <benchmark/benchmark.h>

#include <fstream>

#include <malloc.h>

#include <unistd.h>

#include "bench_support.h"

namespace llmq::bench {
namespace {

constexpr uint64_t kQueued = 1'000'000;

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void queued_memory(benchmark::State& state) {
  for (auto _ : state) {
    const NoopManager manager("1000000", /*with_processor=*/false);
    llmq_cq_t* cq = nullptr;
    check(llmq_cq_create(&cq), "cq");
    llmq_request_t request = manager.request();
    request.cq = cq;
    malloc_trim(0);  // what earlier benchmarks left must not serve this one
    const int64_t before = resident_bytes();
    for (uint64_t i = 0; i < kQueued; ++i) {
      check(llmq_submit(manager.get(), &request, nullptr), "submit");
    }
    llmq_stats_t stats{};  // all of them must have reached the engine
    stats.struct_size = sizeof stats;
    while (stats.submitted < kQueued) {
      char* info = nullptr;
      check(llmq_manager_info_json(manager.get(), nullptr, 0, &info, nullptr), "info");
      llmq_buf_free(info);
      check(llmq_stats(manager.get(), nullptr, 0, &stats), "stats");
    }
    const auto grown = static_cast<double>(resident_bytes() - before);
    state.counters["bytes_per_queued_request"] =
        grown / static_cast<double>(kQueued) - static_cast<double>(request.payload_len);
    check(llmq_manager_shutdown(manager.get(), LLMQ_SHUTDOWN_ABORT, 0, nullptr, 0), "shutdown");
    llmq_cq_unref(cq);
  }
}
BENCHMARK(queued_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
