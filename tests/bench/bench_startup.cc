// From llmq_manager_create to the first response, and what the process then holds in memory: of a
// program of its own that is begun anew each time (startup.c), for neither can be told of a process
// that has run other benchmarks.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>

#include "bench_support.h"

namespace llmq::bench {
namespace {

void startup(benchmark::State& state) {
  for (auto _ : state) {
    const std::unique_ptr<FILE, int (*)(FILE*)> program(popen(LLMQ_STARTUP_PROGRAM, "r"), pclose);
    long long nanoseconds = 0;
    long long bytes = 0;
    if (program == nullptr || std::fscanf(program.get(), "%lld %lld", &nanoseconds, &bytes) != 2) {
      std::fprintf(stderr, "bench: %s said nothing\n", LLMQ_STARTUP_PROGRAM);
      std::exit(1);
    }
    state.counters["first_response_ns"] = static_cast<double>(nanoseconds);
    state.counters["idle_rss_bytes"] = static_cast<double>(bytes);
  }
}
BENCHMARK(startup)->Iterations(1)->Repetitions(15)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
